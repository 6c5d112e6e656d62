"""Blobs as files: `blobs/ab/cdef...`, under their sha256. Temp file, fsync, rename, fsync of the folder; then and only then a row may point at it."""

import errno
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

from purveyor.errors import StoreFailed, StoreFull
from purveyor.interfaces import Staging


class _LocalStaging:
    def __init__(self, folder: Path) -> None:
        with _explained(folder):
            self._fd, self._path = tempfile.mkstemp(dir=folder, prefix="upload-")
        self.size = 0

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        with _explained(self._path):
            while view:
                written = os.write(self._fd, view)
                view = view[written:]
        self.size += len(data)

    def reader(self) -> BinaryIO:
        os.lseek(self._fd, 0, os.SEEK_SET)
        return os.fdopen(os.dup(self._fd), "rb", buffering=0x4000)

    def move_to(self, target: Path) -> None:
        """Durable as `target` once the folder is synced too."""
        with _explained(target):
            os.fsync(self._fd)
            os.replace(self._path, target)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        os.close(self._fd)
        with suppress(OSError):  # kept already, or swept: either way it is gone from the staging folder
            os.unlink(self._path)


class LocalBlobs:
    """Blobs below `root`, stagings in `root/staging` on the same file system, so that a rename is enough."""

    def __init__(self, root: Path) -> None:
        self._blobs = root / "blobs"
        self._staging = root / "staging"
        with _explained(root):
            self._blobs.mkdir(parents=True, exist_ok=True)
            self._staging.mkdir(exist_ok=True)

    def stage(self) -> Staging:
        return _LocalStaging(self._staging)

    def keep(self, staged: Sequence[tuple[Staging, str]]) -> None:
        folders = set()
        for staging, sha256 in staged:
            target = self._path(sha256)
            if not target.parent.exists():
                target.parent.mkdir(exist_ok=True)
                folders.add(self._blobs)
            if not target.exists():
                cast("_LocalStaging", staging).move_to(target)
            # Also where the blob was there: whoever moved it may not have synced the folder yet.
            folders.add(target.parent)
        for folder in folders:
            _sync_folder(folder)

    def open(self, sha256: str) -> BinaryIO:
        try:
            return self._path(sha256).open("rb", buffering=0)
        except OSError as error:
            raise StoreFailed(
                f"The file with sha256 {sha256} cannot be read: {error.strerror}.", "Restore it from a backup."
            ) from error

    def exists(self, sha256: str) -> bool:
        return self._path(sha256).exists()

    def sweep(self, older_than: float) -> int:
        removed = 0
        for entry in os.scandir(self._staging):
            with suppress(FileNotFoundError):
                if time.time() - entry.stat().st_mtime > older_than:
                    os.unlink(entry)
                    removed += 1
        return removed

    def _path(self, sha256: str) -> Path:
        return self._blobs / sha256[:2] / sha256[2:]


def _sync_folder(folder: Path) -> None:
    with _explained(folder):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


@contextmanager
def _explained(where: Path | str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreFull(f"There is no room left at {where}.", "Free some space; nothing was changed.") from error
        raise StoreFailed(
            f"{where} cannot be written: {error.strerror}.", "Check the disk and the permissions of the data directory."
        ) from error
