"""A directory of plain files that any web server can offer, changed so that whoever reads it meanwhile sees whole files only."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct
from msgspec.structs import asdict

from purveyor.errors import Misconfigured, StoreFailed, StoreFull

STATE = ".purveyor-export"
# On the same file system as what it becomes, so that a rename is enough; in one place, so that what a killed run left is easily found.
PARTIAL = ".purveyor-partial"
_READ_ONLY = 0o444


class Standing(Struct, frozen=True):
    """Up to which entry of which journal the tree was brought; `under_way`: some of what came after may be there too, or half of it."""

    source: str
    serial: int = 0
    entry: str = ""
    under_way: bool = True


class StaticTree:
    """The directory, which this process alone changes while it is in the `with` block. Paths are relative to it, with slashes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._umask = _umask()

    def __enter__(self) -> Self:
        with self._explained():
            self.root.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._lock)
                raise Misconfigured(
                    f"Another process is exporting to {self.root} at this moment.", "Wait for it, or name another directory."
                ) from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        shutil.rmtree(self.root / PARTIAL, ignore_errors=True)
        os.close(self._lock)

    def standing(self) -> Standing | None:
        """None where nothing was exported to yet; raises `Misconfigured` where other things are, which are not ours to touch."""
        try:
            return Standing(**json.loads((self.root / STATE).read_bytes()))
        except FileNotFoundError:
            if {path.name for path in self.root.iterdir()} <= {PARTIAL}:
                return None
            raise Misconfigured(
                f"{self.root} is not empty, and what is in it was not exported by Purveyor; nothing was changed.",
                "Name a directory that is empty or not there yet.",
            ) from None
        except (ValueError, TypeError):
            raise Misconfigured(
                f"{self.root / STATE} cannot be understood: it is damaged, or a newer Purveyor wrote it.",
                "Remove the directory and export again, or export to another one.",
            ) from None

    def note(self, standing: Standing) -> None:
        """Durable on return, and with it, once nothing is under way any more, all that was written before."""
        if not standing.under_way:
            os.sync()
        self.write(STATE, [json.dumps(asdict(standing)).encode()])
        with self._explained():
            for path in (self.root / STATE, self.root):
                descriptor = os.open(path, os.O_RDONLY)
                os.fsync(descriptor)
                os.close(descriptor)

    def write(self, path: str, pieces: Iterable[bytes]) -> bool:
        """Make these bytes the file; False if it has them already: then it keeps its inode and its time, on which caches rely."""
        partial = self._partial()
        with self._explained():
            with partial.open("wb") as file:
                file.writelines(pieces)
            if _same(partial, self.root / path):
                partial.unlink()
                return False
            self._move(partial, path)
        return True

    def take(self, path: str, fill: Callable[[Path], bool]) -> bool:
        """Make the file that `fill` puts at the path it is given the file at `path`; False if `fill` says that there is none."""
        partial = self._partial()
        with self._explained():
            if not fill(partial):
                return False
            # A blob is for its owner's eyes until it is exported, for instance to a web server that runs as somebody else. Read-only,
            # since it may be a link to the blob itself: nobody should change that by editing this.
            with suppress(PermissionError):  # a link to somebody else's file
                partial.chmod(_READ_ONLY & ~self._umask)
            self._move(partial, path)
        return True

    def remove(self, path: str) -> bool:
        """Remove the file, and the directories that are empty without it; False if it is not there."""
        file = self.root / path
        with self._explained():
            try:
                file.unlink()
            except FileNotFoundError:
                return False
        with suppress(OSError):  # not empty, or gone
            for folder in file.relative_to(self.root).parents[:-1]:
                (self.root / folder).rmdir()
        return True

    def size(self, path: str) -> int | None:
        try:
            return (self.root / path).stat().st_size
        except OSError:
            return None

    def sha256(self, path: str) -> str:
        with (self.root / path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def read(self, path: str) -> bytes | None:
        try:
            return (self.root / path).read_bytes()
        except OSError:
            return None

    def names(self, path: str) -> list[str]:
        """What lies in that directory; nothing if there is none."""
        try:
            return sorted(entry.name for entry in (self.root / path).iterdir())
        except OSError:
            return []

    def files(self, path: str) -> Iterator[str]:
        """Every file below that directory; the tree may be changed meanwhile."""
        for folder, _, names in os.walk(self.root / path, topdown=False):
            for name in names:
                yield (Path(folder) / name).relative_to(self.root).as_posix()

    def _partial(self) -> Path:
        """A path at which there is nothing."""
        folder = self.root / PARTIAL
        with self._explained():
            folder.mkdir(exist_ok=True)
            partial = folder / "file"
            partial.unlink(missing_ok=True)
        return partial

    def _move(self, partial: Path, path: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(target)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise StoreFull(
                    f"There is no room left for the export at {self.root}.", "Free some space and export again: it goes on from here."
                ) from error
            raise StoreFailed(
                f"{error.filename or self.root} cannot be written: {error.strerror}.",
                "Change its permissions and export again, or export to another directory.",
            ) from error


def _same(one: Path, other: Path) -> bool:
    """Compared by content alone, a piece at a time."""
    with suppress(FileNotFoundError), one.open("rb") as left, other.open("rb") as right:
        if os.fstat(left.fileno()).st_size != os.fstat(right.fileno()).st_size:
            return False
        while piece := left.read(1 << 18):
            if piece != right.read(1 << 18):
                return False
        return True
    return False


def _umask() -> int:
    """There is no way to ask but to set it."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
