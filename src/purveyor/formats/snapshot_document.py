"""A pulled project as we keep it: our own JSON, compressed. Disposable: what cannot be read is fetched again."""

import json
import zlib
from dataclasses import replace
from datetime import datetime
from typing import Any

from purveyor.model.files import DistributionFile, Kind, Yanked
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail, ProjectStatus, Status

_LEVEL = 1
# The members of a file, in the order in which they stand in its list.
_PLAIN = ("filename", "version", "kind", "size", "sha256", "metadata_sha256", "requires_python", "origin", "provenance_url")


# A look-up is ten times as fast as the call of the enumeration, of which a project needs thousands.
_KINDS = {kind.value: kind for kind in Kind}


def write_snapshot(detail: ProjectDetail) -> bytes:
    document = {
        "display_name": detail.display_name,
        "status": [detail.status.status, detail.status.reason],
        "files": [_listed(file) for file in detail.files],
    }
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), _LEVEL)


def read_snapshot(data: bytes, name: NormalizedName, serial: int) -> ProjectDetail:
    """Raises `ValueError` for what was written by something else."""
    try:
        return _detail(json.loads(zlib.decompress(data)), name, serial)
    except (zlib.error, KeyError, TypeError) as error:
        raise ValueError("not a snapshot") from error


def _detail(document: Any, name: NormalizedName, serial: int) -> ProjectDetail:
    status, reason = document["status"]
    files = tuple(_file(name, members) for members in document["files"])
    return ProjectDetail(name, document["display_name"], ProjectStatus(Status(status), reason), files, serial)


def same(one: ProjectDetail, other: ProjectDetail) -> bool:
    """Whether they describe the same, whatever their serials."""
    return replace(one, serial=0) == replace(other, serial=0)


def _listed(file: DistributionFile) -> list[Any]:
    uploaded = file.uploaded_at.isoformat() if file.uploaded_at else None
    return [*(getattr(file, member) for member in _PLAIN), uploaded, file.yanked.reason if file.yanked else None]


def _file(name: NormalizedName, members: list[Any]) -> DistributionFile:
    filename, version, kind, size, sha256, metadata_sha256, requires_python, origin, provenance_url, uploaded, yanked = members
    return DistributionFile(
        filename=filename,
        project=name,
        version=version,
        kind=_KINDS[kind],
        size=size,
        sha256=sha256,
        uploaded_at=datetime.fromisoformat(uploaded) if uploaded else None,
        metadata_sha256=metadata_sha256,
        requires_python=requires_python,
        yanked=None if yanked is None else Yanked(yanked),
        origin=origin,
        provenance_url=provenance_url,
    )
