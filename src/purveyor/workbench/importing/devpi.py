"""What a devpi server kept: the directory that `devpi-export` wrote, or the server's own.

An export says of each file when and by whom it was uploaded. The server's own database is devpi's alone to read; of its directory only the
files are used, which lie in `+files/USER/INDEX/`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from purveyor.errors import Misconfigured
from purveyor.model.files import Yanked
from purveyor.model.names import NormalizedName
from purveyor.workbench.importing.folders import absent, chosen, distribution_files, grouped, inside, opened
from purveyor.workbench.importing.offers import Batch, Missing, Offer, OnDisk, believable, is_distribution, known_hashes, project_of

EXPORT = "dataindex.json"
FILES = "+files"
_DEFAULT_MIRROR = "root/pypi"
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}\Z", re.ASCII)


class DevpiServer(OnDisk):
    """A devpi server's directory; `indexes` are those to read, or empty for all but the one that relays a public index."""

    kind = "the directory of a devpi server"

    def __init__(self, root: Path, indexes: Sequence[str]) -> None:
        self.shown = str(root)
        files = root / FILES
        there = [f"{folder.parent.name}/{folder.name}" for folder in sorted(files.glob("*/*/")) if folder.is_dir()]
        paths: list[Path] = []
        unread: list[Missing] = []
        for index in _selected(indexes, there, (_DEFAULT_MIRROR,)):
            found, faults = distribution_files(files / index)
            paths += found
            unread += faults
        self._batches = grouped(paths, unread)

    def projects(self, wanted: Sequence[NormalizedName]) -> Sequence[str]:
        return chosen(self._batches, wanted)

    def batch(self, project: str) -> Batch:
        return self._batches.get(project) or absent(project)


class DevpiExport(OnDisk):
    """A directory that `devpi-export` wrote; `indexes` as for `DevpiServer`."""

    kind = "a devpi export"

    def __init__(self, root: Path, indexes: Sequence[str]) -> None:
        self.shown = str(root)
        self._root = root
        described = _described(root / EXPORT)
        relayed = tuple(name for name, index in described.items() if _mapping(index.get("indexconfig")).get("type") == "mirror")
        self._offers: dict[str, list[Offer]] = {}
        self._missing: dict[str, list[Missing]] = {}
        for name in _selected(indexes, list(described), relayed):
            for entry in _list(described[name].get("files")):
                self._take(_mapping(entry), described[name])

    def projects(self, wanted: Sequence[NormalizedName]) -> Sequence[str]:
        return wanted or sorted({*self._offers, *self._missing})

    def batch(self, project: str) -> Batch:
        if project not in self._offers and project not in self._missing:
            return absent(project)
        return Batch(project, tuple(self._offers.get(project, ())), missing=tuple(self._missing.get(project, ())))

    def _take(self, entry: Mapping[str, Any], index: Mapping[str, Any]) -> None:
        relative = entry.get("relpath")
        if entry.get("type") != "releasefile" or not isinstance(relative, str) or not is_distribution(relative):
            return
        filename = relative.rpartition("/")[2]
        project = project_of(filename)
        path = inside(self._root, self._root / relative)
        if path is None:
            self._missing.setdefault(project, []).append(Missing(filename, "The export names it, but does not have it."))
            return
        when, who = _upload(entry)
        self._offers.setdefault(project, []).append(
            Offer(
                filename=filename,
                origin=str(path),
                open=lambda: opened(path),
                hashes=_hashes(_mapping(entry.get("entrymapping"))),
                uploaded_at=believable(when),
                uploaded_by=who,
                yanked=_yanked(entry, index),
            )
        )


def _described(path: Path) -> dict[str, Mapping[str, Any]]:
    """The indexes of an export by their names."""
    remedy = "Write the export again with devpi-export."
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from None
    except (ValueError, RecursionError):
        raise Misconfigured(f"{path} is not JSON.", remedy) from None
    indexes = _mapping(document).get("indexes")
    if not isinstance(indexes, dict):
        raise Misconfigured(f"{path} describes no indexes.", remedy)
    return {name: _mapping(index) for name, index in indexes.items()}


def _selected(wanted: Sequence[str], there: Sequence[str], relayed: Sequence[str]) -> Sequence[str]:
    for name in wanted:
        if name not in there:
            raise Misconfigured(f"There is no devpi index {name!r}; there are {', '.join(there) or 'none'}.", "Correct --devpi-index.")
    return wanted or [name for name in there if name not in relayed]


def _upload(entry: Mapping[str, Any]) -> tuple[datetime | None, str | None]:
    """When and by whom: the log's word, else the date of the file."""
    for event in _list(entry.get("log")):
        log = _mapping(event)
        if log.get("what") == "upload":
            who = log.get("who")
            return _moment(log.get("when")) or _dated(entry), who if isinstance(who, str) and _USER.match(who) else None
    return _dated(entry), None


def _moment(when: Any) -> datetime | None:
    """Year, month, day, hour, minute, second, in UTC."""
    try:
        year, month, day, hour, minute, second = when[:6]
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _dated(entry: Mapping[str, Any]) -> datetime | None:
    try:
        return parsedate_to_datetime(_mapping(entry.get("entrymapping")).get("last_modified"))  # type: ignore[arg-type]  # anything may stand there
    except (TypeError, ValueError, AttributeError):
        return None


def _hashes(entry: Mapping[str, Any]) -> dict[str, str]:
    """From the three forms that devpi wrote over the years."""
    spec = entry.get("hash_spec")
    name, _, value = spec.partition("=") if isinstance(spec, str) else ("", "", "")
    stated = {"md5": entry.get("md5"), name: value, **_mapping(entry.get("hashes"))}
    return known_hashes({str(key): text for key, text in stated.items() if isinstance(text, str) and text})


def _yanked(entry: Mapping[str, Any], index: Mapping[str, Any]) -> Yanked | None:
    """Only releases that devpi took over from another index can be yanked there; the reason, or true."""
    projects = _mapping(index.get("projects"))
    version = _mapping(_mapping(projects.get(str(entry.get("projectname")))).get(str(entry.get("version"))))
    stated = version.get("yanked")
    if stated is None or stated is False:
        return None
    return Yanked(stated if isinstance(stated, str) else "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Iterator[Any]:
    yield from value if isinstance(value, list) else ()
