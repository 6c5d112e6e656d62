"""Every server of this user: those that are written down, and those that only the system knows of."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
from msgspec import Struct

from purveyor.errors import PurveyorError
from purveyor.process import runfile
from purveyor.process.code import Code
from purveyor.process.command_lines import Served, served_by
from purveyor.process.family import memory_of, workers_of
from purveyor.process.health import Health, ask_all
from purveyor.process.identity import Identity, identify, owner, this_process, uptime
from purveyor.process.occupancy import occupant
from purveyor.process.runfile import USUAL_DRAIN, Found, Record

UNKNOWN = "unknown"


class Listing(Struct, frozen=True):
    """What was found at one moment."""

    running: tuple[Record, ...]
    stale: tuple[Found, ...]
    rubbish: tuple[Found, ...]


class Condition(Struct, frozen=True):
    """How a running server is. Sizes in bytes, times in seconds."""

    record: Record
    health: Health | None
    uptime: float
    processes: int
    memory: int

    @property
    def data_is_gone(self) -> bool:
        return not self.record.data.is_dir()

    @property
    def is_outdated(self) -> bool:
        """Whether the code that is installed where it was started from is other code now."""
        return bool(self.record.code.fingerprint) and self.record.code.has_changed


def listing(run_directory: Callable[[], Path]) -> Listing:
    """Ask for every server of this user. Nothing is changed."""
    try:
        directory: Path | None = run_directory()
    except PurveyorError:
        directory = None
    found = runfile.found_in(directory) if directory else []
    written = [one.record for one in found if one.record and one.record.identity.is_ours]
    known = {record.identity.pid for record in written}
    strays = [stray for stray in _strays(directory) if stray.identity.pid not in known]
    return Listing(
        running=tuple(sorted([*written, *strays], key=lambda record: (record.port, record.identity.pid))),
        stale=tuple(one for one in found if one.is_stale),
        rubbish=tuple(one for one in found if one.record is None),
    )


def conditions(records: Sequence[Record]) -> list[Condition]:
    """How they are; a server that has ended meanwhile is left out."""
    return [made for record, health in zip(records, ask_all(records), strict=True) if (made := _condition(record, health))]


def _condition(record: Record, health: Health | None) -> Condition | None:
    family = (record.identity, *workers_of(record.identity))
    seconds = uptime(record.identity)
    if seconds is None:
        return None
    return Condition(record, health, seconds, len(family), memory_of(family))


def _strays(run_directory: Path | None) -> Iterator[Record]:
    """Servers of this user that belong into this run directory, whether they are written down there or not."""
    found = [(process, served) for process in psutil.process_iter() if (served := _served(process)) is not None]
    pids = {process.pid for process, _ in found}
    for process, served in found:
        with suppress(psutil.Error, OSError):
            # One that was forked a moment ago still has its parent's command line.
            if process.ppid() not in pids and (record := _record_of(process, served, run_directory)):
                yield record


def _served(process: psutil.Process) -> Served | None:
    this = this_process().pid
    with suppress(psutil.Error, OSError):
        if process.pid != this and owner(process.pid) == psutil.Process(this).uids().effective:
            return served_by(process.cmdline())
    return None


def _record_of(process: psutil.Process, served: Served, run_directory: Path | None) -> Record | None:
    identity = identify(process.pid)
    directory = Path(process.cwd())
    environment = process.environ()
    named = environment.get("PURVEYOR_RUN_DIR")
    if identity is None or (directory / named if named else _default_run_directory()) != run_directory:
        return None
    data = served.data_directory(directory, environment)
    record = occupant(data) if data else None
    if record is not None and record.identity == identity:
        return record
    return _guessed(process, identity, served, data or directory)


def _default_run_directory() -> Path | None:
    from purveyor.settings import default_run_dir  # noqa: PLC0415 - it asks for the home directory

    try:
        return default_run_dir()
    except PurveyorError:
        return None


def _guessed(process: psutil.Process, identity: Identity, served: Served, data: Path) -> Record | None:
    """What can be said of a server whose data directory, and with it its record, is gone."""
    listening = [c for c in process.net_connections(kind="tcp") if c.status == psutil.CONN_LISTEN]
    if not listening:
        return None
    host, port = listening[0].laddr.ip, listening[0].laddr.port
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared, not bound
    return Record(
        identity=identity,
        started_at=datetime.fromtimestamp(process.create_time(), UTC),
        host=host,
        port=port,
        url=f"http://{shown}:{port}/",
        data=data,
        folder=Path(served.folder) if served.folder else None,
        version=UNKNOWN,
        code=Code(Path(), ""),
        command=tuple(process.cmdline()),
        log=None,
        workers=int(served.workers) if served.workers and served.workers.isdecimal() else 1,
        drain=USUAL_DRAIN,
    )
