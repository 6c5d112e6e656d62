"""What a process's command line says: whether it is a Purveyor server, and which; or another web server, and of what."""

import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from purveyor.errors import PurveyorError
from purveyor.settings import Settings

_PROGRAM = "purveyor"
_VALUED = ("--host", "--port", "--data", "--workers")
"""The options of `serve` that a value follows."""


class Served(Struct, frozen=True):
    """The options of a `purveyor serve`, as far as its command line has them."""

    host: str | None = None
    port: str | None = None
    data: str | None = None
    workers: str | None = None
    folder: str | None = None

    def data_directory(self, directory: Path, environment: Mapping[str, str]) -> Path | None:
        """Where a process with this working directory and environment keeps its data; None if that cannot be said."""
        try:
            settings = Settings.from_environment(
                {name: value for name, value in environment.items() if name in ("PURVEYOR_DATA", "PURVEYOR_FOLDER")},
                data=Path(directory, self.data) if self.data else None,
                folder=Path(directory, self.folder) if self.folder else None,
            )
            return _joined(str(directory), str(settings.data_dir))
        except (PurveyorError, OSError, ValueError):
            return None


def served_by(command: Sequence[str]) -> Served | None:
    """The options, if this is the command line of a Purveyor server; None for every other, such as one that only starts it."""
    place = _place_of_serve(command)
    if place is None or not Path(command[0]).name.startswith(("python", "pypy", _PROGRAM)):
        return None
    found: dict[str, str] = {}
    words = iter(command[place + 1 :])
    for word in words:
        name, equals, value = word.partition("=")
        if name in _VALUED:
            found[name.removeprefix("--")] = value if equals else next(words, "")
        elif not word.startswith("-"):
            found["folder"] = word
    return Served(**found)


def folder_of_http_server(command: Sequence[str], directory: str | None) -> Path | None:
    """The directory that a `python -m http.server` serves; None for any other command line."""
    words = list(command)
    if "http.server" not in words[:-1] and words[-1:] != ["http.server"]:
        return None
    if words[words.index("http.server") - 1] != "-m":
        return None
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in ("--directory", "-d"):
            return _joined(directory, following)
        if word.startswith(("--directory=", "-d")):
            return _joined(directory, word.removeprefix("--directory=").removeprefix("-d"))
    return Path(directory) if directory else None


def _joined(directory: str | None, path: str) -> Path:
    """As people write it, without the `..` that was typed."""
    return Path(os.path.normpath(Path(directory or "", path)))


def _place_of_serve(command: Sequence[str]) -> int | None:
    for number, (word, following) in enumerate(pairwise(command)):
        if following == "serve" and Path(word).name == _PROGRAM:
            return number + 1
    return None
