"""Distribution files and their core metadata, as bodies that can be sent."""

from datetime import datetime

from msgspec import Struct

from purveyor.errors import StoreFailed
from purveyor.formats.links import FileLink
from purveyor.interfaces import BlobStore, Catalog, FarBlobs
from purveyor.model.files import DistributionFile
from purveyor.model.indexes import IndexName
from purveyor.model.names import NormalizedName
from purveyor.serving.bodies import Body, Descriptor, Growing, Span
from purveyor.serving.bringing import Far
from purveyor.serving.cached import Cached
from purveyor.serving.downloads import Downloads, Place
from purveyor.serving.offers import Offers
from purveyor.serving.pulling import Wanted


class ServedFile(Struct, frozen=True):
    """With `growing` the content is that, in place of `body`. What an override opens is offered until `valid_until` only."""

    body: Body
    sha256: str
    project: NormalizedName
    metadata: bool
    growing: Growing | None = None
    valid_until: datetime | None = None


class Elsewhere(Struct, frozen=True):
    """A file that clients are to fetch at `place`."""

    place: Place
    sha256: str
    size: int
    project: NormalizedName
    valid_until: datetime | None


class Files:
    """A file is found by its row or on a page that was pulled, never by joining a path: the blob is opened under its digest.

    `far` is the same store as `blobs` where that is on another machine.
    """

    def __init__(
        self, catalog: Catalog, offers: Offers, blobs: BlobStore, cached: Cached, *, downloads: Downloads, far: FarBlobs | None = None
    ) -> None:
        self._cached = cached
        self._catalog = catalog
        self._offers = offers
        self._blobs = blobs
        self._downloads = downloads
        self._far = far

    def open(self, index: IndexName, link: FileLink, *, ask: bool = False) -> ServedFile | Elsewhere | Far | Wanted | None:
        """The file, or where clients find it; or what must be brought from the store, or fetched, where an upstream has it and we have not.

        Upstreams are taken as they were last seen, unless `ask` says to ask them.
        """
        offered = self._offers.file(index, link.filename, ask=ask)
        if offered is None or offered[0].sha256 != link.sha256:
            return None
        file, valid_until = offered
        sha256 = file.metadata_sha256 if link.metadata else file.sha256
        if sha256 is None:
            return self._wanted(index, file, file.sha256, metadata=True) if file.metadata_on_demand else None
        place = None if link.metadata else self._downloads.place(file)
        body = self._body(sha256, stored=place is None)
        if body is None and not self._is_there_unopened(file, sha256, place):
            return self._wanted(index, file, sha256, metadata=link.metadata)
        if file.origin is not None:
            self._cached.use(sha256)
        if body is not None:
            return ServedFile(body, sha256, file.project, link.metadata, valid_until=valid_until)
        if place is not None:
            return Elsewhere(place, sha256, file.size, file.project, valid_until)
        return Far(sha256, 0 if link.metadata else file.size, file.project, link.metadata, valid_until)

    def _wanted(self, index: IndexName, file: DistributionFile, sha256: str, *, metadata: bool) -> Wanted:
        found = self._offers.upstream_of(index, file)
        if found is None:
            raise StoreFailed(f"The content with sha256 {sha256} is missing.", "Restore the data directory from a backup.")
        upstream, mode = found
        return Wanted(file, metadata, upstream, index, mode)

    def _is_there_unopened(self, file: DistributionFile, sha256: str, place: Place | None) -> bool:
        """Whether the store has what was not opened here; one on another machine is taken at the catalog's word."""
        if self._far is not None:
            return file.origin is None or self._cached.has(sha256)
        return place is not None and self._blobs.exists(sha256)

    def _body(self, sha256: str, *, stored: bool) -> Body | None:
        """From the store; from the database's log where it waits to be settled; and from the store if it was settled in between.

        Not from the store if it is to be fetched there, without `stored`.
        """
        if not stored:
            return self._catalog.unsettled_blob(sha256)
        return self._stored(sha256) or self._catalog.unsettled_blob(sha256) or self._stored(sha256)

    def _stored(self, sha256: str) -> Span | None:
        """Never waits for another machine."""
        blob = self._blobs.open(sha256) if self._far is None else self._far.here(sha256)
        if blob is None:
            return None
        size = blob.seek(0, 2)
        return Span(Descriptor(blob), 0, size)
