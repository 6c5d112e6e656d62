"""Files of remote indexes: fetched once however many ask, handed on while they arrive, kept only if their digest is right."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

from purveyor.errors import NotFound, UpstreamFailed
from purveyor.interfaces import BlobStore, FarBlobs, PulledBlob, RemoteFile, Snapshots, Staging, Upstream
from purveyor.model.files import DistributionFile, Kind
from purveyor.model.indexes import Mode, shown
from purveyor.model.names import NormalizedName
from purveyor.serving.bodies import Growing
from purveyor.serving.cached import Cached
from purveyor.serving.flights import Flights, receive


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that is offered but not here, and the upstream on whose behalf it is asked for."""

    file: DistributionFile
    metadata: bool
    upstream: str
    mode: Mode = Mode.SYNC

    @property
    def stays_there(self) -> bool:
        """Whether clients are to fetch it there themselves; metadata is small, and better here."""
        return self.mode is Mode.REDIRECT and not self.metadata

    @property
    def sha256(self) -> str:
        digest = self.file.metadata_sha256 if self.metadata else self.file.sha256
        assert digest is not None  # what has no digest is not offered
        return digest

    @property
    def project(self) -> NormalizedName:
        return self.file.project

    @property
    def url(self) -> str:
        assert self.file.origin is not None  # every pulled file has one
        return f"{self.file.origin}.metadata" if self.metadata else self.file.origin

    @property
    def size(self) -> int:
        """0 where the upstream's page does not say."""
        return 0 if self.metadata else self.file.size

    @property
    def name(self) -> str:
        return f"{self.file.filename}.metadata" if self.metadata else self.file.filename


class Pulling:
    """With `far`, a store on another machine, a copy stays here too for as long as there is room."""

    def __init__(
        self, upstream: Upstream, blobs: BlobStore, cached: Cached, snapshots: Snapshots, *, offline: bool, far: FarBlobs | None = None
    ) -> None:
        self._upstream = upstream
        self._blobs = blobs
        self._cached = cached
        self._snapshots = snapshots
        self._offline = offline
        self._far = far
        self._flights = Flights(UpstreamFailed)

    def start(self, wanted: Wanted) -> Growing:
        """The fetch that is under way, or a new one, which goes on whoever leaves. Raises `NotFound` when offline."""
        if self._offline:
            raise NotFound(f"This server is offline, and {wanted.name} was never fetched.", "Start it without `offline` and ask again.")
        return self._flights.start(wanted.sha256, wanted.size, wanted.name, lambda growing: self._fetch(wanted, growing))

    def _fetch(self, wanted: Wanted, growing: Growing) -> None:
        with self._upstream.file(wanted.upstream, wanted.url) as remote, self._blobs.stage() as staging:
            growing.size = _agreed(wanted, remote)
            receive(remote, staging, growing, wanted.sha256, lambda how: _lie(wanted, how))
            self._keep(wanted, staging)

    def _keep(self, wanted: Wanted, staging: Staging) -> None:
        """After the last byte went to whoever waits for it: if this fails, the next request fetches again."""
        found = self._metadata_of(wanted, staging.reader)
        with self._blobs.keep([(staging, wanted.sha256)]) as unsettled:
            self._cached.add(PulledBlob(wanted.sha256, staging.size))
        self._blobs.settle(unsettled)
        if self._far is not None:
            self._far.hold(staging, wanted.sha256)
        self._cached.make_room()
        if found is not None:
            self._keep_metadata(wanted.file, found)

    def _metadata_of(self, wanted: Wanted, reader: Callable[[], BinaryIO]) -> bytes | None:
        """The core metadata of a wheel whose upstream does not offer it; None where it does, or the wheel cannot be read."""
        if wanted.metadata or wanted.file.metadata_sha256 or wanted.file.kind is not Kind.WHEEL:
            return None
        from purveyor.formats.wheel_metadata import wheel_metadata  # noqa: PLC0415 - few upstreams make it necessary

        with reader() as stream:
            return wheel_metadata(stream)

    def _keep_metadata(self, file: DistributionFile, metadata: bytes) -> None:
        digest = sha256(metadata).hexdigest()
        self._blobs.settle({digest: metadata})
        self._snapshots.add_extracted(file.project, file.sha256, digest)


def _agreed(wanted: Wanted, remote: RemoteFile) -> int:
    """The size that page and answer state; 0 if neither does."""
    if wanted.size and remote.size is not None and wanted.size != remote.size:
        raise _lie(wanted, f"with {remote.size} bytes, and not {wanted.size} as its page says")
    return wanted.size or remote.size or 0


def _lie(wanted: Wanted, how: str) -> UpstreamFailed:
    return UpstreamFailed(f"The upstream {shown(wanted.upstream)} sends {wanted.name} {how}.", "Try again later; nothing of it was kept.")
