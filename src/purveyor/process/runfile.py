"""What is written down of a running server, for the commands that look for it: one JSON file in the user's run directory.

The same record stands in the data directory's `in-use` file. Neither is believed without asking the system: see `identity.py`.
"""

import json
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, to_builtins

from purveyor.formats.database_url import shown
from purveyor.process.code import Code
from purveyor.process.identity import Identity

ENDING = ".json"
_UNFINISHED = ".new"
# Whatever else lies in a directory that somebody named for this is not ours to remove.
_NAME = re.compile(r"[0-9]+-[0-9a-f]+\.(json|new)")
_LARGEST = 64 << 10
"""Bytes: a record has a few hundred."""
USUAL_DRAIN = 10
_LONGEST_DRAIN = 24 * 60 * 60


class Record(Struct, frozen=True):
    """A server as it described itself when it began to listen."""

    identity: Identity
    started_at: datetime
    host: str
    port: int
    url: str
    data: Path
    folder: Path | None
    version: str
    code: Code
    command: tuple[str, ...]
    log: Path | None
    """The file its output goes to, if `purveyor start` started it."""
    workers: int
    drain: int
    """Seconds that it may take to end by itself."""
    database: str = "sqlite"
    """The setting, without a password."""

    @property
    def filename(self) -> str:
        # With the mark, so that removing a dead server's file cannot hit that of a later one with the same pid.
        return f"{self.identity.pid}-{sha256(self.identity.mark.encode()).hexdigest()[:8]}{ENDING}"

    def to_json(self) -> str:
        # Not by msgspec: a path may be what UTF-8 has no form for.
        return json.dumps(to_builtins(self, enc_hook=str))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Record":
        """Raises ValueError for what is no record, whatever it is."""
        try:
            return _record(json.loads(text))
        except (TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            raise ValueError(f"It is no record of a server: {error!r}.") from None


class Found(Struct, frozen=True):
    """A file in the run directory: with its record, or, if it is not one, with the reason."""

    path: Path
    record: Record | None
    fault: str = ""

    @property
    def is_stale(self) -> bool:
        """Whether the server it tells of has ended, or another process has its pid by now."""
        return self.record is not None and not self.record.identity.is_alive

    def remove(self) -> None:
        with suppress(OSError):
            self.path.unlink()


def write(directory: Path, record: Record) -> Path:
    """Leave the record in the directory, which is made for its owner alone; whoever looks sees all of it or nothing. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / record.filename
    unfinished = path.with_suffix(_UNFINISHED)
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(record.to_json())
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    return path


def found_in(directory: Path) -> list[Found]:
    """Every file of the run directory that is, or was meant to be, a server's; none if the directory cannot be read."""
    try:
        paths = sorted(directory.iterdir())
    except OSError:
        return []
    return [_found(path) for path in paths if _NAME.fullmatch(path.name) and not _is_being_written(path)]


def read(path: Path) -> Record:
    """The record in the file. Raises OSError, and ValueError for what is not one."""
    # Neither a pipe that somebody put there nor a huge file holds us up.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("It is not a regular file.")
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError("It is far too large to be a record.")
    return Record.from_json(content)


def _found(path: Path) -> Found:
    if path.suffix == _UNFINISHED:
        return Found(path, None, "It was never finished.")
    try:
        return Found(path, read(path))
    except (OSError, ValueError) as error:
        return Found(path, None, getattr(error, "strerror", None) or str(error))


def _is_being_written(path: Path) -> bool:
    pid = path.name.partition("-")[0]
    return path.suffix == _UNFINISHED and pid.isdecimal() and Path("/proc", pid).exists()


def _record(given: Mapping[str, Any]) -> Record:
    identity, code, port = given["identity"], given["code"], given["port"]
    numbers = (identity["pid"], port, given["workers"])
    if not all(isinstance(number, int) and 0 < number < 1 << 31 for number in numbers):
        raise ValueError("A number in it is none.")
    texts = (identity["mark"], given["host"], given["url"], given["version"], code["fingerprint"])
    if not all(isinstance(text, str) and text and text.isprintable() for text in texts):
        raise ValueError("A text in it is none.")
    # A directory may have any name: a space of another width is not "printable", nor is what stands for a byte that is no UTF-8.
    if not all(isinstance(path, str) and path for path in (given["data"], code["directory"])):
        raise ValueError("A path in it is none.")
    if urlsplit(given["url"]).port != port or not urlsplit(given["url"]).hostname:
        raise ValueError("Its URL is none.")
    return Record(
        identity=Identity(identity["pid"], identity["mark"]),
        started_at=datetime.fromisoformat(given["started_at"]),
        host=given["host"],
        port=port,
        url=given["url"],
        data=Path(given["data"]),
        folder=Path(given["folder"]) if given["folder"] else None,
        version=given["version"],
        code=Code(Path(code["directory"]), code["fingerprint"]),
        command=tuple(str(word) for word in given["command"]),
        log=Path(given["log"]) if given["log"] else None,
        workers=given["workers"],
        drain=min(max(int(given.get("drain", USUAL_DRAIN)), 0), _LONGEST_DRAIN),
        database=shown(str(given.get("database", "sqlite"))),
    )
