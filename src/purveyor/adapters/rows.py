"""A distribution file as a row of the tables `files` and `deleted_files`, and back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from purveyor.adapters.sql import Row
from purveyor.model.files import DistributionFile, Kind, Yanked
from purveyor.model.grants import Grant, Permission
from purveyor.model.journal import Action, JournalEntry

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

NAMES = (
    "filename",
    "project",
    "version",
    "kind",
    "size",
    "sha256",
    "uploaded_at",
    "uploaded_by",
    "metadata_sha256",
    "requires_python",
    "yanked",
    "provenance_sha256",
    "origin",
)
COLUMNS = ", ".join(f"f.{name}" for name in NAMES)
"""What `file_of` reads, of a table called f."""


def row_of(file: DistributionFile) -> dict[str, Any]:
    return {
        "filename": file.filename,
        "project": file.project,
        "version": file.version,
        "kind": file.kind,
        "size": file.size,
        "sha256": file.sha256,
        "uploaded_at": stamp(file.uploaded_at),
        "uploaded_by": file.uploaded_by,
        "metadata_sha256": file.metadata_sha256,
        "requires_python": file.requires_python,
        "yanked": file.yanked.reason if file.yanked else None,
        "provenance_sha256": file.provenance_sha256,
        "origin": file.origin,
    }


def file_of(row: Row) -> DistributionFile:
    (filename, project, version, kind, size, sha256, at, by, metadata, requires_python, yanked, provenance, origin) = row
    return DistributionFile(
        filename=filename,
        project=project,
        version=version,
        kind=Kind(kind),
        size=size,
        sha256=sha256,
        uploaded_at=moment(at),
        uploaded_by=by,
        metadata_sha256=metadata,
        requires_python=requires_python,
        yanked=None if yanked is None else Yanked(yanked),
        provenance_sha256=provenance,
        origin=origin,
    )


def journal_entry(row: Row) -> JournalEntry:
    serial, at, actor, action, index, project, version, filename, note = row
    return JournalEntry(serial, known(at), actor, Action(action), index, project, version or "", filename or "", note)


def grant_of(row: Row) -> Grant:
    subject, permissions, expires_at = row
    return Grant(subject, frozenset(map(Permission, permissions.split())), moment(expires_at))


def known(stamp: int) -> datetime:
    """The moment of a column that is never empty."""
    return _EPOCH + stamp * _MICROSECOND


def stamp(moment: datetime | None) -> int | None:
    """Microseconds since 1970."""
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def moment(stamp: int | None) -> datetime | None:
    return None if stamp is None else _EPOCH + stamp * _MICROSECOND
