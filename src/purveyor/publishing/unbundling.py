"""The files of a bundle become files of an index: all of them, after every byte was verified, or none."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct, structs

from purveyor.errors import Refused
from purveyor.formats.archives import Limits
from purveyor.formats.bundle_archive import contents
from purveyor.formats.bundle_reader import BundleReader
from purveyor.interfaces import BlobStore, Catalog, NewFile
from purveyor.model.bundles import Member
from purveyor.model.files import DistributionFile, parse_filename
from purveyor.model.indexes import Index
from purveyor.publishing.inspecting import inspect_old

ACTOR = "bundle"
"""Who the journal names."""


class Unbundled(Struct, frozen=True):
    """`added` are files that were not there before."""

    added: Sequence[DistributionFile]
    there: int


class Unbundling:
    def __init__(self, catalog: Catalog, blobs: BlobStore, limits: Limits, max_size: int, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._limits = limits
        self._max_size = max_size
        self._now = now

    def add(self, reader: BundleReader, index: Index, tell: Callable[[int], None]) -> Unbundled:
        """Durable and visible on return. Raises `Refused`, `Conflict`, `NotAllowed` or `StoreFailed`; then nothing of it is offered."""
        index.check_uploads()
        reader.verify(tell)
        news = list(self._news(reader, index))
        statuses = {project.name: project.status for project in reader.bundle.projects}
        self._catalog.add_files(news, statuses, dry=True)  # a conflict is found before anything is stored
        blobs = list(_blobs(reader))
        self._keep(reader, blobs)
        added = self._catalog.add_files(news, statuses)
        # What lay here unnamed for long, somebody may have cleaned away before the rows named it; from now on nobody does.
        self._keep(reader, blobs)
        return Unbundled(added, len(news) - len(added))

    def _news(self, reader: BundleReader, index: Index) -> Iterator[NewFile]:
        members = {member.path.rpartition("/")[2]: member for member in _blobs(reader)}
        for project in reader.bundle.projects:
            for file in project.files:
                self._check(reader, file, members[file.filename])
                identity = parse_filename(file.filename).identity
                yield NewFile(file, project.display_name, identity, ACTOR, self._now(), index.name)

    def _check(self, reader: BundleReader, file: DistributionFile, member: Member) -> None:
        """The archive's own word is what an index believes; the manifest must say the same."""
        if file.size > self._max_size:
            raise Refused(f"{file.filename} has {file.size} bytes; at most {self._max_size} are accepted.")
        try:
            with reader.window(member) as source:
                inspected = inspect_old(source, parse_filename(file.filename), self._limits)
        except Refused as refused:
            raise Refused([f"{file.filename}: {complaint}" for complaint in refused.complaints], refused.remedy) from None
        said = inspected.described(size=file.size, sha256=file.sha256, uploaded_at=file.uploaded_at, uploaded_by=None)
        if structs.replace(said, yanked=file.yanked, origin=file.origin) != file:
            raise Refused(f"manifest.json says something else of {file.filename} than the file itself.")

    def _keep(self, reader: BundleReader, blobs: Sequence[Member]) -> None:
        for member in blobs:
            if self._blobs.exists(member.sha256):
                continue
            digest = hashlib.sha256()
            with self._blobs.stage() as staging:
                for piece in reader.pieces(member):
                    digest.update(piece)
                    staging.write(piece)
                if digest.hexdigest() != member.sha256:
                    raise Refused(f"{member.path} has changed while the bundle was read.")
                with self._blobs.keep([(staging, member.sha256)]) as unsettled:
                    self._blobs.settle(unsettled)


def _blobs(reader: BundleReader) -> Iterator[Member]:
    """The distribution files and their core metadata."""
    pages = len(reader.bundle.pages)
    return (member for number, member in enumerate(contents(reader.bundle)) if number >= pages)
