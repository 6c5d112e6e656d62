"""What is known of a served folder, in SQL. What the methods promise is in `interfaces.FolderIndex`."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from purveyor.adapters.catalog_changes import Change
from purveyor.adapters.sql import Connection, Row
from purveyor.adapters.sqlite import Database
from purveyor.errors import PurveyorError
from purveyor.interfaces import FolderFile, NewFile, Verdict
from purveyor.model.files import DistributionFile, conflict, project_named_by
from purveyor.model.indexes import DEFAULT
from purveyor.model.journal import Action
from purveyor.model.names import NormalizedName

ACTOR = "folder"
"""Who the journal names for what happened in the folder."""

# Rows of one commit: a reader in another process never waits long for the lock.
_AT_ONCE = 2000

_SEEN = """
    CREATE TEMP TABLE seen (
        path BLOB NOT NULL PRIMARY KEY, directory BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TEMP TABLE looked (directory BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;
"""
_FRESH = (
    "SELECT s.path, s.directory, s.size, s.mtime_ns, s.inode FROM seen s LEFT JOIN folder_files f ON f.path = s.path"
    " WHERE f.path IS NULL OR (f.size, f.mtime_ns, f.inode) <> (s.size, s.mtime_ns, s.inode) ORDER BY s.path"
)
_GONE = (
    "SELECT f.path, f.project FROM looked l JOIN folder_files f ON f.directory = l.directory WHERE f.path NOT IN (SELECT path FROM seen)"
)
_PUT = (
    "INSERT INTO folder_files (path, directory, filename, project, size, mtime_ns, inode) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns, inode = excluded.inode, state = 'waiting'"
    " WHERE (size, mtime_ns, inode) <> (excluded.size, excluded.mtime_ns, excluded.inode)"
)
_PUT_METADATA = (
    "INSERT INTO folder_metadata VALUES (?, ?, ?) ON CONFLICT (path) DO UPDATE SET sha256 = excluded.sha256, content = excluded.content"
)
_THIS = "path = ? AND size = ? AND mtime_ns = ? AND inode = ?"


class SqlFolderIndex:
    def __init__(self, database: Database) -> None:
        self._database = database

    def directories(self) -> Sequence[str]:
        return [os.fsdecode(row[0]) for row in self._database.read("SELECT DISTINCT directory FROM folder_files")]

    def inodes(self, directory: str) -> Mapping[str, int]:
        return dict(self._database.read("SELECT filename, inode FROM folder_files WHERE directory = ?", (os.fsencode(directory),)))

    def amend(self, files: Sequence[FolderFile], gone: Sequence[str], at: datetime) -> frozenset[NormalizedName]:
        changed = [file for file in files if self._state(file.path) != file[1:]]

        def work(connection: Connection) -> frozenset[NormalizedName]:
            put = {_put(connection, os.fsencode(file.path), os.fsencode(file.directory), *file[1:]) for file in changed}
            forgotten = {_forget(connection, os.fsencode(path), project_named_by(path.rpartition("/")[2]), at) for path in gone}
            return frozenset(put | forgotten)

        return self._database.write(work) if changed or gone else frozenset()

    def _state(self, path: str) -> Row | None:
        rows = self._database.read("SELECT size, mtime_ns, inode FROM folder_files WHERE path = ?", (os.fsencode(path),))
        return rows[0] if rows else None

    def take_in(
        self, found: Iterable[tuple[str, Iterable[FolderFile]]], is_there: Callable[[str], bool], at: datetime
    ) -> frozenset[NormalizedName]:
        projects = set[NormalizedName]()
        with self._database.aside() as connection:
            _gather(connection, found)
            for rows in _batches(connection, _FRESH):
                projects |= self._database.write(partial(_put_all, rows))
            for missed in _batches(connection, _GONE):
                rows = [(path, project) for path, project in missed if not is_there(os.fsdecode(path))]
                projects |= self._database.write(partial(_forget_all, rows, at))
        return frozenset(projects)

    def take_in_project(self, project: NormalizedName, found: Sequence[FolderFile], is_there: Callable[[str], bool], at: datetime) -> None:
        rows = self._database.read("SELECT path, size, mtime_ns, inode FROM folder_files WHERE project = ?", (project,))
        known, seen = {path: state for path, *state in rows}, {os.fsencode(file.path): file for file in found}
        fresh = [(path, os.fsencode(file.directory), *file[1:]) for path, file in seen.items() if known.get(path) != [*file[1:]]]
        if fresh:
            self._database.write(lambda connection: [_put(connection, *row) for row in fresh])
        if gone := [path for path in known.keys() - seen.keys() if not is_there(os.fsdecode(path))]:
            self._database.write(lambda connection: [_forget(connection, path, project, at) for path in gone])

    def revise(self, file: FolderFile) -> None:
        known = self._state(file.path)
        if known is not None and known != file[1:]:
            self._database.write(lambda connection: _put(connection, os.fsencode(file.path), os.fsencode(file.directory), *file[1:]))

    def waiting(self, project: NormalizedName | None, after: str, limit: int) -> Sequence[FolderFile]:
        which, parameters = ("", ()) if project is None else ("project = ? AND ", (project,))
        rows = self._database.read(
            f"SELECT path, size, mtime_ns, inode FROM folder_files WHERE {which}path > ? AND state = 'waiting' ORDER BY path LIMIT ?",  # noqa: S608 - constants
            (*parameters, os.fsencode(after), limit),
        )
        return [FolderFile(os.fsdecode(path), *state) for path, *state in rows]

    def settle(self, verdicts: Sequence[Verdict], at: datetime) -> Sequence[tuple[str, str]]:
        def work(connection: Connection) -> list[tuple[str, str]]:
            return [told for verdict in verdicts for told in _settle(connection, verdict, at)]

        return self._database.write(work)

    def withdraw(self, file: FolderFile, at: datetime) -> None:
        path = os.fsencode(file.path)
        if self._database.read("SELECT 1 FROM folder_files WHERE path = ? AND sha256 IS NOT NULL", (path,)):
            self._database.write(lambda connection: _withdraw(connection, path, at))

    def same_file(self, new: NewFile) -> DistributionFile | None:
        with self._database.aside() as connection:
            there = _change(connection, new.at).same_identity("files", new)
        if there is not None and not _same(there, new.file):
            raise conflict(there, new.file)
        return there

    def add_landed(self, new: NewFile, file: FolderFile, metadata: bytes | None) -> DistributionFile:
        def work(connection: Connection) -> DistributionFile:
            kept = Change(connection, DEFAULT, new.actor, new.at).add_file(new)
            path = os.fsencode(file.path)
            connection.execute(_PUT, (path, b"", file.filename, new.file.project, *file[1:]))
            _serve(connection, path, new, metadata)
            return kept

        return self._database.write(work)

    def counts(self) -> tuple[int, int]:
        known, unserved = self._database.read("SELECT count(*), coalesce(sum(state IN ('broken', 'shadowed')), 0) FROM folder_files")[0]
        return known, unserved

    def holders(self, sha256: str) -> Sequence[FolderFile]:
        """The files of the folder that have this content and are served."""
        rows = self._database.read(
            "SELECT path, size, mtime_ns, inode FROM folder_files WHERE sha256 = ? AND state = 'served'",
            (sha256,),
        )
        return [FolderFile(os.fsdecode(path), *state) for path, *state in rows]

    def metadata(self, sha256: str) -> bytes | None:
        rows = self._database.read("SELECT content FROM folder_metadata WHERE sha256 = ? LIMIT 1", (sha256,))
        return rows[0][0] if rows else None

    def waiting_names(self) -> Sequence[NormalizedName]:
        """Projects of which the catalog knows nothing yet, because all of their files still wait to be inspected."""
        rows = self._database.read(
            "SELECT DISTINCT project FROM folder_files WHERE state = 'waiting' AND"
            " project NOT IN (SELECT name FROM projects WHERE index_name = 'default')"
            " ORDER BY project"
        )
        return [name for (name,) in rows]


def _change(connection: Connection, at: datetime) -> Change:
    """What the folder's watcher does to the catalog: the folder is that of the default index."""
    return Change(connection, DEFAULT, ACTOR, at)


def _gather(connection: sqlite3.Connection, found: Iterable[tuple[str, Iterable[FolderFile]]]) -> None:
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.executescript(_SEEN)
    connection.execute("BEGIN")
    for directory, files in found:
        encoded = os.fsencode(directory)
        connection.execute("INSERT OR IGNORE INTO looked VALUES (?)", (encoded,))
        rows = ((os.fsencode(file.path), encoded, *file[1:]) for file in files)
        connection.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")


def _batches(connection: sqlite3.Connection, statement: str) -> Iterator[list[Row]]:
    cursor = connection.execute(statement)
    while rows := cursor.fetchmany(_AT_ONCE):
        yield rows


def _put_all(rows: Sequence[Row], connection: Connection) -> set[NormalizedName]:
    return {_put(connection, *row) for row in rows}


def _put(connection: Connection, path: bytes, directory: bytes, *state: int) -> NormalizedName:
    filename = os.fsdecode(path).rpartition("/")[2].encode(errors="replace").decode()
    project = project_named_by(filename)
    connection.execute(_PUT, (path, directory, filename, project, *state))
    return project


def _forget_all(rows: Sequence[tuple[bytes, NormalizedName]], at: datetime, connection: Connection) -> set[NormalizedName]:
    return {_forget(connection, path, project, at) for path, project in rows}


def _forget(connection: Connection, path: bytes, project: NormalizedName, at: datetime) -> NormalizedName:
    _withdraw(connection, path, at)
    row = connection.execute("DELETE FROM folder_files WHERE path = ? RETURNING state", (path,)).fetchone()
    if row == ("waiting",):
        _tell_of_the_list(connection, project, at)
    return project


def _withdraw(connection: Connection, path: bytes, at: datetime) -> None:
    """Take what the catalog offers from this path out of it, and give those that were shadowed by it their turn."""
    row = connection.execute(
        "SELECT f.filename, f.project FROM folder_files f JOIN files c ON c.filename = f.filename AND c.sha256 = f.sha256"
        " AND c.index_name = 'default'"
        " WHERE f.path = ? AND f.state IN ('served', 'waiting')",
        (path,),
    ).fetchone()
    if row is not None:
        _change(connection, at).remove_file(row[0])
        connection.execute("UPDATE folder_files SET state = 'waiting' WHERE project = ? AND state = 'shadowed'", (row[1],))
    connection.execute("UPDATE folder_files SET sha256 = NULL WHERE path = ?", (path,))
    connection.execute("DELETE FROM folder_metadata WHERE path = ?", (path,))


def _settle(connection: Connection, verdict: Verdict, at: datetime) -> Iterator[tuple[str, str]]:
    file, path = verdict.file, os.fsencode(verdict.file.path)
    row = connection.execute(f"SELECT sha256 FROM folder_files WHERE {_THIS} AND state = 'waiting'", (path, *file[1:])).fetchone()  # noqa: S608 - constants
    if row is None:
        return
    if verdict.new is None:
        yield from _set_aside(connection, path, "broken", verdict.fault, at)
        if verdict.again:
            connection.execute("UPDATE folder_files SET mtime_ns = -1 WHERE path = ?", (path,))
        return
    there = _change(connection, at).same_identity("files", verdict.new)
    rival = None if there is None else _rival(connection, path, there)
    if rival is not None and rival < path:
        yield from _set_aside(connection, path, "shadowed", f"It is the same file as {os.fsdecode(rival)}, which comes first.", at)
    elif there is not None and rival is None and there.sha256 != row[0] and not _same(there, verdict.new.file):
        yield from _set_aside(connection, path, "shadowed", conflict(there, verdict.new.file).detail, at)
    else:
        if rival is not None:
            connection.execute("UPDATE folder_files SET sha256 = NULL WHERE path = ?", (rival,))
            yield from _set_aside(connection, rival, "shadowed", f"It is the same file as {file.path}, which comes first.", at)
        yield from _offer(connection, path, there, verdict, at)


def _rival(connection: Connection, path: bytes, there: DistributionFile) -> bytes | None:
    """Where else in the folder the catalog's file lies."""
    row = connection.execute(
        "SELECT path FROM folder_files WHERE sha256 = ? AND filename = ? AND path <> ? AND state IN ('served', 'waiting')",
        (there.sha256, there.filename, path),
    ).fetchone()
    return None if row is None else row[0]


def _offer(
    connection: Connection, path: bytes, there: DistributionFile | None, verdict: Verdict, at: datetime
) -> Iterator[tuple[str, str]]:
    """Put the file into the catalog, in the place of the one that was there under the same name or another spelling of it."""
    new = verdict.new
    assert new is not None
    try:
        if there is not None and not _same(there, new.file):
            _change(connection, at).remove_file(there.filename)
        Change(connection, DEFAULT, new.actor, new.at).add_file(new)
    except PurveyorError as refused:
        yield from _set_aside(connection, path, "broken", refused.detail, at)
    else:
        _serve(connection, path, new, verdict.metadata)


def _same(there: DistributionFile, file: DistributionFile) -> bool:
    return (there.filename, there.sha256) == (file.filename, file.sha256)


def _serve(connection: Connection, path: bytes, new: NewFile, metadata: bytes | None) -> None:
    connection.execute("UPDATE folder_files SET state = 'served', sha256 = ?, fault = NULL WHERE path = ?", (new.file.sha256, path))
    if metadata is not None:
        connection.execute(_PUT_METADATA, (path, new.file.metadata_sha256, metadata))


def _set_aside(connection: Connection, path: bytes, state: str, fault: str, at: datetime) -> Iterator[tuple[str, str]]:
    """Serve the file no longer, for this reason; which is told only if it is another than it was."""
    _withdraw(connection, path, at)
    project, said = connection.execute("SELECT project, fault FROM folder_files WHERE path = ?", (path,)).fetchone()
    connection.execute("UPDATE folder_files SET state = ?, fault = ? WHERE path = ?", (state, fault, path))
    _tell_of_the_list(connection, project, at)
    if fault != said:
        yield os.fsdecode(path), fault


def _tell_of_the_list(connection: Connection, project: str, at: datetime) -> None:
    """A project was listed for as long as its files waited; the journal says so if none of them was any good."""
    listed = (
        "SELECT 1 FROM projects WHERE index_name = 'default' AND name = ?"
        " UNION ALL SELECT 1 FROM folder_files WHERE project = ? AND state = 'waiting' LIMIT 1"
    )
    if connection.execute(listed, (project, project)).fetchone() is None:
        _change(connection, at).record(Action.REMOVE_PROJECT, project)
