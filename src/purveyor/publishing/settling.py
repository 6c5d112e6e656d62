"""Moves the content of small uploads from the database's log to where it lives: in the background, and first of all at every start."""

import threading

from purveyor.interfaces import BlobStore, Catalog

_AT_ONCE = 64


class Settler:
    def __init__(self, catalog: Catalog, blobs: BlobStore) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._turn = threading.Lock()

    def settle(self) -> int:
        """Settle all that waits; returns how many. Another process may be at it too: settling twice changes nothing."""
        settled = 0
        with self._turn:
            while blobs := self._catalog.unsettled_blobs(_AT_ONCE):
                self._blobs.settle(blobs)
                self._catalog.forget_unsettled(blobs)
                settled += len(blobs)
        return settled
