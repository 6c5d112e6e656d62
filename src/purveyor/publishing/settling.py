"""Moves the content of small uploads from the database's log to where it lives: in the background, and first of all at every start."""

import threading

from purveyor.interfaces import BlobStore, Catalog

_AT_ONCE = 64
# The log may grow by this much before settling gets in the way of a long burst of uploads.
_BACKLOG = 64 << 20


class Settler:
    def __init__(self, catalog: Catalog, blobs: BlobStore) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._turn = threading.Lock()
        self._last_serial = -1

    def settle_when_quiet(self) -> int:
        """Called once a second: settles if nothing was published since the last call, or if too much waits. Returns how many."""
        serial, self._last_serial = self._last_serial, self._catalog.serial()
        if serial != self._last_serial and self._catalog.unsettled_size() < _BACKLOG:
            return 0
        return self.settle()

    def settle(self) -> int:
        """Settle all that waits; returns how many. Another process may be at it too: settling twice changes nothing."""
        settled = 0
        with self._turn:
            while blobs := self._catalog.unsettled_blobs(_AT_ONCE):
                self._blobs.settle(blobs)
                self._catalog.forget_unsettled(blobs)
                settled += len(blobs)
        return settled
