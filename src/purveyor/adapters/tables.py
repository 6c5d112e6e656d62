"""All rows of a catalog at once, in SQL. What the statements promise is in `interfaces.Tables`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

from purveyor.adapters.sql import NEWEST, Connection, Reading, SqlDatabase
from purveyor.formats.catalog_rows import INDEXES, JOURNAL, OF_PROJECTS, PROJECTS, TABLES, Row, Table
from purveyor.interfaces import Move, Phase

# ruff: noqa: S608 - the statements are put together of constants; values are always parameters

_AT_ONCE = 1000


class SqlTables:
    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    @contextmanager
    def snapshot(self) -> "Iterator[SqlSnapshot]":
        with self._database.snapshot() as reading:
            yield SqlSnapshot(reading)

    def is_empty(self) -> bool:
        tables = ("journal", "projects", "files", "deleted_files", "tokens")
        return not self._database.read(" UNION ALL ".join(f"SELECT * FROM (SELECT 1 FROM {table} LIMIT 1) AS {table}" for table in tables))

    def fill(self, rows: Iterable[tuple[Table, Iterable[Row]]]) -> None:
        def work(connection: Connection) -> None:
            for table in reversed(TABLES):
                connection.execute(f"DELETE FROM {table.name}")
            for table, given in rows:
                _insert(connection, table, given)

        self._database.write(work)

    def follow(
        self,
        projects: Mapping[tuple[str, str], Mapping[str, Sequence[Row]]],
        journal: Iterable[Row],
        whole: Iterable[tuple[Table, Sequence[Row]]],
    ) -> None:
        def work(connection: Connection) -> None:
            later = dict(whole)
            indexes = later.pop(INDEXES, None)
            if indexes is not None:
                _put_indexes(connection, indexes)
            for (index, project), rows in projects.items():
                _put_project(connection, index, project, rows)
            _insert(connection, JOURNAL, journal)
            for table, given in later.items():
                connection.execute(f"DELETE FROM {table.name}")
                _insert(connection, table, given)
            if indexes is not None:
                _drop_indexes(connection, indexes)

        self._database.write(work)

    def move(self) -> Move | None:
        rows = self._database.read("SELECT phase, mark, place, until FROM moving")
        return Move(Phase(rows[0][0]), *rows[0][1:]) if rows else None

    def set_move(self, move: Move | None) -> None:
        self._database.write(lambda connection: _set(connection, move))

    def renew(self, mark: str, until: int) -> None:
        paused = "UPDATE moving SET until = ? WHERE mark = ? AND phase = 'paused'"
        self._database.write(lambda connection: connection.execute(paused, (until, mark)))

    def leave(self, move: Move, serial: int) -> bool:
        def work(connection: Connection) -> bool:
            paused = connection.execute("SELECT 1 FROM moving WHERE mark = ? AND phase = 'paused'", (move.mark,)).fetchone()
            if paused is None or connection.execute(NEWEST).fetchone()[0] != serial:
                return False
            _set(connection, move)
            return True

        return self._database.write(work)


class SqlSnapshot:
    def __init__(self, reading: Reading) -> None:
        self._stream = reading.stream

    def serial(self) -> int:
        [(serial,)] = self._stream(NEWEST)
        return int(serial)

    def count(self, table: Table) -> int:
        [(count,)] = self._stream(f"SELECT count(*) FROM {table.name}")
        return int(count)

    def rows(self, table: Table) -> Iterator[Row]:
        return self._stream(f"SELECT {', '.join(map(_quoted, table.columns))} FROM {table.name}")

    def journal_after(self, serial: int) -> Iterator[Row]:
        return self._stream(f"SELECT {', '.join(map(_quoted, JOURNAL.columns))} FROM journal WHERE serial > ? ORDER BY serial", (serial,))

    def touched_after(self, serial: int) -> Sequence[tuple[str, str]]:
        return list(self._stream("SELECT DISTINCT index_name, project FROM journal WHERE serial > ? AND project <> ''", (serial,)))

    def rows_of(self, table: Table, index: str, project: str) -> Sequence[Row]:
        columns = ", ".join(map(_quoted, table.columns))
        return list(self._stream(f"SELECT {columns} FROM {table.name} WHERE index_name = ? AND {_name_of(table)} = ?", (index, project)))

    def unsettled(self) -> Iterator[tuple[str, bytes]]:
        return ((sha256, content) for sha256, content in self._stream("SELECT sha256, content FROM unsettled_blobs"))

    def names_folder(self) -> bool:
        return bool(list(self._stream("SELECT 1 FROM folder_files WHERE state = 'served' LIMIT 1")))


def _insert(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    columns, marks = ", ".join(map(_quoted, table.columns)), ", ".join("?" * len(table.columns))
    remaining = iter(rows)
    while batch := list(islice(remaining, _AT_ONCE)):
        connection.executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", batch)


def _put_indexes(connection: Connection, rows: Sequence[Row]) -> None:
    for row in rows:
        connection.execute("INSERT INTO indexes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET document = excluded.document", row)


def _drop_indexes(connection: Connection, rows: Sequence[Row]) -> None:
    """Those that are not there any more; a project refers to each that is."""
    kept = {name for name, _ in rows}
    for (name,) in connection.execute("SELECT name FROM indexes").fetchall():
        if name not in kept:
            connection.execute("DELETE FROM indexes WHERE name = ?", (name,))


def _put_project(connection: Connection, index: str, project: str, rows: Mapping[str, Sequence[Row]]) -> None:
    for table in reversed(OF_PROJECTS):
        connection.execute(f"DELETE FROM {table.name} WHERE index_name = ? AND {_name_of(table)} = ?", (index, project))
    for table in OF_PROJECTS:
        _insert(connection, table, rows[table.name])


def _set(connection: Connection, move: Move | None) -> None:
    connection.execute("DELETE FROM moving")
    if move is not None:
        connection.execute("INSERT INTO moving VALUES (?, ?, ?, ?)", (str(move.phase), move.mark, move.place, move.until))


def _name_of(table: Table) -> str:
    return "name" if table == PROJECTS else "project"


def _quoted(column: str) -> str:
    """`before` and the like mean something to one database or the other."""
    return f'"{column}"'
