"""Reads advisories in the Open Source Vulnerability format: one JSON document, a list of them, or the zip of a database's dump.

Source: OSV schema 1.7. Only what is about Python distributions is read; a document that cannot be understood is left out and counted.
"""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from purveyor.errors import Refused
from purveyor.model.advisories import Advisory, Span
from purveyor.model.names import is_valid, normalize

ECOSYSTEM = "PyPI"
_DOCUMENT_LIMIT = 16 << 20
_SUMMARY_LIMIT = 200


@dataclass(slots=True)
class Reading:
    """`advisories` can be gone through once; `left_out` is complete after that."""

    advisories: Iterator[Advisory]
    left_out: int = 0


def read_dump(source: BinaryIO) -> Reading:
    """Advisories as they come, so that a dump of any size costs little memory; raises `Refused` for what is neither zip nor JSON."""
    reading = Reading(iter(()))
    if zipfile.is_zipfile(source):
        source.seek(0)
        reading.advisories = _from_zip(source, reading)
        return reading
    source.seek(0)
    try:
        document = json.load(source)
    except (ValueError, RecursionError):
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


def _from_zip(source: BinaryIO, reading: Reading) -> Iterator[Advisory]:
    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            if not member.filename.endswith(".json"):
                continue
            if member.file_size > _DOCUMENT_LIMIT:
                reading.left_out += 1
                continue
            try:
                document = json.loads(archive.read(member))
            except (ValueError, RecursionError, zipfile.BadZipFile, OSError):
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
    found = []
    for affected in document.get("affected", []):
        about = affected["package"]
        if about["ecosystem"] != ECOSYSTEM or not is_valid(about["name"]):
            continue
        versions = frozenset(map(str, affected.get("versions", [])))
        ranges = [span for one in affected.get("ranges", []) if one["type"] == "ECOSYSTEM" for span in _spans(one["events"])]
        found.append(Advisory(normalize(about["name"]), identifier, summary, versions, tuple(ranges)))
    return found


def _spans(events: list[dict[str, str]]) -> Iterator[Span]:
    introduced: str | None = None
    for event in events:
        if "introduced" in event:
            introduced = event["introduced"]
        elif introduced is not None and ("fixed" in event or "last_affected" in event):
            yield Span(introduced, event.get("fixed"), event.get("last_affected"))
            introduced = None
    if introduced is not None:
        yield Span(introduced)
