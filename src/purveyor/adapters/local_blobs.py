"""Blobs as files: `blobs/ab/cdef...`, under their sha256.

Temp file, fsync, rename, fsync of the folder; then and only then may a row point at it. That is four syncs for a wheel and its METADATA,
more than all else an upload costs; so a small blob stays in memory, travels in the row's own commit, and becomes a file when it is settled.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from purveyor.adapters.disk import check_usable, explained, lock_together, sync
from purveyor.adapters.file_gate import FileGate
from purveyor.adapters.staging_folder import LocalStaging, StagingFolder
from purveyor.errors import StoreFailed
from purveyor.interfaces import Gate, Staging, StoredBlob


class LocalBlobs:
    """Blobs below `root`, stagings in `root/staging` on the same file system, so that a rename is enough."""

    def __init__(self, root: Path, gate: Gate | None = None) -> None:
        """`gate` where other machines have the same store; else a file in `root` is enough."""
        self._blobs = root / "blobs"
        self._staging = StagingFolder(root / "staging")
        self._gate = gate or FileGate(root / "gate")
        with explained(root):
            self._make_folders()

    def _make_folders(self) -> None:
        """All at once and synced, so that keeping a blob need not look whether its folder is there to stay."""
        if (self._blobs / "ff").exists():
            return
        for number in range(256):
            (self._blobs / f"{number:02x}").mkdir(parents=True, exist_ok=True)
        sync(self._blobs)
        sync(self._blobs.parent)

    def check(self) -> str:
        check_usable(self._staging.path)
        check_usable(self._blobs / "ff")
        return "The directories of the data directory can be read and written."

    def stage(self) -> Staging:
        return self._staging.stage()

    @contextmanager
    def keep(self, staged: Sequence[tuple[Staging, str]]) -> Iterator[Mapping[str, bytes]]:
        unsettled: dict[str, bytes] = {}
        with ExitStack() as stack:
            for staging, sha256 in staged:
                assert isinstance(staging, LocalStaging)  # stagings come back to the store that made them
                content = staging.content()
                if content is None:
                    stack.enter_context(self._gate.together())
                    self._move(staging, self._path(sha256))
                else:
                    unsettled[sha256] = content
            yield unsettled

    def settle(self, blobs: Mapping[str, bytes]) -> None:
        # Whoever removes blobs does so before this looks whether they are there, or after their rows can be seen.
        with self._gate.together():
            for sha256, content in blobs.items():
                self._settle(self._path(sha256), content)
        for folder in {self._path(sha256).parent for sha256 in blobs}:
            sync(folder)

    def _settle(self, target: Path, content: bytes) -> None:
        if not _holds(target, content):
            self._replace(target, content)
            return
        sync(target)
        # As young as if it were new: while another process settles it too, its row may go and come again.
        with suppress(PermissionError):  # somebody else's; then it is as old as it is
            os.utime(target)

    def _move(self, staging: LocalStaging, target: Path) -> None:
        if not target.exists():
            staging.move_to(target)
        # Also where the blob was there: whoever moved it may not have synced the folder yet.
        sync(target.parent)

    def _replace(self, target: Path, content: bytes) -> None:
        with explained(target), tempfile.NamedTemporaryFile(dir=self._staging.path, prefix="settle-", delete=False) as file:
            lock_together(file.fileno())
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
            with explained(target), source.open("rb") as blob, target.open("xb") as copy:
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
        """The gate, alone. Small blobs need none: their content is committed with the row, whatever is in the store."""
        return self._gate.alone()

    def sweep(self, older_than: float) -> int:
        return self._staging.sweep(older_than)

    def abandoned(self, older_than: float) -> Sequence[int]:
        return self._staging.abandoned(older_than)

    def _path(self, sha256: str) -> Path:
        return self._blobs / sha256[:2] / sha256[2:]


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False
