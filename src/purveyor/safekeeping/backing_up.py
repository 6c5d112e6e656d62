"""`backup`: one consistent snapshot of the catalog, and the contents it names, while servers go on writing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from purveyor import __version__
from purveyor.errors import Misconfigured, StoreFailed
from purveyor.formats.catalog_rows import BLOB_COLUMNS, DELETED_FILES, FILES, FORMAT, TABLES, Row, Table
from purveyor.interfaces import Role
from purveyor.safekeeping.backup_folder import Backup, BackupFolder, Draft, Manifest
from purveyor.safekeeping.checking import Progress, no_progress
from purveyor.safekeeping.stores import Safekeeping

# Between the snapshot and the copy of a content, the file may be removed from the index, and the content cleaned away.
_ROUNDS = 3


def back_up(stores: Safekeeping, folder: BackupFolder, progress: Progress = no_progress) -> Backup:
    """Raises `StoreFailed` naming what is damaged: a backup is whole, or it is none."""
    index = stores.catalog.fingerprint(1)
    _check_index(folder, index)
    for _ in range(_ROUNDS):
        draft = _snapshot(stores, folder)
        absent = _absent(stores, _bring(stores, folder, draft, progress))
        if absent is not None:
            return folder.finish(draft, _manifest(draft, folder, index, absent))
    raise StoreFailed("Files are removed from the index faster than they can be copied.", "Try again.")


def _check_index(folder: BackupFolder, index: str) -> None:
    newest = folder.newest()
    if newest is not None and newest.manifest.index != index and newest.manifest.index:
        raise Misconfigured(f"{folder.root} holds backups of another index; nothing was changed.", "Name another directory.")


def _snapshot(stores: Safekeeping, folder: BackupFolder) -> Draft:
    """All rows of one moment; and what waited to be settled then, since nobody knows how long it waits."""
    with stores.tables.snapshot() as snapshot:
        if snapshot.names_folder() and not stores.folder:
            raise Misconfigured("This index serves a folder, whose files are part of it.", "Name the folder with --folder.")
        draft = folder.write_rows((table, snapshot.rows(table)) for table in TABLES)
        for sha256, content in snapshot.unsettled():
            if not folder.has(sha256):
                folder.put(sha256, content)
    return draft


def _bring(stores: Safekeeping, folder: BackupFolder, draft: Draft, progress: Progress) -> dict[str, Row]:
    """The contents that are not to be had, each with a row that names it."""
    missing: dict[str, Row] = {}
    rows = draft.tallies[FILES.name].rows + draft.tallies[DELETED_FILES.name].rows
    with progress("Contents", rows) as advance:
        for table, row in draft.rows():
            for sha256 in named_by(table, row):
                if not folder.has(sha256) and not folder.bring(sha256, partial(stores.originals.copy_to, sha256)):
                    missing[sha256] = row
            if table in (FILES, DELETED_FILES):
                advance(1)
    return missing


def named_by(table: Table, row: Row) -> Iterator[str]:
    """The contents that a row of the catalog names."""
    if table in (FILES, DELETED_FILES):
        for column in BLOB_COLUMNS:
            sha256 = row[table.column(column)]
            if sha256 is not None:
                yield sha256


def _absent(stores: Safekeeping, missing: dict[str, Row]) -> tuple[str, ...] | None:
    """Those of deleted files, which may be gone; None if the index has changed, so that a new snapshot is due."""
    absent = []
    for sha256, row in missing.items():
        roles = {named.role for named in stores.audit.names_of(sha256)} - {Role.COPY}
        if not roles:
            return None
        if roles != {Role.DELETED}:
            name = row[FILES.column("filename")]
            raise StoreFailed(
                f"The content of {name} is damaged or missing (sha256 {sha256}), so there is no whole backup.",
                "`purveyor fsck` says what is wrong, `purveyor fsck --repair` takes such files out of what is offered.",
            )
        absent.append(sha256)
    return tuple(absent)


def _manifest(draft: Draft, folder: BackupFolder, index: str, absent: tuple[str, ...]) -> Manifest:
    names = {sha256 for table, row in draft.rows() for sha256 in named_by(table, row)} - set(absent)
    serials = (row[0] for table, row in draft.rows() if table.name == "journal")
    return Manifest(
        format=FORMAT,
        version=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        index=index,
        serial=max(serials, default=0),
        rows_sha256=draft.sha256(),
        tables={name: tally.document() for name, tally in draft.tallies.items()},
        contents=len(names),
        bytes=sum(folder.blob(sha256).stat().st_size for sha256 in names),
        absent=absent,
    )
