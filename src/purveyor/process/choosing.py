"""Which of this user's servers is meant."""

from collections.abc import Sequence
from pathlib import Path

from purveyor.errors import Misconfigured, ServerNotRunning
from purveyor.process.runfile import Record


def matching(records: Sequence[Record], data: Path | None, port: int | None) -> list[Record]:
    """Those with this data directory and this port, of which None is any."""
    return [
        record
        for record in records
        if (data is None or data.resolve() in (record.data, record.data.resolve())) and port in (None, record.port)
    ]


def the_one(records: Sequence[Record], data: Path | None, port: int | None, command: str) -> Record:
    """The server that is meant. Raises `ServerNotRunning` if there is none, `Misconfigured` if it could be several."""
    found = matching(records, data, port)
    if not found:
        raise ServerNotRunning(f"No server of yours is running{where(data, port)}.", "`purveyor start` starts one.")
    if len(found) > 1:
        shown = ", ".join(f"{record.url} (pid {record.identity.pid})" for record in found)
        raise Misconfigured(f"Several servers of yours are running: {shown}.", f"Say which: `purveyor {command} --port {found[0].port}`.")
    return found[0]


def where(data: Path | None, port: int | None) -> str:
    """Part of a sentence: " on port 8080 with the data directory ..."."""
    return (f" on port {port}" if port is not None else "") + (f" with the data directory {data}" if data is not None else "")
