"""What the worker processes of one server leave for each other, as files that are not worth a sync."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from purveyor.errors import StoreFailed
from purveyor.interfaces import Sibling

_AGE = 5.0
"""Seconds without a word after which a process counts as ended."""


class SiblingFiles:
    """In `folder`, one file for each worker, named after the server and the worker: a folder may outlive many servers."""

    def __init__(self, folder: Path, server: int) -> None:
        self._folder = folder
        self._server = f"{server}-"
        self._path = folder / f"{server}-{os.getpid()}"

    def leave(self, said: str) -> None:
        unfinished = self._path.with_suffix(".new")
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            unfinished.write_text(said)
            unfinished.replace(self._path)
        except OSError as error:
            raise StoreFailed(f"{self._path} cannot be written: {error.strerror}.", "Check the data directory and its disk.") from error

    def others(self) -> Iterator[Sibling]:
        for path in self._files():
            with suppress(OSError):
                lives = time.time() - path.stat().st_mtime < _AGE
                yield Sibling(path.read_text(), lives)

    def _files(self) -> list[Path]:
        try:
            found = sorted(self._folder.iterdir())
        except OSError:
            return []
        return [path for path in found if path.name.startswith(self._server) and path != self._path and not path.suffix]


def forget_siblings(folder: Path) -> None:
    """What servers over the same data directory have left; for whoever begins to serve it, or has ended."""
    with suppress(OSError):
        for path in folder.iterdir():
            with suppress(OSError):
                path.unlink()
        folder.rmdir()
