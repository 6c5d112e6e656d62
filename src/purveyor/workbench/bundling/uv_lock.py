"""`uv.lock`: a graph of releases for every Python and platform at once; what a target needs of it is what its markers lead to."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from packaging.markers import InvalidMarker

from purveyor.errors import Misconfigured, Refused
from purveyor.model.names import normalize
from purveyor.workbench.bundling.targets import Targets
from purveyor.workbench.bundling.wanted import Wanted, filename_of

_VERSION = 1
_LOCAL = ("virtual", "editable", "directory")
_KEY = tuple[str, str]


def read(document: Mapping[str, Any], targets: Targets, shown: str) -> tuple[list[Wanted], list[str]]:
    """As `locks.read_lock`."""
    if document.get("version") != _VERSION:
        raise Misconfigured(
            f"{shown} is a uv.lock of version {document.get('version')}; version {_VERSION} is read.", "Lock with another uv."
        )
    try:
        releases = document.get("package", [])
        needed = _needed(releases, targets)
        found = [_read(release, targets) for release in releases if _key(release) in needed]
    except (KeyError, TypeError, AttributeError, ValueError, InvalidMarker) as error:
        raise Misconfigured(f"{shown} is not a uv.lock that can be read ({error!r}).", "Make the lock file anew.") from None
    wanted = [file for files, _ in found for file in files]
    if not wanted:
        raise Refused(f"{shown} names no file that fits.", "Give other Pythons or platforms, or none to take all files.")
    return wanted, [note for _, note in found if note]


def _read(release: Mapping[str, Any], targets: Targets) -> tuple[list[Wanted], str]:
    source, name = release["source"], release["name"]
    if any(kind in source for kind in _LOCAL):
        return [], ""  # the project itself: it is what the bundle is for
    if "registry" not in source and "url" not in source:
        return [], f"{name} comes from {next(iter(source), 'nowhere')}: it is not in the bundle."
    files = [*release.get("wheels", []), *([release["sdist"]] if "sdist" in release else [])]
    return [wanted for file in files if targets.fit((wanted := _wanted(name, source, file)).filename)], ""


def _wanted(name: str, source: Mapping[str, Any], file: Mapping[str, Any]) -> Wanted:
    registry = source.get("registry", "")
    url = file.get("url") or source.get("url")
    if url is None:
        raise Misconfigured(f"{name} comes from a directory of this machine.", "Lock against an index.")
    algorithm, separator, digest = file.get("hash", "").partition(":")
    return Wanted(
        project=normalize(name),
        filename=filename_of(url),
        hashes={algorithm: digest} if separator else {},
        url=url,
        index=registry if "://" in registry else None,
        size=file.get("size"),
        uploaded_at=_moment(file.get("upload-time")),
    )


def _moment(stated: Any) -> datetime | None:
    """uv writes a string; a lock file may hold a TOML time."""
    moment = datetime.fromisoformat(stated) if isinstance(stated, str) else stated
    if not isinstance(moment, datetime):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _needed(releases: Sequence[Mapping[str, Any]], targets: Targets) -> set[_KEY]:
    """Every release that is reached from a project of the workspace, with all of its extras and groups."""
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for release in releases:
        by_name.setdefault(release["name"], []).append(release)
    roots = [release for release in releases if any(kind in release["source"] for kind in _LOCAL)] or list(releases)
    seen: set[_KEY] = set()
    waiting = list(roots)
    while waiting:
        release = waiting.pop()
        if _key(release) in seen or not _is_for(release, targets):
            continue
        seen.add(_key(release))
        for edge in _edges(release):
            if targets.meet(_marker(edge)):
                waiting += [to for to in by_name.get(edge["name"], []) if edge.get("version") in (None, to.get("version"))]
    return seen


def _edges(release: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Dependencies of extras and groups too: too much does no harm."""
    yield from release.get("dependencies", [])
    for table in ("optional-dependencies", "dev-dependencies"):
        for edges in release.get(table, {}).values():
            yield from edges


def _is_for(release: Mapping[str, Any], targets: Targets) -> bool:
    markers = release.get("resolution-markers")
    return not markers or any(targets.meet(marker) for marker in markers)


def _marker(edge: Mapping[str, Any]) -> str | None:
    """None where it always holds; what uv says of extras that exclude each other is taken for true."""
    marker = edge.get("marker")
    return None if marker is None or "extra" in marker else str(marker)


def _key(release: Mapping[str, Any]) -> _KEY:
    return release["name"], release.get("version", "")
