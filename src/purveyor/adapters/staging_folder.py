"""Uploads on their way in: in memory while small, in a temporary file of the data directory once they are not."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from purveyor.adapters.disk import explained, is_locked, lock_together, write

# Up to here a blob's bytes are cheaper in the database's log than as a file or an object that is made while a client waits.
SMALL = 512 << 10


class LocalStaging:
    """In memory while small, in a temporary file from then on, which is locked while somebody is alive to write to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory = bytearray()
        self._fd: int | None = None
        self._path: Path
        self.size = 0

    def write(self, data: bytes) -> None:
        self.size += len(data)
        if self._fd is None and self.size <= SMALL:
            self._memory += data
            return
        with explained(self._folder):
            write(self._in_file(), data)

    def _in_file(self) -> int:
        if self._fd is None:
            self._fd, name = tempfile.mkstemp(dir=self._folder, prefix="upload-")
            self._path = Path(name)
            lock_together(self._fd)
            write(self._fd, self._memory)
            self._memory.clear()
        return self._fd

    def content(self) -> bytes | None:
        """The bytes, if they are few enough to be in memory."""
        return bytes(self._memory) if self._fd is None else None

    def reader(self) -> BinaryIO:
        if self._fd is None:
            return BytesIO(self._memory)
        os.lseek(self._fd, 0, os.SEEK_SET)
        return os.fdopen(os.dup(self._fd), "rb", buffering=0x4000)

    def follow(self) -> BinaryIO | None:
        return None if self._fd is None else self._path.open("rb", buffering=0)

    def in_file(self) -> BinaryIO:
        """The same, however small it is."""
        with explained(self._folder):
            self._in_file()
            return self._path.open("rb", buffering=0)

    def move_to(self, target: Path) -> None:
        """Durable as `target` once the folder is synced too, however small it is."""
        with explained(target):
            os.fsync(self._in_file())
            self._path.replace(target)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        if self._fd is not None:
            # A thread that still writes here gets an error, not a file that was opened since under the same number.
            fd, self._fd = self._fd, -1
            os.close(fd)
            with suppress(OSError):  # kept already, or swept: either way it is gone from the staging folder
                self._path.unlink()


class StagingFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        with explained(path):
            path.mkdir(parents=True, exist_ok=True)

    def stage(self) -> LocalStaging:
        return LocalStaging(self.path)

    def sweep(self, older_than: float) -> int:
        removed = 0
        for path, _ in self._abandoned(older_than):
            with suppress(FileNotFoundError):
                path.unlink()
                removed += 1
        return removed

    def abandoned(self, older_than: float) -> Sequence[int]:
        return [size for _, size in self._abandoned(older_than)]

    def _abandoned(self, older_than: float) -> Iterator[tuple[Path, int]]:
        for entry in os.scandir(self.path):
            with suppress(FileNotFoundError):
                status = entry.stat()
                if time.time() - status.st_mtime > older_than and not is_locked(entry.path):
                    yield Path(entry), status.st_size
