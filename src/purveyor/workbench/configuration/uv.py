"""What uv would use: the environment, then the files of the project, the user and the system.

Source: uv's documentation, "Configuration files", "Package indexes" and "Environment variables". Lists of several files are joined.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Any

from purveyor.workbench.configuration.found import Configured, Finding, Found, Kind, Surroundings, table, tables, texts, toml_of, variable

_TRUE = ("1", "true", "yes", "on", "y", "t")
# In the order in which they count; all but the default index may hold several values, with this between them.
_VARIABLES: tuple[tuple[str, Kind, str], ...] = (
    ("UV_DEFAULT_INDEX", "index", ""),
    ("UV_INDEX_URL", "index", ""),
    ("UV_INDEX", "extra-index", " "),
    ("UV_EXTRA_INDEX_URL", "extra-index", " "),
    ("UV_FIND_LINKS", "find-links", ","),
    ("UV_NO_INDEX", "no-index", ""),
    ("UV_INSECURE_HOST", "trusted-host", " "),
    ("UV_PUBLISH_URL", "upload", ""),
)
_KEYS: dict[str, Kind] = {
    "index-url": "index",
    "extra-index-url": "extra-index",
    "find-links": "find-links",
    "no-index": "no-index",
    "allow-insecure-host": "trusted-host",
    "publish-url": "upload",
}
_SINGLE: tuple[Kind, ...] = ("index", "no-index", "upload")


def read(surroundings: Surroundings) -> Found:
    """Everything that is configured, in the order in which it counts, and the files that uv would stumble over."""
    files: list[tuple[Path, str, dict[str, Any]]] = []
    for place in _files(surroundings):
        if isinstance(place, Finding):
            yield place
        else:
            files.append(place)
    settings = list(chain(_in_environment(surroundings), _index_tables(files, surroundings), _plain_settings(files, surroundings)))
    yield from _ranked(settings)


def user_file(surroundings: Surroundings) -> Path:
    return surroundings.config_home / "uv" / "uv.toml"


def _files(surroundings: Surroundings) -> Iterator[tuple[Path, str, dict[str, Any]] | Finding]:
    """Path, name of the table that holds the settings ("" for the whole file), settings: the most important first."""
    named = surroundings.environ.get("UV_CONFIG_FILE")
    if named:
        places: list[Path] = [surroundings.expanded(named)]
    elif surroundings.environ.get("UV_NO_CONFIG", "").lower() in _TRUE:
        return
    else:
        yield from _of_the_project(surroundings)
        system = [directory / "uv" / "uv.toml" for directory in surroundings.config_dirs] + [surroundings.etc / "uv" / "uv.toml"]
        places = [user_file(surroundings), *[path for path in system if path.exists()][:1]]
    for path in places:
        content = toml_of("uv", path, surroundings)
        if content is not None:
            yield content if isinstance(content, Finding) else (path, "", content)


def _of_the_project(surroundings: Surroundings) -> Iterator[tuple[Path, str, dict[str, Any]] | Finding]:
    """The nearest uv.toml, or pyproject.toml that has a [tool.uv], from the workspace's root upwards; the former hides the latter."""
    start = workspace(surroundings)
    for directory in (start, *start.parents):
        content = toml_of("uv", directory / "uv.toml", surroundings)
        if content is not None:
            yield content if isinstance(content, Finding) else (directory / "uv.toml", "", content)
            return
        content = toml_of("uv", directory / "pyproject.toml", surroundings)
        if isinstance(content, Finding):
            yield content
        elif content is not None and isinstance(table(content, "tool").get("uv"), dict):
            yield directory / "pyproject.toml", "tool.uv.", content["tool"]["uv"]
            return


def workspace(surroundings: Surroundings) -> Path:
    """Where uv begins: the nearest project, or the workspace it is a member of; without one the current directory."""
    project = next((directory for directory in surroundings.upwards() if (directory / "pyproject.toml").is_file()), None)
    content = _pyproject(project, surroundings) if project is not None else {}
    if project is None or table(content, "tool", "uv").get("managed") is False:
        return surroundings.cwd
    if "workspace" in table(content, "tool", "uv"):
        return project
    if "project" not in content:
        return surroundings.cwd
    return next((directory for directory in project.parents if _is_member(project, directory, surroundings)), project)


def _pyproject(directory: Path, surroundings: Surroundings) -> dict[str, Any]:
    content = toml_of("uv", directory / "pyproject.toml", surroundings)
    return content if isinstance(content, dict) else {}


def _is_member(project: Path, directory: Path, surroundings: Surroundings) -> bool:
    declared = table(_pyproject(directory, surroundings), "tool", "uv", "workspace")
    inside = str(project.relative_to(directory))

    def matches(key: str) -> bool:
        return any(fnmatchcase(inside, pattern) for pattern in texts(declared.get(key)))

    return matches("members") and not matches("exclude")


def _in_environment(surroundings: Surroundings) -> Iterator[Configured]:
    for name, kind, separator in _VARIABLES:
        text = surroundings.environ.get(name, "").strip()
        values = text.split(separator.strip() or None) if separator else [text]
        for value in filter(None, map(str.strip, values)):
            yield Configured("uv", kind, _url(value) if "INDEX" in name else value, variable(name))


def _url(value: str) -> str:
    """`name=url` is how uv takes a named index from a variable."""
    name, equals, url = value.partition("=")
    return url if equals and "/" not in name and ":" not in name else value


def _index_tables(files: list[tuple[Path, str, dict[str, Any]]], surroundings: Surroundings) -> Iterator[Configured]:
    for path, prefix, settings in files:
        for entry in tables(settings.get("index")):
            kind: Kind = "explicit-index" if entry.get("explicit") is True else "index" if entry.get("default") is True else "extra-index"
            for url in texts(entry.get("url")):
                yield Configured("uv", kind, url, f"file {surroundings.shown(path)}, [[{prefix}index]] url", path)


def _plain_settings(files: list[tuple[Path, str, dict[str, Any]]], surroundings: Surroundings) -> Iterator[Configured]:
    """What [pip] of any file says comes first: it is for `uv pip`, and the rest is for all of uv."""
    sections = [(path, f"{prefix}pip.", table(settings, "pip")) for path, prefix, settings in files] + files
    for path, section, values in sections:
        for key, kind in _KEYS.items():
            found = values.get(key)
            for value in [str(found).lower()] if isinstance(found, bool) else texts(found):
                yield Configured("uv", kind, value, f"file {surroundings.shown(path)}, {section}{key}", path)


def _ranked(settings: list[Configured]) -> Iterator[Configured]:
    """Of the settings with one value the first counts; `no-index` takes the indexes out."""
    first: dict[Kind, Configured] = {}
    for setting in settings:
        first.setdefault(setting.kind, setting)
    cut_off = "no-index" in first and first["no-index"].value.lower() in _TRUE
    for s in settings:
        effective = (s.kind not in _SINGLE or first[s.kind] is s) and not (cut_off and s.kind in ("index", "extra-index"))
        yield Configured(s.client, s.kind, s.value, s.source, s.path, effective)
