"""Files of remote indexes: fetched once however many ask, handed on while they arrive, kept only if their digest is right."""

import os
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from typing import BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from purveyor.errors import NotFound, UpstreamFailed
from purveyor.interfaces import BlobStore, FarBlobs, PulledBlob, RemoteFile, Staging, Upstream
from purveyor.model.files import METADATA_LIMIT, DistributionFile
from purveyor.model.indexes import IndexName, Mode, shown
from purveyor.model.names import NormalizedName
from purveyor.serving.bodies import Body, Growing, Span
from purveyor.serving.cached import Cached
from purveyor.serving.flights import LARGEST, Flights, receive
from purveyor.serving.notes import Notes

# So much of a wheel's end is asked for first when only its metadata is wanted; then, at most so often, what turns out to be missing.
WHEEL_END = 64 << 10
_PARTS = 3


class Wanted(Struct, frozen=True):
    """A file that is offered but not here, the upstream on whose behalf it is asked for, and the index of ours that offers it."""

    file: DistributionFile
    metadata: bool
    upstream: str
    index: IndexName
    mode: Mode = Mode.SYNC

    @property
    def stays_there(self) -> bool:
        """Whether clients are to fetch it there themselves; metadata is small, and better here."""
        return self.mode is Mode.REDIRECT and not self.metadata

    @property
    def sha256(self) -> str:
        """Empty for metadata that is still in its wheel: whoever has it, has its digest."""
        return (self.file.metadata_sha256 or "") if self.metadata else self.file.sha256

    @property
    def in_wheel(self) -> bool:
        return self.metadata and not self.sha256

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
        self, upstream: Upstream, blobs: BlobStore, cached: Cached, notes: Notes, *, offline: bool, far: FarBlobs | None = None
    ) -> None:
        self._upstream = upstream
        self._blobs = blobs
        self._cached = cached
        self._notes = notes
        self._offline = offline
        self._far = far
        self._flights = Flights(UpstreamFailed)
        self._arrived: Callable[[Wanted, Body], None] = lambda _wanted, _content: None
        # Apart, because these may have to wait for one of those.
        self._taking_out = Flights(UpstreamFailed)

    def tell(self, arrived: Callable[[Wanted, Body], None]) -> None:
        """Called with whatever was fetched, once it is there."""
        self._arrived = arrived

    @property
    def takes_out(self) -> bool:
        """Whether somebody waits for the metadata of a wheel."""
        return self._taking_out.under_way

    def close(self) -> None:
        self._flights.close()
        self._taking_out.close()

    def start(self, wanted: Wanted) -> Growing:
        """The fetch that is under way, or a new one, which goes on whoever leaves. Raises `NotFound` when offline."""
        if self._offline and not (wanted.in_wheel and self._blobs.exists(wanted.file.sha256)):
            raise NotFound(f"This server is offline, and {wanted.name} was never fetched.", "Start it without `offline` and ask again.")
        if wanted.in_wheel:
            return self._taking_out.start(wanted.file.sha256, 0, wanted.name, lambda growing: self._take_out(wanted, growing))
        return self._flights.start(wanted.sha256, wanted.size, wanted.name, lambda growing: self._fetch(wanted, growing))

    def _fetch(self, wanted: Wanted, growing: Growing) -> None:
        with self._upstream.file(wanted.upstream, wanted.url) as remote, self._blobs.stage() as staging:
            growing.size = _agreed(wanted, remote)
            limit = METADATA_LIMIT if wanted.metadata else LARGEST
            receive(remote, staging, growing, wanted.sha256, lambda how: _lie(wanted, how), limit=limit)
            self._keep(wanted, staging)
        if growing.whole is not None:
            self._arrived(wanted, growing.whole)

    def _take_out(self, wanted: Wanted, growing: Growing) -> None:
        """The metadata of a wheel: of the copy that is here, else of its end alone, else of the whole wheel, which is then kept."""
        if (noted := self._notes.metadata(wanted.file.sha256)) is not None:
            growing.finish(*noted)
            return
        metadata = self._in_copy(wanted) or self._in_parts(wanted) or self._in_whole(wanted)
        if metadata is None:
            raise NotFound(f"{wanted.file.filename} has no core metadata that could be read.")
        digest = sha256(metadata).hexdigest()
        self._notes.add_metadata(wanted.file, metadata, digest)
        growing.finish(metadata, digest)
        self._arrived(wanted, metadata)

    def _in_copy(self, wanted: Wanted) -> bytes | None:
        blob = self._blobs.open(wanted.file.sha256)
        return None if blob is None else _metadata_of(blob)

    def _in_parts(self, wanted: Wanted) -> bytes | None:
        from purveyor.formats.wheel_parts import Missing, WheelParts  # noqa: PLC0415 - few upstreams make it necessary

        url = wanted.file.origin or ""
        end = self._upstream.part(wanted.upstream, url, -WHEEL_END, WHEEL_END)
        if end is None or (wanted.file.size and end.size != wanted.file.size):
            return None
        wheel = WheelParts(end.size, end.data)
        for _ in range(_PARTS):
            found = wheel.metadata()
            if not isinstance(found, Missing):
                return found
            part = self._upstream.part(wanted.upstream, url, found.start, found.length)
            if part is None:
                return None
            wheel.add(part.start, part.data)
        return None

    def _in_whole(self, wanted: Wanted) -> bytes | None:
        wheel = self.start(replace(wanted, metadata=False))
        wheel.wait()
        if wheel.error is not None:
            raise wheel.error
        if isinstance(wheel.whole, Span):
            return _metadata_of(os.fdopen(os.dup(wheel.whole.file.number), "rb"))
        return _metadata_of(BytesIO(wheel.whole or b""))

    def _keep(self, wanted: Wanted, staging: Staging) -> None:
        """After the last byte went to whoever waits for it: if this fails, the next request fetches again."""
        with self._blobs.keep([(staging, wanted.sha256)]) as unsettled:
            # In the store before anybody can read that it is there.
            if unsettled:
                self._blobs.settle(unsettled)
            self._cached.add(PulledBlob(wanted.sha256, staging.size))
        if self._far is not None:
            self._far.hold(staging, wanted.sha256)
        self._cached.make_room()


def _metadata_of(wheel: BinaryIO) -> bytes | None:
    from purveyor.formats.wheel_metadata import wheel_metadata  # noqa: PLC0415 - few upstreams make it necessary

    with wheel:
        return wheel_metadata(wheel)


def _agreed(wanted: Wanted, remote: RemoteFile) -> int:
    """The size that page and answer state; 0 if neither does."""
    if wanted.size and remote.size is not None and wanted.size != remote.size:
        raise _lie(wanted, f"with {remote.size} bytes, and not {wanted.size} as its page says")
    return wanted.size or remote.size or 0


def _lie(wanted: Wanted, how: str) -> UpstreamFailed:
    return UpstreamFailed(f"The upstream {shown(wanted.upstream)} sends {wanted.name} {how}.", "Try again later; nothing of it was kept.")
