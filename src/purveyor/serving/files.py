"""Distribution files and their core metadata, as bodies that can be sent."""

from dataclasses import dataclass

from purveyor.errors import StoreFailed
from purveyor.formats.links import FileLink
from purveyor.interfaces import BlobStore, Catalog
from purveyor.model.indexes import IndexName
from purveyor.model.names import NormalizedName
from purveyor.serving.bodies import Body, Descriptor, Span
from purveyor.serving.offers import Offers


@dataclass(frozen=True, slots=True)
class ServedFile:
    body: Body
    sha256: str
    project: NormalizedName
    metadata: bool


class Files:
    """A file is found by its row, never by joining a path: the blob is opened under the digest that the row names."""

    def __init__(self, catalog: Catalog, offers: Offers, blobs: BlobStore) -> None:
        self._catalog = catalog
        self._offers = offers
        self._blobs = blobs

    def open(self, index: IndexName, link: FileLink) -> ServedFile | None:
        file = self._offers.file(index, link.filename)
        if file is None or file.sha256 != link.sha256:
            return None
        sha256 = file.metadata_sha256 if link.metadata else file.sha256
        if sha256 is None:
            return None
        return ServedFile(self._body(sha256), sha256, file.project, link.metadata)

    def _body(self, sha256: str) -> Body:
        """From the store; from the database's log where it waits to be settled; and from the store if it was settled in between."""
        body = self._stored(sha256) or self._catalog.unsettled_blob(sha256) or self._stored(sha256)
        if body is None:
            raise StoreFailed(f"The content with sha256 {sha256} is missing.", "Restore the data directory from a backup.")
        return body

    def _stored(self, sha256: str) -> Span | None:
        blob = self._blobs.open(sha256)
        return None if blob is None else Span(Descriptor(blob), 0, blob.seek(0, 2))
