"""A bundle's manifest: JSON in one spelling only, so that equal bundles are equal bytes."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from purveyor.errors import Refused
from purveyor.formats.bundle_archive import page_paths
from purveyor.formats.inspection import shown
from purveyor.model.bundles import Bundle, Member
from purveyor.model.files import DistributionFile, Yanked, parse_filename
from purveyor.model.names import is_normalized, normalize
from purveyor.model.projects import ProjectDetail, ProjectStatus, Status

FORMAT = 1
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def write_manifest(bundle: Bundle) -> bytes:
    document = {
        "format": FORMAT,
        "created": _written(bundle.created),
        "indexes": list(bundle.indexes),
        "pythons": list(bundle.pythons),
        "platforms": list(bundle.platforms),
        "pages": [{"path": page.path, "size": page.size, "sha256": page.sha256} for page in bundle.pages],
        "projects": [_project(project, bundle) for project in bundle.projects],
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def read_manifest(data: bytes) -> Bundle:
    """Raises `Refused` for whatever `write_manifest` would not have written so."""
    try:
        document = json.loads(data)
        if isinstance(document, dict) and document.get("format") != FORMAT:
            raise Refused(f"manifest.json has the format {shown(str(document.get('format')))}; this Purveyor reads format {FORMAT}.")
        bundle = _bundle(document)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        raise Refused("manifest.json is not the manifest of a bundle, or it is damaged.") from None
    if write_manifest(bundle) != data:
        raise Refused("manifest.json is not written as the manifest of a bundle is; somebody has changed it.")
    _check(bundle)
    return bundle


def _project(project: ProjectDetail, bundle: Bundle) -> dict[str, Any]:
    return {
        "name": project.name,
        "display_name": project.display_name,
        "status": project.status.status,
        "status_reason": project.status.reason,
        "files": [_file(file, bundle.metadata_sizes.get(file.filename, 0)) for file in project.files],
    }


def _file(file: DistributionFile, metadata_size: int) -> dict[str, Any]:
    return {
        "filename": file.filename,
        "project": file.project,
        "version": file.version,
        "size": file.size,
        "sha256": file.sha256,
        "metadata_sha256": file.metadata_sha256,
        "metadata_size": metadata_size,
        "requires_python": file.requires_python,
        "uploaded_at": _written(file.uploaded_at) if file.uploaded_at else None,
        "yanked": file.yanked.reason if file.yanked else None,
        "origin": file.origin,
    }


def _bundle(document: Any) -> Bundle:
    files = [entry for project in document["projects"] for entry in project["files"]]
    return Bundle(
        created=_moment(document["created"]),
        indexes=_texts(document["indexes"]),
        pythons=_texts(document["pythons"]),
        platforms=_texts(document["platforms"]),
        projects=tuple(map(_read_project, document["projects"])),
        metadata_sizes={entry["filename"]: _count(entry["metadata_size"]) for entry in files if entry["metadata_sha256"] is not None},
        pages=tuple(Member(_text(page["path"]), _count(page["size"]), _digest(page["sha256"])) for page in document["pages"]),
    )


def _read_project(document: Any) -> ProjectDetail:
    if not is_normalized(name := document["name"]):
        raise ValueError("not a project name")
    status = ProjectStatus(Status(document["status"]), _text(document["status_reason"]))
    return ProjectDetail(name, _text(document["display_name"]), status, tuple(map(_read_file, document["files"])))


def _read_file(document: Any) -> DistributionFile:
    parsed = parse_filename(_text(document["filename"]))
    metadata, yanked, uploaded = document["metadata_sha256"], document["yanked"], document["uploaded_at"]
    return DistributionFile(
        filename=parsed.filename,
        project=normalize(_text(document["project"])),
        version=_text(document["version"]),
        kind=parsed.kind,
        size=_count(document["size"]),
        sha256=_digest(document["sha256"]),
        uploaded_at=None if uploaded is None else _moment(uploaded),
        metadata_sha256=None if metadata is None else _digest(metadata),
        requires_python=_text_or_none(document["requires_python"]),
        yanked=None if yanked is None else Yanked(_text(yanked)),
        origin=_text_or_none(document["origin"]),
    )


def _check(bundle: Bundle) -> None:
    """What the manifest says must agree with itself, and each thing must be said once."""
    names = [project.name for project in bundle.projects]
    if names != sorted(set(names)):
        raise Refused("manifest.json names a project twice, or not in order.")
    if [page.path for page in bundle.pages] != page_paths(bundle.projects):
        raise Refused("manifest.json does not list the pages of its projects.")
    seen: set[str] = set()
    for project in bundle.projects:
        if normalize(project.display_name) != project.name:
            raise Refused(f"manifest.json calls the project {project.name} {shown(project.display_name)}.")
        for file in project.files:
            parsed = parse_filename(file.filename)
            if parsed.project != project.name or file.project != project.name or str(parsed.version) != file.version:
                raise Refused(f"manifest.json says of {file.filename} that it is of {project.name} {shown(file.version)}.")
            if parsed.identity in seen:
                raise Refused(f"manifest.json names {file.filename} twice.")
            seen.add(parsed.identity)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    value.encode()  # half a surrogate pair is no text, and raises
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _texts(value: Sequence[Any]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return tuple(map(_text, value))


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("not a number of bytes")
    return value


def _digest(value: Any) -> str:
    if not _SHA256.match(_text(value)):
        raise ValueError("not a sha256")
    return str(value)
