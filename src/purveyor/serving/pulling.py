"""Files of remote indexes: fetched once however many ask, handed on while they arrive, kept only if their digest is right."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

from purveyor.errors import NotFound, PurveyorError, UpstreamFailed
from purveyor.interfaces import BlobStore, PulledBlob, RemoteFile, Snapshots, Staging, Upstream
from purveyor.model.files import DistributionFile, Kind
from purveyor.model.indexes import Mode, shown
from purveyor.serving.bodies import Body, Descriptor, Growing, Span
from purveyor.serving.cached import Cached

log = logging.getLogger("purveyor")

# Never sent before the digest is known to be right: without its end no client takes a file for whole.
HELD_BACK = 64 << 10
# Followers are told of this many bytes at a time; each telling wakes them all.
_STEP = 256 << 10
_AT_ONCE = 32
# A file is given up that has come with fewer bytes a second than this, over this many seconds.
_LEAST_RATE = 1024
_WINDOW = 30.0
_LARGEST = 16 << 30


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
    def __init__(self, upstream: Upstream, blobs: BlobStore, cached: Cached, snapshots: Snapshots, *, offline: bool) -> None:
        self._upstream = upstream
        self._blobs = blobs
        self._cached = cached
        self._snapshots = snapshots
        self._offline = offline
        self._flights: dict[str, Growing] = {}
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def start(self, wanted: Wanted) -> Growing:
        """The fetch that is under way, or a new one, which goes on whoever leaves. Raises `NotFound` when offline."""
        if self._offline:
            raise NotFound(f"This server is offline, and {wanted.name} was never fetched.", "Start it without `offline` and ask again.")
        with self._turn:
            growing = self._flights.get(wanted.sha256)
            if growing is None:
                growing = self._flights[wanted.sha256] = Growing(wanted.size)
                threading.Thread(target=self._fly, args=(wanted, growing), daemon=True, name="pull").start()
            return growing

    def _fly(self, wanted: Wanted, growing: Growing) -> None:
        try:
            with self._places:
                self._fetch(wanted, growing)
        except PurveyorError as error:
            log.warning("%s is not kept: %s", wanted.name, error.detail)
            growing.fail(error)
        except BaseException as error:
            log.exception("internal error on %s", wanted.name)
            growing.fail(UpstreamFailed(f"{wanted.name} could not be fetched: {type(error).__name__}.", "The server's log says more."))
        finally:
            with self._turn:
                del self._flights[wanted.sha256]

    def _fetch(self, wanted: Wanted, growing: Growing) -> None:
        with self._upstream.file(wanted.upstream, wanted.url) as remote, self._blobs.stage() as staging:
            growing.size = _agreed(wanted, remote)
            digest = _receive(wanted, remote, staging, growing)
            if digest != wanted.sha256:
                raise _lie(wanted, f"with sha256 {digest}, and not {wanted.sha256} as its page says")
            growing.finish(_whole(staging, growing))
            self._keep(wanted, staging)

    def _keep(self, wanted: Wanted, staging: Staging) -> None:
        """After the last byte went to whoever waits for it: if this fails, the next request fetches again."""
        found = self._metadata_of(wanted, staging.reader)
        with self._blobs.keep([(staging, wanted.sha256)]) as unsettled:
            self._cached.add(PulledBlob(wanted.sha256, staging.size))
        self._blobs.settle(unsettled)
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


def _receive(wanted: Wanted, remote: RemoteFile, staging: Staging, growing: Growing) -> str:
    digest, told, pace = sha256(), 0, _Pace(wanted)
    file: Descriptor | None = None
    for piece in remote.pieces:
        digest.update(piece)
        staging.write(piece)
        if staging.size > (growing.size or _LARGEST):
            raise _lie(wanted, f"with more than {growing.size or _LARGEST} bytes")
        pace.check(staging.size)
        if growing.size and staging.size - told >= _STEP:
            file = file or _followed(staging)
            if file is not None:
                told = staging.size
                growing.grow(file, min(told, growing.size - HELD_BACK))
    if growing.size and staging.size != growing.size:
        raise _lie(wanted, f"cut off after {staging.size} of {growing.size} bytes")
    return digest.hexdigest()


def _followed(staging: Staging) -> Descriptor | None:
    file = staging.follow()
    return None if file is None else Descriptor(file)


def _whole(staging: Staging, growing: Growing) -> Body:
    file = growing.file or _followed(staging)
    if file is not None:
        return Span(file, 0, staging.size)
    with staging.reader() as reader:
        return reader.read()


class _Pace:
    """Whether bytes still come in earnest."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._since = time.monotonic()
        self._size = 0

    def check(self, size: int) -> None:
        now = time.monotonic()
        if now - self._since < _WINDOW:
            return
        if size - self._size < _LEAST_RATE * _WINDOW:
            raise _lie(self._wanted, f"with fewer than {_LEAST_RATE} bytes a second")
        self._since, self._size = now, size


def _lie(wanted: Wanted, how: str) -> UpstreamFailed:
    return UpstreamFailed(f"The upstream {shown(wanted.upstream)} sends {wanted.name} {how}.", "Try again later; nothing of it was kept.")
