"""A server says that it is there: its record in the user's run directory, for as long as it runs."""

import os
import shlex
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

from purveyor import __version__
from purveyor.errors import PurveyorError
from purveyor.formats.database_url import shown
from purveyor.process import runfile
from purveyor.process.code import own_code
from purveyor.process.identity import this_process
from purveyor.process.occupancy import LOG
from purveyor.process.runfile import Record
from purveyor.process.sockets import url_of
from purveyor.settings import Settings


def own_record(settings: Settings, listening: socket.socket, data: Path) -> Record:
    """What is written down of this process, the server with these settings."""
    return Record(
        identity=this_process(),
        started_at=datetime.now(UTC),
        host=settings.host,
        port=listening.getsockname()[1],
        url=url_of(listening),
        data=data.resolve(),
        folder=settings.folder.resolve() if settings.folder else None,
        version=__version__,
        code=own_code(),
        command=tuple(sys.orig_argv),
        log=_log_of(data),
        workers=settings.workers,
        drain=settings.drain_delay + settings.drain_timeout,
        database=shown(settings.database),
    )


@contextmanager
def written_down(record: Record, directory: Callable[[], Path], warn: Callable[[str], None]) -> Iterator[None]:
    """Leave the record in the run directory until the end of the `with` block. Where that is impossible the server runs all the same."""
    path: Path | None = None
    try:
        path = runfile.write(directory(), record)
    except (OSError, PurveyorError) as error:
        warn(f"This server is not written down, because {_reason(error)}: name its data directory with --data to find it again.")
    try:
        yield
    finally:
        if path is not None:
            with suppress(OSError):
                path.unlink()


def end_cleanly_on_request() -> None:
    """Let SIGTERM end this process as `sys.exit` does, with what is to be done at the end; uvicorn hands it on after it has drained."""

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)


def _reason(error: OSError | PurveyorError) -> str:
    if isinstance(error, PurveyorError):
        return error.detail.rstrip(".")
    return f"{shlex.quote(str(error.filename))} cannot be written ({error.strerror})"


def _log_of(data: Path) -> Path | None:
    """The log beside the data, if that is where this process's output goes."""
    log = data.resolve() / LOG
    with suppress(OSError, ValueError, AttributeError):
        if os.path.samestat(os.fstat(sys.stdout.fileno()), log.stat()):
            return log
    return None
