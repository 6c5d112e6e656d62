"""A data directory belongs to one server. The system's lock says so, and ends with the process however that ends."""

import errno
import fcntl
import os
import shlex
from pathlib import Path

from purveyor.errors import DataInUse, StoreFailed
from purveyor.process import runfile
from purveyor.process.runfile import Record

FILE = "in-use"
LOG = "server.log"


class Occupied:
    """A data directory that is ours until this is closed or the process ends. No process that we start inherits it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def close(self) -> None:
        # What it says stays: whoever reads it asks whether that server is alive.
        os.close(self._descriptor)


def occupy(data: Path, record: Record) -> Occupied:
    """Take the data directory for the server of `record`, and leave the record there.

    Raises `DataInUse` naming the server that has it.
    """
    path = data / FILE
    try:
        # Python opens with close-on-exec, so that a worker process does not keep the lock of a server that has ended.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreFailed(f"{path} cannot be opened: {error.strerror}.", "Change its permissions, or name another --data.") from error
    try:
        _lock(descriptor, data)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, record.to_json().encode())
    except BaseException:
        os.close(descriptor)
        raise
    return Occupied(descriptor)


def occupant(data: Path) -> Record | None:
    """The server that has the data directory, as far as it can be told without touching the lock."""
    try:
        record = runfile.read(data / FILE)
        # The record in a copy of a data directory still tells of the server of the original.
        return record if record.identity.is_alive and record.data.samefile(data) else None
    except (OSError, ValueError):
        return None


def _lock(descriptor: int, data: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _in_use(data) from None
    except OSError as error:
        # Some network file systems know no locks. The database has its own, so that nothing is damaged without this one.
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
            raise


def _in_use(data: Path) -> DataInUse:
    record = occupant(data)
    if record is None:
        return DataInUse(f"The data directory {data} is in use by another server.", "`purveyor status` lists those of this user.")
    return DataInUse(
        f"The data directory {data} is in use by the server with pid {record.identity.pid} at {record.url}.",
        f"Use that one, or end it with `purveyor stop --data {shlex.quote(str(data))}`, or name another directory with --data.",
    )
