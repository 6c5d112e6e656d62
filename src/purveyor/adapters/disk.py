"""Files of the data directory: written durably, locked by who writes to them, and what goes wrong with a disk said in a sentence."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from purveyor.errors import StoreFailed, StoreFull


def lock_together(fd: int) -> None:
    with suppress(OSError):  # a file system without locks; there nothing is removed, see `FileGate.alone` and `is_locked`
        fcntl.flock(fd, fcntl.LOCK_SH)


def is_locked(path: str) -> bool:
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


def write(fd: int, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def sync(path: Path) -> None:
    """A file's content, or a folder's entries."""
    with explained(path):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def check_usable(folder: Path) -> None:
    """Raises `StoreFailed` where the folder is not there, or not ours to read and write."""
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise StoreFailed(f"The directory {folder} is not there, or cannot be written.", "Check the data directory and its disk.")


@contextmanager
def explained(where: Path | str) -> Iterator[None]:
    """Raises `StoreFull` or `StoreFailed` for an operating system's error inside."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreFull(f"There is no room left at {where}.", "Free some space; nothing was changed.") from error
        raise StoreFailed(
            f"{where} cannot be written: {error.strerror}.", "Check the disk and the permissions of the data directory."
        ) from error
