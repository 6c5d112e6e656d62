"""Blobs as files: `blobs/ab/cdef...`, under their sha256.

Temp file, fsync, rename, fsync of the folder; then and only then may a row point at it. That is four syncs for a wheel and its METADATA,
more than all else an upload costs; so a small blob is only renamed, and its bytes travel in the row's own commit until they are settled.
"""

import errno
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from purveyor.errors import StoreFailed, StoreFull
from purveyor.interfaces import Staging

# Up to here a blob's bytes are cheaper in the database's log than synced as a file of their own.
_SMALL = 512 << 10


class _LocalStaging:
    def __init__(self, folder: Path) -> None:
        with _explained(folder):
            self._fd, name = tempfile.mkstemp(dir=folder, prefix="upload-")
        self._path = Path(name)
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

    def content(self) -> bytes:
        return os.pread(self._fd, self.size, 0)

    def move_to(self, target: Path, *, durably: bool) -> None:
        """Durable as `target` once the folder is synced too."""
        with _explained(target):
            if durably:
                os.fsync(self._fd)
            self._path.replace(target)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        os.close(self._fd)
        with suppress(OSError):  # kept already, or swept: either way it is gone from the staging folder
            self._path.unlink()


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

    def keep(self, staged: Sequence[tuple[Staging, str]]) -> Mapping[str, bytes]:
        unsettled: dict[str, bytes] = {}
        for staging, sha256 in staged:
            assert isinstance(staging, _LocalStaging)  # stagings come back to the store that made them
            small = staging.size <= _SMALL
            if small:
                unsettled[sha256] = staging.content()
            self._move(staging, self._path(sha256), durably=not small)
        return unsettled

    def _move(self, staging: _LocalStaging, target: Path, *, durably: bool) -> None:
        self._make_folder(target.parent, durably=durably)
        if not target.exists():
            staging.move_to(target, durably=durably)
        if durably:
            # Also where the blob was there: whoever moved it may not have synced it yet.
            _sync(target)
            _sync(target.parent)

    def settle(self, blobs: Mapping[str, bytes]) -> None:
        for sha256, content in blobs.items():
            target = self._path(sha256)
            if not _holds(target, content):
                self._rewrite(target, content)
            _sync(target)
        for folder in {self._path(sha256).parent for sha256 in blobs}:
            _sync(folder)
        _sync(self._blobs)

    def _rewrite(self, target: Path, content: bytes) -> None:
        with _LocalStaging(self._staging) as staging:
            staging.write(content)
            self._make_folder(target.parent, durably=True)
            staging.move_to(target, durably=True)

    def _make_folder(self, folder: Path, *, durably: bool) -> None:
        with _explained(folder):
            if not folder.exists():
                folder.mkdir(exist_ok=True)
                if durably:
                    _sync(self._blobs)

    def open(self, sha256: str) -> BinaryIO:
        try:
            return self._path(sha256).open("rb", buffering=0)
        except OSError as error:
            raise StoreFailed(f"The file with sha256 {sha256} cannot be read: {error.strerror}.", "Restore it from a backup.") from error

    def exists(self, sha256: str) -> bool:
        return self._path(sha256).exists()

    def sweep(self, older_than: float) -> int:
        removed = 0
        for entry in os.scandir(self._staging):
            with suppress(FileNotFoundError):
                if time.time() - entry.stat().st_mtime > older_than:
                    Path(entry).unlink()
                    removed += 1
        return removed

    def _path(self, sha256: str) -> Path:
        return self._blobs / sha256[:2] / sha256[2:]


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _sync(path: Path) -> None:
    """A file's content, or a folder's entries."""
    with _explained(path):
        fd = os.open(path, os.O_RDONLY)
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
