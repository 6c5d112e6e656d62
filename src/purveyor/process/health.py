"""Asking a server how it is."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from msgspec import Struct

from purveyor.process.runfile import Record

PATIENCE = 1.5
"""Seconds after which a server does not answer."""
_LARGEST = 64 << 10


class Health(Struct, frozen=True):
    """What a server holds; None where it has not counted yet, which takes seconds if there are millions."""

    projects: int | None
    files: int | None


def ask(record: Record, patience: float = PATIENCE) -> Health | None:
    """What the server says of itself; None if nobody answers at its URL, or another server does."""
    parts = urlsplit(record.url)
    try:
        # Straight to it: a proxy of the environment is for other machines.
        with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=patience)) as connection:
            connection.request("GET", "/health")
            said = json.loads(connection.getresponse().read(_LARGEST))
            return Health(_count(said["projects"]), _count(said["files"])) if said["pid"] == record.identity.pid else None
    except (OSError, HTTPException, ValueError, TypeError, KeyError, RecursionError):
        return None


def _count(said: object) -> int | None:
    return None if said is None else int(str(said))


def ask_all(records: Sequence[Record]) -> list[Health | None]:
    """The same of several, at once: each that does not answer costs its whole patience."""
    if not records:
        return []
    with ThreadPoolExecutor(len(records)) as pool:
        return list(pool.map(ask, records))
