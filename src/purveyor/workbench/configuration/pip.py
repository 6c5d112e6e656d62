"""What pip would use: the environment, then `[install]` and `[global]` of its files, the last file read first.

Source: pip's documentation, topic "Configuration". A setting replaces what stands below it, lists included.
"""

import os
from collections.abc import Iterator
from configparser import RawConfigParser
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from purveyor.workbench.configuration.found import Configured, Finding, Found, Kind, Surroundings, ini_of, variable

_KINDS: dict[str, Kind] = {
    "index-url": "index",
    "pypi-url": "index",  # an older spelling that pip still takes
    "extra-index-url": "extra-index",
    "find-links": "find-links",
    "no-index": "no-index",
    "trusted-host": "trusted-host",
    "proxy": "proxy",
}
_TRUE = ("1", "true", "yes", "on", "y", "t")
_COUNTING = ("install", "global")
_OTHER_COMMANDS = ("download", "wheel", "index", "lock")


@dataclass(frozen=True, slots=True)
class _Setting:
    """One setting as it is written down; `counts` is false for commands other than `pip install`."""

    kind: Kind
    text: str
    source: str
    path: Path | None = None
    counts: bool = True


def read(surroundings: Surroundings) -> Found:
    """Everything that is configured, in the order in which it counts, and the files that pip would stumble over."""
    parsers: list[tuple[Path, RawConfigParser]] = []
    for path in config_files(surroundings):
        parser = ini_of("pip", path, surroundings)
        if isinstance(parser, Finding):
            yield parser
        elif parser is not None:
            parsers.insert(0, (path, parser))
    yield from _ranked(list(chain(_in_environment(surroundings), _in_files(parsers, surroundings))))


def config_files(surroundings: Surroundings) -> list[Path]:
    """The files pip reads, whether or not they exist; a later one replaces what an earlier one says."""
    named = surroundings.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    system = [directory / "pip" / "pip.conf" for directory in surroundings.config_dirs]
    if surroundings.macos:
        system = [Path("/Library/Application Support/pip/pip.conf")]
    files = [*system, surroundings.etc / "pip.conf"]
    # A file named in the environment takes the place of the user's own, if it exists.
    if not (named and surroundings.expanded(named).exists()):
        files += [surroundings.home / ".pip" / "pip.conf", user_file(surroundings)]
    files.append(surroundings.prefix / "pip.conf")
    return [*files, surroundings.expanded(named)] if named else files


def user_file(surroundings: Surroundings) -> Path:
    """The user's pip.conf, as `pip config --user set` would choose it."""
    on_macos = surroundings.home / "Library" / "Application Support" / "pip"
    directory = on_macos if surroundings.macos and on_macos.is_dir() else surroundings.config_home / "pip"
    return directory / "pip.conf"


def _in_environment(surroundings: Surroundings) -> Iterator[_Setting]:
    for key, kind in _KINDS.items():
        name = f"PIP_{key.upper().replace('-', '_')}"
        if surroundings.environ.get(name):
            yield _Setting(kind, surroundings.environ[name], variable(name))


def _in_files(parsers: list[tuple[Path, RawConfigParser]], surroundings: Surroundings) -> Iterator[_Setting]:
    """An empty setting takes away what files below it say in the same section, and nothing else."""
    for section in (*_COUNTING, *_OTHER_COMMANDS):
        emptied: set[Kind] = set()
        for path, parser in parsers:
            for key, text in parser.items(section) if parser.has_section(section) else ():
                kind = _KINDS.get(key.replace("_", "-").removeprefix("--"))
                if kind and text:
                    source = f"file {surroundings.shown(path)}, [{section}] {key}"
                    yield _Setting(kind, text, source, path, section in _COUNTING and kind not in emptied)
                elif kind:
                    emptied.add(kind)


def _ranked(settings: list[_Setting]) -> Iterator[Configured]:
    """The first of each kind counts; `no-index` takes the indexes out."""
    first: dict[Kind, _Setting] = {}
    for setting in settings:
        if setting.counts:
            first.setdefault(setting.kind, setting)
    cut_off = "no-index" in first and first["no-index"].text.strip().lower() in _TRUE
    for setting in settings:
        effective = first.get(setting.kind) is setting and not (cut_off and setting.kind in ("index", "extra-index"))
        values = setting.text.split() if setting.kind in ("extra-index", "find-links", "trusted-host") else [setting.text.strip()]
        for value in values:
            yield Configured("pip", setting.kind, value, setting.source, setting.path, effective)
