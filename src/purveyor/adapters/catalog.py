"""The catalog in SQL: tables to nouns and back. What the statements promise is in `interfaces.Catalog`."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from purveyor.adapters.sqlite import Database, Row
from purveyor.interfaces import ChangeSignal, Counts, NewFile
from purveyor.model.files import DistributionFile, Kind, Yanked, conflict
from purveyor.model.grants import Grant, Permission
from purveyor.model.journal import LISTED, Action, Changes
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail, ProjectStatus, Status

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_LISTED = ", ".join(f"'{action}'" for action in sorted(LISTED))
_NEWEST = "SELECT coalesce(max(serial), 0) FROM journal"
_FILE = (
    "f.filename, f.project, f.version, f.kind, f.size, f.sha256, f.uploaded_at, f.uploaded_by, f.metadata_sha256,"
    " f.requires_python, f.yanked, f.provenance_sha256, f.origin"
)


class SqlCatalog:
    """Every commit raises `signal` before its writer is answered, so no reader that looks there ever misses one."""

    def __init__(self, database: Database, signal: ChangeSignal) -> None:
        self._database = database
        # In this order the signal is never the greater of the two, unless an older database was put back: what it commits now must be seen.
        told, newest = signal.read(), self.serial()
        if told > newest:
            signal.set_back(newest)
        signal.raise_to(newest)
        database.after_commit = lambda connection: signal.raise_to(connection.execute(_NEWEST).fetchone()[0])

    def serial(self) -> int:
        serial: int = self._database.read(_NEWEST)[0][0]
        return serial

    def changes_since(self, serial: int) -> Changes:
        rows = self._database.read(
            f"SELECT project, max(serial), max(action IN ({_LISTED})) FROM journal WHERE serial > ? GROUP BY project",  # noqa: S608 - constants
            (serial,),
        )
        newest = max((row[1] for row in rows), default=serial)
        return Changes(newest, frozenset(row[0] for row in rows), any(row[2] for row in rows))

    def fingerprint(self, serial: int) -> str:
        rows = self._database.read("SELECT at, actor, action, project, version, filename FROM journal WHERE serial = ?", (serial,))
        return hashlib.sha256(repr((serial, *rows[0])).encode()).hexdigest() if rows else ""

    def project_detail(self, name: NormalizedName) -> ProjectDetail | None:
        rows = self._database.read(
            f"SELECT p.display_name, p.status, p.status_reason, p.serial, {_FILE}"  # noqa: S608 - constants only
            " FROM projects p LEFT JOIN files f ON f.project = p.name WHERE p.name = ? ORDER BY f.uploaded_at, f.filename",
            (name,),
        )
        if not rows:
            return None
        display_name, status, reason, serial = rows[0][:4]
        files = tuple(_file(row[4:]) for row in rows if row[4] is not None)
        return ProjectDetail(name, display_name, ProjectStatus(Status(status), reason), files, serial)

    def project_names(self) -> Iterator[tuple[NormalizedName, str]]:
        # A quarantined project is not offered to anyone who looks around (as PyPI does it).
        rows = self._database.stream("SELECT name, display_name FROM projects WHERE status <> 'quarantined' ORDER BY name")
        return ((name, display_name) for name, display_name in rows)

    def file(self, filename: str) -> DistributionFile | None:
        rows = self._database.read(
            f"SELECT {_FILE} FROM files f JOIN projects p ON p.name = f.project"  # noqa: S608 - constants only
            " WHERE f.filename = ? AND p.status <> 'quarantined'",
            (filename,),
        )
        return _file(rows[0]) if rows else None

    def add_file(self, new: NewFile, unsettled: Mapping[str, bytes]) -> DistributionFile:
        return self._database.write(lambda connection: insert_file(connection, new, unsettled))

    def remove_file(self, filename: str, actor: str, at: datetime) -> DistributionFile | None:
        return self._database.write(lambda connection: delete_file(connection, filename, actor, at))

    def set_status(self, name: NormalizedName, status: ProjectStatus, actor: str, at: datetime) -> bool:
        return self._database.write(lambda connection: _set_status(connection, name, status, actor, at))

    def named_blobs(self) -> Iterator[str]:
        rows = self._database.stream(
            "SELECT sha256 FROM files UNION SELECT metadata_sha256 FROM files UNION SELECT provenance_sha256 FROM files"
            " UNION SELECT sha256 FROM unsettled_blobs ORDER BY 1"
        )
        return (sha256 for (sha256,) in rows if sha256 is not None)

    def unsettled_blobs(self, limit: int) -> Mapping[str, bytes]:
        return dict(self._database.read("SELECT sha256, content FROM unsettled_blobs LIMIT ?", (limit,)))

    def unsettled_blob(self, sha256: str) -> bytes | None:
        rows = self._database.read("SELECT content FROM unsettled_blobs WHERE sha256 = ?", (sha256,))
        return rows[0][0] if rows else None

    def unsettled_size(self) -> int:
        size: int = self._database.read("SELECT coalesce(sum(length(content)), 0) FROM unsettled_blobs")[0][0]
        return size

    def forget_unsettled(self, sha256s: Iterable[str]) -> None:
        rows = [(sha256,) for sha256 in sha256s]
        self._database.write(lambda connection: connection.executemany("DELETE FROM unsettled_blobs WHERE sha256 = ?", rows))
        self._database.tidy()

    def grant(self, token_sha256: bytes) -> Grant | None:
        rows = self._database.read("SELECT subject, permissions, expires_at FROM tokens WHERE sha256 = ?", (token_sha256,))
        if not rows:
            return None
        subject, permissions, expires_at = rows[0]
        return Grant(subject, frozenset(map(Permission, permissions.split())), _moment(expires_at))

    def add_token(self, token_sha256: bytes, grant: Grant, created_at: datetime) -> None:
        row = (
            token_sha256,
            grant.subject,
            " ".join(sorted(grant.permissions)),
            stamp(created_at),
            stamp(grant.expires_at),
        )
        self._database.write(lambda connection: connection.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?)", row))

    def has_tokens(self) -> bool:
        return bool(self._database.read("SELECT 1 FROM tokens LIMIT 1"))

    def counts(self) -> Counts:
        rows = self._database.read("SELECT (SELECT count(*) FROM projects), count(*), coalesce(sum(size), 0) FROM files")
        return Counts(*rows[0])

    def close(self) -> None:
        self._database.close()


def insert_file(connection: sqlite3.Connection, new: NewFile, unsettled: Mapping[str, bytes]) -> DistributionFile:
    file = new.file
    _check_status(connection, file)
    if there := same_identity(connection, new):
        if there.filename == file.filename and there.sha256 == file.sha256:
            return there
        raise conflict(there, file)
    if connection.execute("SELECT 1 FROM projects WHERE name = ?", (file.project,)).fetchone() is None:
        serial = record(connection, Action.CREATE_PROJECT, file, new.actor, new.at)
        connection.execute(
            "INSERT INTO projects (name, display_name, serial) VALUES (?, ?, ?)",
            (file.project, new.display_name, serial),
        )
    serial = record(connection, Action.ADD_FILE, file, new.actor, new.at)
    connection.execute("UPDATE projects SET serial = ? WHERE name = ?", (serial, file.project))
    _insert(connection, new)
    connection.executemany("INSERT OR IGNORE INTO unsettled_blobs VALUES (?, ?)", unsettled.items())
    return file


def delete_file(connection: sqlite3.Connection, filename: str, actor: str, at: datetime) -> DistributionFile | None:
    row = connection.execute(f"SELECT {_FILE} FROM files f WHERE f.filename = ?", (filename,)).fetchone()  # noqa: S608 - constants
    if row is None:
        return None
    connection.execute("DELETE FROM files WHERE filename = ?", (filename,))
    file = _file(row)
    serial = record(connection, Action.REMOVE_FILE, file, actor, at)
    left = connection.execute("SELECT 1 FROM files WHERE project = ? LIMIT 1", (file.project,)).fetchone()
    gone = (
        left is None
        and connection.execute("DELETE FROM projects WHERE name = ? AND status = 'active' AND status_reason = ''", (file.project,)).rowcount
    )
    if gone:
        record(connection, Action.REMOVE_PROJECT, file, actor, at)
    else:
        connection.execute("UPDATE projects SET serial = ? WHERE name = ?", (serial, file.project))
    return file


def _set_status(connection: sqlite3.Connection, name: NormalizedName, status: ProjectStatus, actor: str, at: datetime) -> bool:
    if connection.execute("SELECT 1 FROM projects WHERE name = ?", (name,)).fetchone() is None:
        return False
    serial = append(connection, (stamp(at), actor, Action.SET_STATUS, name, None, None))
    connection.execute(
        "UPDATE projects SET status = ?, status_reason = ?, serial = ? WHERE name = ?", (status.status, status.reason, serial, name)
    )
    return True


def _check_status(connection: sqlite3.Connection, file: DistributionFile) -> None:
    row = connection.execute("SELECT status, status_reason FROM projects WHERE name = ?", (file.project,)).fetchone()
    if row is not None:
        ProjectStatus(Status(row[0]), row[1]).check_uploads(file.project)


def same_identity(connection: sqlite3.Connection, new: NewFile) -> DistributionFile | None:
    row = connection.execute(
        f"SELECT {_FILE} FROM files f WHERE f.filename = ? OR f.identity = ?",  # noqa: S608 - constants only
        (new.file.filename, new.identity),
    ).fetchone()
    return _file(row) if row is not None else None


def record(connection: sqlite3.Connection, action: Action, file: DistributionFile, actor: str, at: datetime) -> int:
    return append(connection, (stamp(at), actor, action, file.project, file.version, file.filename))


def append(connection: sqlite3.Connection, entry: Row) -> int:
    """Append one entry. The write lock is held, so serials are taken in commit order and without gaps."""
    statement = (
        "INSERT INTO journal (serial, at, actor, action, project, version, filename)"
        " VALUES ((SELECT coalesce(max(serial), 0) + 1 FROM journal), ?, ?, ?, ?, ?, ?) RETURNING serial"
    )
    serial: int = connection.execute(statement, entry).fetchone()[0]
    return serial


def _insert(connection: sqlite3.Connection, new: NewFile) -> None:
    file = new.file
    row = {
        "filename": file.filename,
        "identity": new.identity,
        "project": file.project,
        "version": file.version,
        "kind": file.kind,
        "size": file.size,
        "sha256": file.sha256,
        "metadata_sha256": file.metadata_sha256,
        "provenance_sha256": file.provenance_sha256,
        "requires_python": file.requires_python,
        "uploaded_at": stamp(file.uploaded_at),
        "uploaded_by": file.uploaded_by,
        "yanked": file.yanked.reason if file.yanked else None,
        "origin": file.origin,
    }
    columns = ", ".join(row)
    connection.execute(f"INSERT INTO files ({columns}) VALUES ({', '.join(':' + c for c in row)})", row)  # noqa: S608 - constants only


def _file(row: Row) -> DistributionFile:
    (filename, project, version, kind, size, sha256, at, by, metadata, requires_python, yanked, provenance, origin) = row
    return DistributionFile(
        filename=filename,
        project=project,
        version=version,
        kind=Kind(kind),
        size=size,
        sha256=sha256,
        uploaded_at=_moment(at),
        uploaded_by=by,
        metadata_sha256=metadata,
        requires_python=requires_python,
        yanked=None if yanked is None else Yanked(yanked),
        provenance_sha256=provenance,
        origin=origin,
    )


def stamp(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _moment(stamp: int | None) -> datetime | None:
    return None if stamp is None else _EPOCH + stamp * _MICROSECOND
