"""Ending a server: asked first, with time to answer what is under way, and made to only then. No other process is ever signalled."""

import signal
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path

from purveyor.errors import Misconfigured, StoreFailed
from purveyor.process.family import unit_of, workers_of
from purveyor.process.identity import Identity, hold
from purveyor.process.runfile import Record

MARGIN = 5.0
"""Seconds that a server may need to end, beside those that it gives to requests under way: it has to notice and to close."""
_SOON = 1.0
_KILLED = 10.0


class Ending(Enum):
    GRACEFUL = "ended"
    KILLED = "killed"
    GONE = "gone"


def end(record: Record, run_directory: Path | None, say: Callable[[str], None], margin: float = MARGIN) -> Ending:
    """End the server and its workers, and wait until they have ended.

    Raises `Misconfigured` for a server that a service manager would only start again.
    """
    # What `start` has begun belongs to no unit, even where it was called in one, as from a scheduled job.
    unit = unit_of(record.identity.pid) if record.log is None else None
    if unit is not None:
        raise Misconfigured(f"The server at {record.url} is run by the service manager, as {unit}.", f"Use `systemctl stop {unit}`.")
    workers = workers_of(record.identity)
    ending = _end_one(record.identity, say, record.drain + margin)
    for worker in workers:
        _end_left(worker)
    if run_directory is not None:
        with suppress(OSError):
            (run_directory / record.filename).unlink()
    return ending


def _end_one(identity: Identity, say: Callable[[str], None], grace: float) -> Ending:
    with hold(identity) as held:
        if held is None:
            return Ending.GONE
        held.send(signal.SIGTERM)
        held.send(signal.SIGCONT)  # one that is stopped would not hear of it
        if held.ended_within(min(_SOON, grace)):
            return Ending.GRACEFUL
        say(f"Waiting for process {identity.pid}, which may have requests to finish ...")
        if held.ended_within(grace - _SOON):
            return Ending.GRACEFUL
        say(f"Process {identity.pid} has not ended for {grace:.0f} seconds: it is killed.")
        held.send(signal.SIGKILL)
        if not held.ended_within(_KILLED):
            raise StoreFailed(f"Process {identity.pid} does not end, as one that waits for a broken disk.", "Look for errors of the disk.")
        return Ending.KILLED


def _end_left(worker: Identity) -> None:
    """A worker ends with its server; one that hangs does not."""
    with hold(worker) as held:
        if held is not None and not held.ended_within(_SOON):
            held.send(signal.SIGKILL)
            held.ended_within(_KILLED)
