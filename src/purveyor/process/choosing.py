"""Which of this user's servers is meant."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from purveyor.errors import Misconfigured, ServerNotRunning
from purveyor.process.runfile import Record, found_in

_HTTP = 80


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


def server_at(url: str, run_directory: Path) -> Record | None:
    """The running server of this user that answers at the URL, which is one of this machine; None if it is not written down.

    Whoever asks may send it a secret, so the process must be alive and the user's own.
    """
    parts = urlsplit(url)
    for found in found_in(run_directory):
        record = found.record
        if record and record.port == (parts.port or _HTTP) and _is_at(record, parts.hostname or "") and record.identity.is_ours:
            return record
    return None


def _is_at(record: Record, host: str) -> bool:
    named = urlsplit(record.url).hostname
    return host == named or (host == "localhost" and named in ("127.0.0.1", "::1"))


def where(data: Path | None, port: int | None) -> str:
    """Part of a sentence: " on port 8080 with the data directory ..."."""
    return (f" on port {port}" if port is not None else "") + (f" with the data directory {data}" if data is not None else "")
