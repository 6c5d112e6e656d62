"""What is found in the configuration of clients: settings with where they stand, and files that cannot be used."""

import configparser
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

Kind = Literal[
    "index",  # the one index that is asked for every name
    "extra-index",  # asked as well, for every name
    "explicit-index",  # asked only for the names that are bound to it
    "find-links",
    "no-index",
    "trusted-host",
    "upload",  # where files are published to
    "credentials",
    "proxy",
    "no-proxy",
]


@dataclass(frozen=True, slots=True)
class Configured:
    """One setting of one client. `effective` says whether it counts, or another one stands above it.

    `value` is what the client reads, credentials and all: show people `shown`. A setting of kind "credentials" has the
    host and the user, never the password. `path` is None where the setting is in the environment.
    """

    client: str
    kind: Kind
    value: str = field(repr=False)
    source: str
    path: Path | None = None
    effective: bool = True

    @property
    def shown(self) -> str:
        return without_credentials(self.value)


@dataclass(frozen=True, slots=True)
class Finding:
    """A file that a client would stumble over, or that should not be as it is: what is wrong, and the next step."""

    client: str
    path: Path
    detail: str
    remedy: str


Found = Iterator[Configured | Finding]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """From where configuration is read. `prefix` is the environment of the Python that pip runs in, whose pip.conf counts."""

    environ: Mapping[str, str] = field(repr=False)
    home: Path
    cwd: Path
    prefix: Path
    etc: Path = Path("/etc")
    macos: bool = False

    @classmethod
    def here(cls) -> Self:
        """Those of this process; an active virtual environment counts before the one that Purveyor itself runs in.

        In a container the user may have no home, and anywhere the current directory may be gone: `/` stands for both then.
        """
        active = os.environ.get("VIRTUAL_ENV") or sys.prefix
        home, cwd = _or_the_top(Path.home), _or_the_top(Path.cwd)
        return cls(os.environ, home, cwd, Path(active), macos=sys.platform == "darwin")

    @property
    def config_home(self) -> Path:
        return Path(self.environ.get("XDG_CONFIG_HOME") or self.home / ".config")

    @property
    def config_dirs(self) -> list[Path]:
        """The system's, most important first."""
        return [Path(part) for part in (self.environ.get("XDG_CONFIG_DIRS") or str(self.etc / "xdg")).split(os.pathsep) if part]

    def user_config(self, application: str) -> Path:
        """The directory that platformdirs names to applications such as poetry, pdm and hatch."""
        return (self.home / "Library" / "Application Support" if self.macos else self.config_home) / application

    def expanded(self, path: str) -> Path:
        """A path as a client takes it from a variable: `~` is the home, what is relative starts at the current directory."""
        return self.cwd / re.sub(r"\A~(?=/|\Z)", lambda _: str(self.home), path)

    def shown(self, path: Path) -> str:
        """The path with `~` for the home directory."""
        return f"~/{path.relative_to(self.home)}" if path.is_relative_to(self.home) else str(path)

    def upwards(self) -> Iterator[Path]:
        """The current directory and those above it."""
        yield self.cwd
        yield from self.cwd.parents


def _or_the_top(find: Callable[[], Path]) -> Path:
    try:
        return find()
    except (RuntimeError, FileNotFoundError):
        return Path("/")


def variable(name: str) -> str:
    """The source of a setting that is in the environment."""
    return f"environment variable {name}"


def without_credentials(url: str) -> str:
    """The text with user and password hidden, in a URL, in `user:password@host`, and where the password is not escaped as it should be."""
    hidden = re.sub(r"//(?:[^/\s]*|[^/\s@:]+:\S*)@", "//***@", url)
    return re.sub(r"(?<![^\s=])[^\s/@:=]+:[^\s/@]+@", "***@", hidden)


def toml_of(client: str, path: Path, surroundings: Surroundings) -> dict[str, Any] | Finding | None:
    """The file's content; None where there is no such file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        return unusable(client, path, error, surroundings)


def ini_of(client: str, path: Path, surroundings: Surroundings) -> configparser.RawConfigParser | Finding | None:
    """The file's content; None where there is no such file."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, configparser.Error) as error:
        return unusable(client, path, error, surroundings)
    return parser


def unusable(client: str, path: Path, error: Exception, surroundings: Surroundings) -> Finding:
    """Why the file cannot be read, without a word of its content: that may be a password."""
    if isinstance(error, OSError):
        reason, remedy = error.strerror or "the system refused", f"Make {surroundings.shown(path)} readable, or move it away."
    else:
        reason, remedy = f"it is not valid{_line(error)}", f"Mend {surroundings.shown(path)}, or move it away."
    return Finding(client, path, f"{surroundings.shown(path)} cannot be read: {reason}.", remedy)


def _line(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return " UTF-8"
    errors = getattr(error, "errors", None)  # configparser.ParsingError lists them as (line number, content)
    number = errors[0][0] if isinstance(errors, list) and errors else getattr(error, "lineno", None)
    if number is None:
        found = re.search(r"\(at line (\d+)", str(error))
        number = found[1] if found else None
    return f" (line {number})" if number else ""


def tables(value: object) -> list[dict[str, Any]]:
    """The tables of an array of tables; none where something else stands in its place."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def table(value: object, *names: str) -> dict[str, Any]:
    """The table found by going down `names`; an empty one where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def texts(value: object) -> list[str]:
    """A setting that may be one text or several."""
    if isinstance(value, str):
        return [value]
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, Sequence) else []
