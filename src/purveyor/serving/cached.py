"""The copies of upstreams' files, up to a size: those of no use for longest go first, and what is hosted never goes."""

import threading
from collections.abc import Callable
from datetime import datetime

from purveyor.interfaces import OwnBlobs, PulledBlob, PulledBlobs

# Going a little below the limit makes room for a while.
_DOWN_TO = 0.95
_BATCH = 1000
# So many uses are remembered before they are written down.
_USES = 1000


class Cached:
    def __init__(self, blobs: OwnBlobs, pulled: PulledBlobs, now: Callable[[], datetime], limit: int) -> None:
        self._blobs = blobs
        self._pulled = pulled
        self._now = now
        self._limit = limit
        self._used: set[str] = set()
        self._turn = threading.Lock()

    def use(self, sha256: str) -> None:
        """Somebody was given this blob, which may be a copy or not; written down some time later."""
        self._used.add(sha256)
        if len(self._used) >= _USES:
            self._write_uses()

    def has(self, sha256: str) -> bool:
        """Whether a copy was kept, or the metadata that was found in one, and not given up since."""
        return self._pulled.has(sha256)

    def add(self, blob: PulledBlob) -> None:
        """It was just kept; `make_room` is due after that."""
        self._pulled.add(blob, self._now())

    def make_room(self) -> None:
        with self._turn:
            size = self._pulled.size()
            if size <= self._limit:
                return
            self._write_uses()
            while size > self._limit * _DOWN_TO and (gone := self._remove(size)):
                size -= gone

    def _remove(self, size: int) -> int:
        """Some of the copies that were of no use for longest; their bytes. No upload comes to name one of them meanwhile.

        What somebody has uploaded as well is no copy any more. It is looked for before the gate is shut, in front of which uploads wait,
        and behind it only among what has come since.
        """
        serial = self._pulled.newest()
        copies = self._pulled.least_recently_used(_BATCH)
        hosted = self._pulled.hosted([blob.sha256 for blob in copies])
        self._pulled.forget(hosted)
        gone = sum(blob.size for blob in copies if blob.sha256 in hosted)
        with self._blobs.removing():
            hosted |= self._pulled.hosted([blob.sha256 for blob in copies], since=serial) if self._pulled.newest() > serial else frozenset()
            for blob in (blob for blob in copies if blob.sha256 not in hosted):
                if size - gone <= self._limit * _DOWN_TO:
                    break
                # The row first: a copy without one is found and removed as an orphan, a row without a copy would count for nothing.
                self._pulled.forget([blob.sha256])
                self._blobs.remove(blob.sha256)
                gone += blob.size
        return gone

    def _write_uses(self) -> None:
        used, self._used = self._used, set()
        self._pulled.used(used, self._now())
