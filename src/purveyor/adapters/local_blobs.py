"""Blobs as files: `blobs/ab/cdef...`, under their sha256.

Temp file, fsync, rename, fsync of the folder; then and only then may a row point at it. That is four syncs for a wheel and its METADATA,
more than all else an upload costs; so a small blob stays in memory, travels in the row's own commit, and becomes a file when it is settled.
"""

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from purveyor.errors import StoreFailed, StoreFull
from purveyor.interfaces import Staging, StoredBlob

# Up to here a blob's bytes are cheaper in the database's log than as a file that is made and synced while a client waits.
SMALL = 512 << 10


class _LocalStaging:
    """In memory while small, in a temporary file from then on."""

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
        with _explained(self._folder):
            if self._fd is None:
                self._fd, name = tempfile.mkstemp(dir=self._folder, prefix="upload-")
                self._path = Path(name)
                _write(self._fd, self._memory)
                self._memory.clear()
            _write(self._fd, data)

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

    def move_to(self, target: Path) -> None:
        """Durable as `target` once the folder is synced too."""
        assert self._fd is not None
        with _explained(target):
            os.fsync(self._fd)
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


class LocalBlobs:
    """Blobs below `root`, stagings in `root/staging` on the same file system, so that a rename is enough."""

    def __init__(self, root: Path) -> None:
        self._blobs = root / "blobs"
        self._staging = root / "staging"
        with _explained(root):
            self._staging.mkdir(parents=True, exist_ok=True)
            self._make_folders()

    def _make_folders(self) -> None:
        """All at once and synced, so that keeping a blob need not look whether its folder is there to stay."""
        if (self._blobs / "ff").exists():
            return
        for number in range(256):
            (self._blobs / f"{number:02x}").mkdir(parents=True, exist_ok=True)
        _sync(self._blobs)
        _sync(self._blobs.parent)

    def stage(self) -> Staging:
        return _LocalStaging(self._staging)

    def keep(self, staged: Sequence[tuple[Staging, str]]) -> Mapping[str, bytes]:
        unsettled: dict[str, bytes] = {}
        for staging, sha256 in staged:
            assert isinstance(staging, _LocalStaging)  # stagings come back to the store that made them
            content = staging.content()
            if content is None:
                self._move(staging, self._path(sha256))
            else:
                unsettled[sha256] = content
        return unsettled

    def settle(self, blobs: Mapping[str, bytes]) -> None:
        for sha256, content in blobs.items():
            target = self._path(sha256)
            if not _holds(target, content):
                self._replace(target, content)
            else:
                _sync(target)
        for folder in {self._path(sha256).parent for sha256 in blobs}:
            _sync(folder)

    def _move(self, staging: _LocalStaging, target: Path) -> None:
        if not target.exists():
            staging.move_to(target)
        # Also where the blob was there: whoever moved it may not have synced the folder yet.
        _sync(target.parent)

    def _replace(self, target: Path, content: bytes) -> None:
        with _explained(target), tempfile.NamedTemporaryFile(dir=self._staging, prefix="settle-", delete=False) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(target)

    def open(self, sha256: str) -> BinaryIO | None:
        try:
            return self._path(sha256).open("rb", buffering=0)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreFailed(f"The file with sha256 {sha256} cannot be read: {error.strerror}.", "Restore it from a backup.") from error

    def exists(self, sha256: str) -> bool:
        return self._path(sha256).exists()

    def copy_to(self, sha256: str, target: Path) -> bool:
        source = self._path(sha256)
        try:
            os.link(source, target)
        except FileNotFoundError:
            return False
        except FileExistsError:
            raise
        except OSError:  # another file system, or one without links
            with _explained(target), source.open("rb") as blob, target.open("xb") as copy:
                shutil.copyfileobj(blob, copy)
        return True

    def stored(self) -> Iterator[StoredBlob]:
        for folder in os.scandir(self._blobs):
            for entry in os.scandir(folder):
                with suppress(FileNotFoundError):
                    status = entry.stat()
                    yield StoredBlob(folder.name + entry.name, status.st_size, status.st_mtime)

    def remove(self, sha256: str) -> None:
        self._path(sha256).unlink(missing_ok=True)

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


def _write(fd: int, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


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
