"""A served folder on a disk. It may hold anything: nothing is opened but regular files, and no link to a directory is followed."""

import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from purveyor.errors import Conflict, NotAllowed, StoreFailed, StoreFull
from purveyor.interfaces import FolderFile, Listing
from purveyor.model.files import project_named_by
from purveyor.model.names import NormalizedName

SUFFIXES = (".whl", ".tar.gz")
# A file that lands has a second, hidden name beside the one that it will keep, until the catalog knows it. File systems take 255 bytes.
_LANDING = ".up"
_LANDING_NAME = re.compile(r"\.(?P<filename>.+(?:\.whl|\.tar\.gz))\.[0-9a-f]{8}\.up")
# After this a second name was left behind by a process that died, in seconds.
_LANDING_AGE = 600
# SQLite's integers have a sign; some network file systems number their files up to 2**64.
_INODE_MASK = (1 << 63) - 1


class LocalFolder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._prefix = f"{root}{os.sep}"

    def changed_at(self, directory: str) -> int | None:
        try:
            return os.stat(self._prefix + directory).st_mtime_ns  # noqa: PTH116 - four times a second for each directory
        except (FileNotFoundError, NotADirectoryError):
            return None

    def listing(self, directory: str, known: Mapping[str, int]) -> Listing:
        below = f"{directory}/" if directory else ""
        names, others, landing, gone = list[str](), list[str](), set[str | None](), set(known)
        with os.scandir(self._prefix + directory) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    landing.add(self._landing(below, name))
                elif not name.endswith(SUFFIXES):
                    others.append(below + name)
                elif known.get(name) == entry.inode() & _INODE_MASK:
                    gone.discard(name)
                else:
                    names.append(name)
        files = filter(None, (self.look(below + name) for name in names if name not in landing))
        return Listing([path for path in others if self._is_directory(path)], files, gone)

    def files_of(self, project: NormalizedName) -> Sequence[FolderFile]:
        # By a pattern: normalising 20,000 names would take longer than all else.
        named = re.compile("[-_.]+".join(project.split("-")) + "[-_.]*-", re.IGNORECASE | re.ASCII).match
        paths = [below + name for below, names in self._walk() for name in names if named(name) and project_named_by(name) == project]
        return [file for path in paths if (file := self.look(path))]

    def look(self, path: str) -> FolderFile | None:
        try:
            status = os.stat(self._prefix + path)  # noqa: PTH116 - for each file of a folder
        except OSError:  # gone, a link that leads nowhere or in circles, or in a directory that is not ours to read
            return None
        return _file(path, status) if stat.S_ISREG(status.st_mode) else None

    def open(self, path: str) -> tuple[BinaryIO, FolderFile]:
        # O_NONBLOCK, because opening a fifo would wait for somebody to write to it.
        descriptor = os.open(self._prefix + path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "Not a regular file")  # noqa: TRY301 - closed below, as after any other error
        except OSError:
            os.close(descriptor)
            raise
        return os.fdopen(descriptor, "rb", buffering=0), _file(path, status)

    def count(self) -> int:
        return sum(len(names) for _, names in self._walk())

    def _walk(self) -> Iterator[tuple[str, list[str]]]:
        """Each directory that can be read, as the beginning of its paths, and the names of the wheels and sdists in it."""
        directories = [""]
        while directories:
            below = directories.pop()
            try:
                visible = [name for name in os.listdir(self._prefix + below) if not name.startswith(".")]  # noqa: PTH208 - names
            except OSError:
                continue
            yield below, [name for name in visible if name.endswith(SUFFIXES)]
            directories += [f"{below}{name}/" for name in visible if not name.endswith(SUFFIXES) and self._is_directory(below + name)]

    def check_writable(self) -> None:
        if not self.root.is_dir():
            raise StoreFailed(f"The folder {self.root} is not there.", "Bring it back, or start the server with another one.")
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise NotAllowed(f"Nothing can be uploaded: the folder {self.root} is read-only.", "Make it writable for the server.")

    @contextmanager
    def land(self, filename: str, content: BinaryIO) -> Iterator[FolderFile]:
        hidden, target = self.root / f".{filename}.{secrets.token_hex(4)}{_LANDING}", self.root / filename
        with _explained(target):
            _write(hidden, content)
        try:
            with _explained(target):
                _link(hidden, target)
                self._sync()
            try:
                yield _file(filename, os.stat(target))  # noqa: PTH116 - as elsewhere
            except BaseException:
                target.unlink(missing_ok=True)
                raise
        finally:
            hidden.unlink(missing_ok=True)

    def _sync(self) -> None:
        descriptor = os.open(self.root, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _landing(self, below: str, name: str) -> str | None:
        """The name under which a file is landing; None where nobody is at it any more, and then its second name is removed."""
        landing = _LANDING_NAME.fullmatch(name)
        if landing is None or below:  # another hidden file is its owner's, whatever it ends with
            return None
        path = Path(self._prefix + below + name)
        with suppress(OSError):
            if abs(time.time() - path.stat().st_mtime) < _LANDING_AGE:
                return landing["filename"]
            path.unlink()
        return None

    def _is_directory(self, path: str) -> bool:
        with suppress(OSError):
            return stat.S_ISDIR(os.lstat(self._prefix + path).st_mode)
        return False


def _file(path: str, status: os.stat_result) -> FolderFile:
    return FolderFile(path, status.st_size, status.st_mtime_ns, status.st_ino & _INODE_MASK)


def _write(path: Path, content: BinaryIO) -> None:
    with path.open("xb") as file:
        try:
            shutil.copyfileobj(content, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise


def _link(hidden: Path, target: Path) -> None:
    """Give the file its name, without taking that name from another one."""
    try:
        os.link(hidden, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        hidden.rename(target)


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise Conflict(f"File already exists: {target} is in the folder.", "Published files never change: raise the version.") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreFull(f"There is no room left for {target}.", "Free some space; nothing was changed.") from error
        raise StoreFailed(f"{target} cannot be written: {error.strerror}.", "Check the folder's disk and permissions.") from error
