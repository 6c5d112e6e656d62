"""Reads advisories in the Open Source Vulnerability format: one JSON document, a list of them, or the zip of a database's dump.

Source: OSV schema 1.7. Only what is about Python distributions is read; a document that cannot be understood is left out and counted.
"""

import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_version
from packaging.version import Version

from purveyor.errors import Refused
from purveyor.model.advisories import Advisory, Span, comparable
from purveyor.model.names import is_valid, normalize

ECOSYSTEM = "PyPI"
_DOCUMENT_LIMIT = 16 << 20
# Damaged, compressed or encrypted in a way that nobody here understands, or no JSON.
_UNREADABLE = (ValueError, RecursionError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)
_SUMMARY_LIMIT = 200
# At one and the same version, one span ends before the next begins, and a version may be both the first and the last of a span.
_EVENTS = ("fixed", "introduced", "last_affected")


class Reading(Struct):
    """`advisories` can be gone through once; `left_out` is complete after that."""

    advisories: Iterator[Advisory]
    left_out: int = 0


def read_dump(source: BinaryIO) -> Reading:
    """Advisories as they come, so that a dump of any size costs little memory; raises `Refused` for what is neither zip nor JSON."""
    reading = Reading(iter(()))
    try:
        if zipfile.is_zipfile(source):
            reading.advisories = _from_zip(zipfile.ZipFile(source), reading)
            return reading
        source.seek(0)
        document = json.load(source)
    except (ValueError, RecursionError, zipfile.BadZipFile):
        raise Refused("The advisories are neither a zip nor JSON.", "Give an OSV document, a list of them, or a dump's zip.") from None
    reading.advisories = _from_list(document if isinstance(document, list) else [document], reading)
    return reading


def write_advisory(advisory: Advisory) -> dict[str, Any]:
    """What of a document counts here, as an OSV document of one project."""
    events = [
        {
            name: version
            for name, version in (("introduced", span.introduced), ("fixed", span.fixed), ("last_affected", span.last))
            if version
        }
        for span in advisory.spans
    ]
    ranges = [{"type": "ECOSYSTEM", "events": [{name: version} for name, version in event.items()]} for event in events]
    package = {"ecosystem": ECOSYSTEM, "name": advisory.project}
    affected = {"package": package, "versions": sorted(advisory.versions), "ranges": ranges}
    return {"id": advisory.identifier, "summary": advisory.summary, "affected": [affected]}


def read_advisory(document: dict[str, Any]) -> Advisory:
    """What `write_advisory` wrote."""
    (advisory,) = _advisories(document)
    return advisory


def _from_zip(archive: zipfile.ZipFile, reading: Reading) -> Iterator[Advisory]:
    with archive:
        for member in archive.infolist():
            if not member.filename.endswith(".json"):
                continue
            if member.file_size > _DOCUMENT_LIMIT:
                reading.left_out += 1
                continue
            try:
                document = json.loads(archive.read(member))
            except _UNREADABLE:
                reading.left_out += 1
                continue
            yield from _from_list([document], reading)


def _from_list(documents: list[Any], reading: Reading) -> Iterator[Advisory]:
    for document in documents:
        try:
            yield from _advisories(document)
        except (KeyError, TypeError, AttributeError, ValueError):
            reading.left_out += 1


def _advisories(document: dict[str, Any]) -> list[Advisory]:
    """One for each project that the document is about; none if it was withdrawn."""
    if document.get("withdrawn"):
        return []
    identifier, summary = str(document["id"]), " ".join(str(document.get("summary") or "").split())[:_SUMMARY_LIMIT]
    found: dict[str, Advisory] = {}
    for affected in document.get("affected", []):
        about = affected["package"]
        if about["ecosystem"] != ECOSYSTEM or not is_valid(about["name"]):
            continue
        name = normalize(about["name"])
        # One project may stand in a document several times, each time with other versions.
        before = found.get(name, Advisory(name, identifier, summary, frozenset(), ()))
        versions = frozenset(canonicalize_version(str(version)) for version in affected.get("versions") or ())
        ranges = [span for one in affected.get("ranges") or () if one["type"] == "ECOSYSTEM" for span in _spans(one["events"])]
        found[name] = replace(before, versions=before.versions | versions, spans=(*before.spans, *ranges))
    return list(found.values())


def _spans(events: Sequence[dict[str, str]]) -> Iterator[Span]:
    """The events come in any order; what counts is that of their versions (OSV "Evaluation")."""
    introduced: str | None = None
    for _, order, version in sorted(_events(events)):
        if _EVENTS[order] == "introduced":
            introduced = version if introduced is None else introduced
        elif introduced is not None:
            yield Span(introduced, version) if _EVENTS[order] == "fixed" else Span(introduced, last=version)
            introduced = None
    if introduced is not None:
        yield Span(introduced)


def _events(events: Sequence[dict[str, str]]) -> Iterator[tuple[Version, int, str]]:
    for event in events:
        for order, kind in enumerate(_EVENTS):
            if kind in event:
                yield comparable("0.dev0" if event[kind] == "0" else event[kind]), order, event[kind]
