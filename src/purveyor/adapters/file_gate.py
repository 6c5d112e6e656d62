"""The gate before blobs are removed, between processes of one machine: a lock file."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from purveyor.adapters.disk import explained, lock_together
from purveyor.errors import StoreFailed

# How long whoever removes blobs waits for a moment without an upload about to commit.
_PATIENCE = 10.0
_RETRY_SECONDS = 0.005


class FileGate:
    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def together(self) -> Iterator[None]:
        with self._opened() as gate:
            lock_together(gate)
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._opened() as gate:
            _take_alone(gate)
            yield

    @contextmanager
    def _opened(self) -> Iterator[int]:
        with explained(self._path):
            gate = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield gate
        finally:
            os.close(gate)


def _take_alone(gate: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StoreFailed("Large uploads follow each other without a pause.", "Try again when there are fewer.") from None
            time.sleep(_RETRY_SECONDS)
        else:
            return
