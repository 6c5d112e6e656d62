"""A folder and the server that serves it, as a test fills the one and asks the other."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.live_server import LiveServer

_PATIENCE = 20.0
"""Seconds after which what a test waits for is taken never to come; a bound, not a measurement."""


class ServedFolder(LiveServer):
    """`purveyor serve FOLDER`; its data directory lies beside the folder."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        super().__init__(folder.parent / "data", str(folder), *flags)

    def put(self, named: tuple[str, bytes], directory: str = "") -> Path:
        """A file in the folder, whole at once and old enough to be taken at its word."""
        return put(self.folder / directory, named)

    def waits_for(self, name: str, expected: dict[str, str] | list[str]) -> None:
        """Return once the project's page lists these files, or fail."""
        if isinstance(expected, dict):
            eventually(lambda: self.hashes(name), expected)
        else:
            eventually(lambda: sorted(self.hashes(name)), sorted(expected))

    def says(self, words: str) -> None:
        """Return once the log has these words."""
        eventually(lambda: words in self.log, True)


def put(directory: Path, named: tuple[str, bytes]) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path, beside = directory / named[0], directory / f".{named[0]}.part"
    beside.write_bytes(named[1])
    os.utime(beside, (1_700_000_000, 1_700_000_000))
    beside.rename(path)
    return path


def digests(*named: tuple[str, bytes]) -> dict[str, str]:
    return {filename: hashlib.sha256(content).hexdigest() for filename, content in named}


def eventually(look: Callable[[], object], expected: object) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (seen := look()) != expected:
        assert time.monotonic() < deadline, f"still {seen!r}, not {expected!r}"
        time.sleep(0.02)


def states(data: Path) -> dict[str, tuple[str, str | None]]:
    """What the database says of each path: its state and its fault."""
    with closing(sqlite3.connect(data / "purveyor.sqlite")) as connection:
        rows = connection.execute("SELECT path, state, fault FROM folder_files").fetchall()
    return {os.fsdecode(path): (state, fault) for path, state, fault in rows}
