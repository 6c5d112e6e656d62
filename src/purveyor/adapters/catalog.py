"""The catalog in SQL: tables to nouns and back. What the statements promise is in `interfaces.Catalog`."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from purveyor.adapters.catalog_changes import Change, keep_unsettled
from purveyor.adapters.rows import COLUMNS, file_of, grant_of, journal_entry, known
from purveyor.adapters.sql import NEWEST, Connection, SqlDatabase
from purveyor.errors import NotFound
from purveyor.formats.index_document import read_index
from purveyor.interfaces import ChangeSignal, Counts, NewFile
from purveyor.model.advisories import Advisory
from purveyor.model.files import DistributionFile, Yanked
from purveyor.model.grants import Grant, KnownToken, token_identifier
from purveyor.model.indexes import DEFAULT, Index, IndexName
from purveyor.model.journal import LISTED, ROUTING, Action, Changes, JournalEntry
from purveyor.model.names import NormalizedName
from purveyor.model.policy import Override
from purveyor.model.projects import ProjectDetail, ProjectStatus, Status

T = TypeVar("T")

# ruff: noqa: S608 - the statements are put together of constants; values are always parameters

_LISTED = ", ".join(f"'{action}'" for action in sorted(LISTED))
_ROUTING = ", ".join(f"'{action}'" for action in sorted(ROUTING))


def _is(actions: str) -> str:
    return f"CASE WHEN action IN ({actions}) THEN 1 ELSE 0 END"


_BLOBS = ("sha256", "metadata_sha256", "provenance_sha256")
_JOURNAL = "SELECT serial, at, actor, action, index_name, project, version, filename, note FROM journal"


class SqlCatalog:
    """Every commit raises `signal` before its writer is answered, so no reader that looks there ever misses one."""

    def __init__(self, database: SqlDatabase, signal: ChangeSignal) -> None:
        self._database = database
        # In this order the signal is never the greater of the two, unless an older database was put back: what it commits now must be seen.
        told, newest = signal.read(), self.serial()
        if told > newest:
            signal.set_back(newest)
        signal.raise_to(newest)
        database.after_commit = signal.raise_to

    def serial(self) -> int:
        serial: int = self._database.read(NEWEST)[0][0]
        return serial

    def changes_since(self, serial: int) -> Changes:
        rows = self._database.read(
            f"SELECT project, max(serial), max({_is(_LISTED)}), max({_is(_ROUTING)}) FROM journal WHERE serial > ? GROUP BY project",
            (serial,),
        )
        newest = max((row[1] for row in rows), default=serial)
        names = frozenset(row[0] for row in rows if row[0])
        return Changes(newest, names, frozenset(row[0] for row in rows if row[2]), any(row[3] for row in rows))

    def fingerprint(self, serial: int) -> str:
        rows = self._database.read("SELECT at, actor, action, project, version, filename FROM journal WHERE serial = ?", (serial,))
        return hashlib.sha256(repr((serial, *rows[0])).encode()).hexdigest() if rows else ""

    def indexes(self) -> Sequence[Index]:
        rows = self._database.read("SELECT name, document FROM indexes ORDER BY name")
        return [read_index(name, json.loads(document)) for name, document in rows]

    def put_index(self, index: Index, actor: str, at: datetime) -> None:
        self._change(index.name, actor, at, lambda change: change.put_index(index))

    def remove_index(self, name: IndexName, actor: str, at: datetime) -> bool:
        return self._change(name, actor, at, lambda change: change.remove_index())

    def project_detail(self, name: NormalizedName, index: IndexName = DEFAULT) -> ProjectDetail | None:
        rows = self._database.read(
            f"SELECT p.display_name, p.status, p.status_reason, p.serial, {COLUMNS}"
            " FROM projects p LEFT JOIN files f ON f.index_name = p.index_name AND f.project = p.name"
            " WHERE p.index_name = ? AND p.name = ? ORDER BY f.uploaded_at NULLS FIRST, f.filename",
            (index, name),
        )
        if not rows:
            return None
        display_name, status, reason, serial = rows[0][:4]
        files = tuple(file_of(row[4:]) for row in rows if row[4] is not None)
        return ProjectDetail(name, display_name, ProjectStatus(Status(status), reason), files, serial)

    def has_project(self, name: NormalizedName, index: IndexName = DEFAULT) -> bool:
        return bool(self._database.read("SELECT 1 FROM projects WHERE index_name = ? AND name = ?", (index, name)))

    def project_names(self, index: IndexName = DEFAULT) -> Iterator[tuple[NormalizedName, str]]:
        # A quarantined project is not offered to anyone who looks around (as PyPI does it).
        rows = self._database.stream(
            "SELECT name, display_name FROM projects WHERE index_name = ? AND status <> 'quarantined' ORDER BY name", (index,)
        )
        return ((name, display_name) for name, display_name in rows)

    def names_between(self, first: str, before: str | None, index: IndexName = DEFAULT) -> Sequence[tuple[NormalizedName, str]]:
        below, limits = ("", (index, first)) if before is None else (" AND name < ?", (index, first, before))
        return self._database.read(
            f"SELECT name, display_name FROM projects WHERE index_name = ? AND name >= ?{below} AND status <> 'quarantined' ORDER BY name",
            limits,
        )

    def file(self, filename: str, index: IndexName = DEFAULT) -> DistributionFile | None:
        rows = self._database.read(
            f"SELECT {COLUMNS} FROM files f JOIN projects p ON p.index_name = f.index_name AND p.name = f.project"
            " WHERE f.index_name = ? AND f.filename = ? AND p.status <> 'quarantined'",
            (index, filename),
        )
        return file_of(rows[0]) if rows else None

    def add_file(self, new: NewFile, unsettled: Mapping[str, bytes]) -> DistributionFile:
        def add(connection: Connection) -> DistributionFile:
            kept = Change(connection, new.index, new.actor, new.at).add_file(new)
            if kept is new.file:
                keep_unsettled(connection, unsettled)
            return kept

        return self._database.write(add)

    def add_files(
        self, news: Sequence[NewFile], statuses: Mapping[NormalizedName, ProjectStatus], *, dry: bool = False
    ) -> Sequence[DistributionFile]:
        def add(connection: Connection) -> Sequence[DistributionFile]:
            connection.execute("SAVEPOINT tried")
            added = Change(connection, news[0].index, news[0].actor, news[0].at).add_files(news, statuses)
            if dry:
                connection.execute("ROLLBACK TO tried")
            connection.execute("RELEASE tried")
            return added

        return self._database.write(add) if news else ()

    def remove_file(self, filename: str, actor: str, at: datetime, index: IndexName = DEFAULT) -> DistributionFile | None:
        return self._change(index, actor, at, lambda change: change.remove_file(filename))

    def set_yanked(
        self, filenames: Sequence[str], yanked: Yanked | None, actor: str, at: datetime, index: IndexName = DEFAULT
    ) -> Sequence[DistributionFile]:
        return self._change(index, actor, at, lambda change: _all(filenames, change.set_yanked(filenames, yanked)))

    def delete_files(self, filenames: Sequence[str], actor: str, at: datetime, index: IndexName = DEFAULT) -> Sequence[DistributionFile]:
        return self._change(index, actor, at, lambda change: _all(filenames, change.delete_files(filenames)))

    def deleted_files(self, name: NormalizedName, index: IndexName = DEFAULT) -> Sequence[DistributionFile]:
        rows = self._database.read(
            f"SELECT {COLUMNS} FROM deleted_files f WHERE f.index_name = ? AND f.project = ? ORDER BY f.filename", (index, name)
        )
        return [file_of(row) for row in rows]

    def restore_files(self, filenames: Sequence[str], actor: str, at: datetime, index: IndexName = DEFAULT) -> Sequence[DistributionFile]:
        return self._change(index, actor, at, lambda change: _all(filenames, change.restore_files(filenames)))

    def set_status(self, name: NormalizedName, status: ProjectStatus, actor: str, at: datetime, index: IndexName = DEFAULT) -> bool:
        return self._change(index, actor, at, lambda change: change.set_status(name, status))

    def named_blobs(self) -> Iterator[str]:
        tables = [f"SELECT {column} FROM {table}" for table in ("files", "deleted_files") for column in _BLOBS]
        others = ["SELECT sha256 FROM unsettled_blobs", "SELECT sha256 FROM pulled_blobs", "SELECT metadata_sha256 FROM extracted_metadata"]
        rows = self._database.stream(" UNION ".join([*tables, *others]) + " ORDER BY 1")
        return (sha256 for (sha256,) in rows if sha256 is not None)

    def named_since(self, serial: int) -> frozenset[str]:
        touched = "(index_name, project) IN (SELECT index_name, project FROM journal WHERE serial > ?)"
        tables = [f"SELECT {column} FROM {table} WHERE {touched}" for table in ("files", "deleted_files") for column in _BLOBS]
        copies = ["SELECT sha256 FROM pulled_blobs", "SELECT metadata_sha256 FROM extracted_metadata"]
        rows = self._database.read(" UNION ".join([*tables, *copies]), (serial,) * len(tables))
        return frozenset(sha256 for (sha256,) in rows if sha256 is not None)

    def overrides(self, name: NormalizedName, index: IndexName = DEFAULT) -> Sequence[Override]:
        rows = self._database.read(
            "SELECT version, until, by, at, reason FROM overrides WHERE index_name = ? AND project = ? ORDER BY version", (index, name)
        )
        return [Override(name, version, known(until), by, known(at), reason) for version, until, by, at, reason in rows]

    def put_override(self, override: Override, index: IndexName = DEFAULT) -> None:
        self._change(index, override.by, override.at, lambda change: change.put_override(override))

    def remove_override(self, name: NormalizedName, version: str, actor: str, at: datetime, index: IndexName = DEFAULT) -> bool:
        return self._change(index, actor, at, lambda change: change.remove_override(name, version))

    def advisories(self, name: NormalizedName) -> Sequence[Advisory]:
        from purveyor.formats.osv import read_advisory  # noqa: PLC0415 - only where a policy goes by advisories

        rows = self._database.read("SELECT document FROM advisories WHERE project = ? ORDER BY identifier", (name,))
        return [read_advisory(json.loads(document)) for (document,) in rows]

    def replace_advisories(self, advisories: Iterable[Advisory], actor: str, at: datetime) -> int:
        return self._change(DEFAULT, actor, at, lambda change: change.replace_advisories(advisories))

    def last_change(self, action: Action, index: IndexName = DEFAULT) -> JournalEntry | None:
        # Entries about no project are few, and stand together in an index.
        rows = self._database.read(
            f"{_JOURNAL} WHERE action = ? AND index_name = ? AND project = '' ORDER BY serial DESC LIMIT 1", (action, index)
        )
        return journal_entry(rows[0]) if rows else None

    def journal(self, index: IndexName | None, project: str | None, before: int | None, limit: int) -> Sequence[JournalEntry]:
        wanted = {"index_name = ?": index, "project = ?": project, "serial < ?": before}
        conditions = {condition: value for condition, value in wanted.items() if value is not None}
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = self._database.read(f"{_JOURNAL} {where} ORDER BY serial DESC LIMIT ?", (*conditions.values(), limit))
        return [journal_entry(row) for row in rows]

    def _change(self, index: IndexName, actor: str, at: datetime, work: Callable[[Change], T]) -> T:
        return self._database.write(lambda connection: work(Change(connection, index, actor, at)))

    def unsettled_blobs(self, limit: int) -> Mapping[str, bytes]:
        return dict(self._database.read("SELECT sha256, content FROM unsettled_blobs LIMIT ?", (limit,)))

    def unsettled_blob(self, sha256: str) -> bytes | None:
        rows = self._database.read("SELECT content FROM unsettled_blobs WHERE sha256 = ?", (sha256,))
        return rows[0][0] if rows else None

    def unsettled_size(self) -> int:
        size: int = self._database.read("SELECT CAST(coalesce(sum(length(content)), 0) AS BIGINT) FROM unsettled_blobs")[0][0]
        return size

    def forget_unsettled(self, sha256s: Iterable[str]) -> None:
        rows = [(sha256,) for sha256 in sha256s]
        self._database.write(lambda connection: connection.executemany("DELETE FROM unsettled_blobs WHERE sha256 = ?", rows))
        self._database.tidy()

    def grant(self, token_sha256: bytes) -> Grant | None:
        rows = self._database.read("SELECT subject, permissions, expires_at FROM tokens WHERE sha256 = ?", (token_sha256,))
        return grant_of(rows[0]) if rows else None

    def add_token(self, token_sha256: bytes, grant: Grant, created_at: datetime, actor: str | None = None) -> None:
        self._change(DEFAULT, actor or "", created_at, lambda change: change.add_token(token_sha256, grant))

    def add_first_token(self, token_sha256: bytes, grant: Grant, created_at: datetime) -> bool:
        return self._change(DEFAULT, "", created_at, lambda change: change.add_first_token(token_sha256, grant))

    def tokens(self) -> Sequence[KnownToken]:
        rows = self._database.read("SELECT subject, permissions, expires_at, sha256, created_at FROM tokens ORDER BY created_at, sha256")
        return [KnownToken(token_identifier(row[3]), grant_of(row[:3]), known(row[4])) for row in rows]

    def remove_token(self, identifier: str, actor: str, at: datetime) -> bool:
        return self._change(DEFAULT, actor, at, lambda change: change.remove_token(identifier))

    def has_tokens(self) -> bool:
        return bool(self._database.read("SELECT 1 FROM tokens LIMIT 1"))

    def counts(self) -> Counts:
        rows = self._database.read("SELECT (SELECT count(*) FROM projects), count(*), CAST(coalesce(sum(size), 0) AS BIGINT) FROM files")
        return Counts(*rows[0])

    def close(self) -> None:
        self._database.close()


def _all(wanted: Sequence[str], changed: Sequence[DistributionFile]) -> Sequence[DistributionFile]:
    """Somebody else may have been there first; raised within the transaction, this undoes it."""
    if missing := set(wanted) - {file.filename for file in changed}:
        raise NotFound(f"{min(missing)} is not there any more.", "Nothing was changed: look at the project again.")
    return changed
