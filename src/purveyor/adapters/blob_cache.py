"""Copies of blobs that lie elsewhere, on this machine's disk, up to a size: those of no use for longest go first."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from purveyor.adapters.disk import explained
from purveyor.adapters.staging_folder import LocalStaging

# The folder is looked through each time this part of the limit was added, by whichever process; then it goes down to so much of it.
_STEP = 0.05
_DOWN_TO = 0.9


class BlobCache:
    """A file under each digest, whole and right. Disposable: whatever of it is removed is brought again."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._added = 0
        self._turn = threading.Lock()
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def open(self, sha256: str) -> BinaryIO | None:
        path = self._path(sha256)
        try:
            blob = path.open("rb", buffering=0)
        except OSError:  # whatever ails a copy, there is the original
            return None
        with suppress(OSError):
            os.utime(path)
        return blob

    def take(self, staging: LocalStaging, sha256: str) -> None:
        """The staged bytes are the copy from now on; whoever called has checked them."""
        target = self._path(sha256)
        with explained(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        staging.move_to(target)
        with self._turn:
            self._added += staging.size
            if self._added > self._limit * _STEP:
                self._added = 0
                self._make_room()

    def remove(self, sha256: str) -> None:
        self._path(sha256).unlink(missing_ok=True)

    def _make_room(self) -> None:
        """Whoever reads a copy that goes reads on."""
        copies = sorted(self._copies())
        size = sum(size for _, size, _ in copies)
        if size <= self._limit:
            return
        for _, length, path in copies:
            if size <= self._limit * _DOWN_TO:
                return
            with suppress(FileNotFoundError):
                path.unlink()
            size -= length

    def _copies(self) -> Iterator[tuple[float, int, Path]]:
        """When each was last of use, its size, its path."""
        for folder in os.scandir(self._folder):
            for entry in os.scandir(folder):
                with suppress(FileNotFoundError):
                    status = entry.stat()
                    yield status.st_mtime, status.st_size, Path(entry)

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256[2:]
