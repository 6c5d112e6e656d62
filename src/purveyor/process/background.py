"""Starting a server that goes on when the terminal is closed, and knowing whether it started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from msgspec import Struct

from purveyor.errors import Misconfigured
from purveyor.formats.database_url import shown
from purveyor.process.health import ask
from purveyor.process.identity import hold, identify
from purveyor.process.occupancy import LOG, occupant
from purveyor.process.runfile import Record
from purveyor.settings import Settings

PATIENCE = 120.0
"""Seconds after which a server that neither answers nor ends is given up."""
_LOG_LIMIT = 1 << 20
_LOOK_AGAIN = 0.02
_LAST_LINES = 20
_GRACE = 5.0
_KILLED_BY_US = -signal.SIGTERM


class Failed(Struct, frozen=True):
    """A server that did not start: its exit code, and what it said."""

    code: int
    said: str


def launch(settings: Settings, *, verbose: bool = False) -> Record | Failed:
    """Start `purveyor serve` with these settings, by itself in a session of its own; back when it answers, or when it has ended."""
    data = settings.data_dir.absolute()
    is_new = not data.exists()
    log = _opened_log(data)
    begun = os.fstat(log).st_size
    try:
        child = subprocess.Popen(
            [*command_of(settings), *(["--verbose"] if verbose else [])],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(settings),
            cwd="/",  # so that no file system is kept busy, and no relative path means anything
            start_new_session=True,
        )
    finally:
        os.close(log)
    answered = _await(child, data)
    if isinstance(answered, Record):
        return answered
    failed = Failed(answered, _said(data / LOG, begun))
    if is_new:
        _leave_nothing(data)
    return failed


def command_of(settings: Settings) -> list[str]:
    """The command line that serves with these settings, whatever the working directory."""
    command = [sys.executable, "-m", "purveyor", "serve", "--host", settings.host, "--port", str(settings.port)]
    if settings.data is not None:
        command += ["--data", str(settings.data.absolute())]
    if settings.workers != 1:
        command += ["--workers", str(settings.workers)]
    if settings.offline:
        command += ["--offline"]
    if settings.folder is not None:
        command += [str(settings.folder.absolute())]
    return command


def settings_of(record: Record, settings: Settings) -> Settings:
    """The options with which that server runs, and otherwise `settings`."""
    return replace(
        settings,
        host=record.host,
        port=record.port,
        data=record.data,
        folder=record.folder,
        workers=record.workers,
        offline=settings.offline or "--offline" in record.command,
        # Written down without its password, which only the environment knows.
        database=settings.database if shown(settings.database) == record.database else record.database,
    )


def _environment(settings: Settings) -> Mapping[str, str]:
    absolute = replace(
        settings,
        data=settings.data.absolute() if settings.data else None,
        folder=settings.folder.absolute() if settings.folder else None,
        run_dir=settings.run_dir.absolute() if settings.run_dir else None,
    )
    environment = dict(os.environ) | absolute.to_environment()
    if path := environment.get("PYTHONPATH"):
        environment["PYTHONPATH"] = os.pathsep.join(str(Path(entry).absolute()) for entry in path.split(os.pathsep))
    return environment


def _opened_log(data: Path) -> int:
    """The log beside the data, at its end; a long one is moved aside first."""
    log = data / LOG
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileNotFoundError):
            if log.stat().st_size > _LOG_LIMIT:
                log.replace(log.with_name(f"{LOG}.1"))
        return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Misconfigured(
            f"The data directory {data} cannot be used: {error.strerror}.", "Change its permissions, or name another with --data."
        ) from error


def _await(child: subprocess.Popen[bytes], data: Path) -> Record | int:
    """The server's record once it answers, or its exit code."""
    deadline = time.monotonic() + PATIENCE
    try:
        while (code := child.poll()) is None:
            record = occupant(data)
            if record is not None and record.identity.pid == child.pid and ask(record) is not None:
                return record
            if time.monotonic() > deadline:
                break
            time.sleep(_LOOK_AGAIN)
        else:
            return code
    except BaseException:
        _take_down(child)
        raise
    _take_down(child)
    return _KILLED_BY_US


def _take_down(child: subprocess.Popen[bytes]) -> None:
    """With its workers: the session is its own, and until it is waited for, nobody else can have its pid."""
    child.terminate()
    identity = identify(child.pid)
    if identity is not None:
        with hold(identity) as held:
            if held is not None:
                held.ended_within(_GRACE)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _said(log: Path, begun: int) -> str:
    """What the server wrote when it gave up: its error, or, if it had no words for it, its last lines."""
    try:
        with log.open("rb") as file:
            file.seek(begun)
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    marked = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
    return "\n".join(lines[marked[-1] :] if marked else lines[-_LAST_LINES:])


def _leave_nothing(data: Path) -> None:
    """Undo what was made for a start that failed, unless the server has put something there."""
    with suppress(OSError):
        if {path.name for path in data.iterdir()} <= {LOG, "in-use"}:
            for path in data.iterdir():
                path.unlink()
            data.rmdir()
