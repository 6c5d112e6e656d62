"""Blobs as files: `blobs/ab/cdef...`, under their sha256.

Temp file, fsync, rename, fsync of the folder; then and only then may a row point at it. That is four syncs for a wheel and its METADATA,
more than all else an upload costs; so a small blob stays in memory, travels in the row's own commit, and becomes a file when it is settled.
"""

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from purveyor.errors import StoreFailed, StoreFull
from purveyor.interfaces import Staging, StoredBlob

# Up to here a blob's bytes are cheaper in the database's log than as a file that is made and synced while a client waits.
SMALL = 512 << 10
# How long whoever removes blobs waits for a moment without an upload about to commit.
_PATIENCE = 10.0
_RETRY_SECONDS = 0.005


class _LocalStaging:
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
        with _explained(self._folder):
            if self._fd is None:
                self._fd, name = tempfile.mkstemp(dir=self._folder, prefix="upload-")
                self._path = Path(name)
                _lock(self._fd, fcntl.LOCK_SH)
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
        self._gate = root / "gate"
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

    @contextmanager
    def keep(self, staged: Sequence[tuple[Staging, str]]) -> Iterator[Mapping[str, bytes]]:
        unsettled: dict[str, bytes] = {}
        with ExitStack() as stack:
            for staging, sha256 in staged:
                assert isinstance(staging, _LocalStaging)  # stagings come back to the store that made them
                content = staging.content()
                if content is None:
                    stack.enter_context(self._gate_held(_take_together))
                    self._move(staging, self._path(sha256))
                else:
                    unsettled[sha256] = content
            yield unsettled

    def settle(self, blobs: Mapping[str, bytes]) -> None:
        # Whoever removes blobs does so before this looks whether they are there, or after their rows can be seen.
        with self._gate_held(_take_together):
            for sha256, content in blobs.items():
                self._settle(self._path(sha256), content)
        for folder in {self._path(sha256).parent for sha256 in blobs}:
            _sync(folder)

    def _settle(self, target: Path, content: bytes) -> None:
        if not _holds(target, content):
            self._replace(target, content)
            return
        _sync(target)
        # As young as if it were new: while another process settles it too, its row may go and come again.
        with suppress(PermissionError):  # somebody else's; then it is as old as it is
            os.utime(target)

    def _move(self, staging: _LocalStaging, target: Path) -> None:
        if not target.exists():
            staging.move_to(target)
        # Also where the blob was there: whoever moved it may not have synced the folder yet.
        _sync(target.parent)

    def _replace(self, target: Path, content: bytes) -> None:
        with _explained(target), tempfile.NamedTemporaryFile(dir=self._staging, prefix="settle-", delete=False) as file:
            _lock(file.fileno(), fcntl.LOCK_SH)
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
        for folder in sorted(os.scandir(self._blobs), key=lambda entry: entry.name):
            for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
                with suppress(FileNotFoundError):
                    status = entry.stat()
                    yield StoredBlob(folder.name + entry.name, status.st_size, status.st_mtime)

    def remove(self, sha256: str) -> None:
        self._path(sha256).unlink(missing_ok=True)

    def removing(self) -> AbstractContextManager[None]:
        """A gate with two sides: uploads pass it together, from `keep` to their commit; whoever removes has it alone.

        Without it this could happen: an upload finds its blob there already, as an orphan, and does not write it; the blob is removed; the
        row is committed. With it, either the row is there when it is looked for, or the upload comes afterwards and finds no blob. Small
        blobs need no gate: their content is committed with the row, whatever is in the store.
        """
        return self._gate_held(_take_alone)

    @contextmanager
    def _gate_held(self, take: Callable[[int], None]) -> Iterator[None]:
        with _explained(self._gate):
            gate = os.open(self._gate, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            take(gate)
            yield
        finally:
            os.close(gate)

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
        for entry in os.scandir(self._staging):
            with suppress(FileNotFoundError):
                status = entry.stat()
                if time.time() - status.st_mtime > older_than and not _is_locked(entry.path):
                    yield Path(entry), status.st_size

    def _path(self, sha256: str) -> Path:
        return self._blobs / sha256[:2] / sha256[2:]


def _lock(fd: int, kind: int) -> None:
    with suppress(OSError):  # a file system without locks; there nothing is removed, see `_take_alone` and `_is_locked`
        fcntl.flock(fd, kind)


def _is_locked(path: str) -> bool:
    """Whether a process that lives may be writing to the file."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(fd)


def _take_together(gate: int) -> None:
    _lock(gate, fcntl.LOCK_SH)


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
