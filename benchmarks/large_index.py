"""A large index without its blobs: the rows that uploads would have left, in the order in which an index grows.

Each project gets its first release, then each its second, so the files of one project lie far apart in the database, as in life. Digests
are those of the filenames: every row names content of its own, which pages and the cost of the database depend on, but only files that are
uploaded later have a blob.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import psycopg

from benchmarks.loaders import MOMENT
from purveyor.adapters.postgres import PostgresDatabase
from purveyor.adapters.sql import Connection
from purveyor.adapters.sqlite import Database
from purveyor.model.files import parse_filename

RELEASES = 10
_AT = int(MOMENT.timestamp()) * 1_000_000
_SECOND = 1_000_000
_BATCH = 50_000

PROJECT_COLUMNS = ("index_name", "name", "display_name", "serial")
FILE_COLUMNS = (
    "index_name",
    "filename",
    "identity",
    "project",
    "version",
    "kind",
    "size",
    "sha256",
    "metadata_sha256",
    "requires_python",
    "uploaded_at",
    "uploaded_by",
)
JOURNAL_COLUMNS = ("serial", "at", "actor", "action", "index_name", "project", "version", "filename", "note")
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class LargeIndex:
    """`projects` projects of `RELEASES` wheels each."""

    projects: int

    @property
    def files(self) -> int:
        return self.projects * RELEASES

    @property
    def entries(self) -> int:
        return self.projects * (RELEASES + 1)

    def names(self) -> list[str]:
        return [name(number) for number in range(self.projects)]

    def project_rows(self) -> Iterator[Row]:
        """With the serial of the last release of each."""
        for place, number in enumerate(self._order()):
            yield ("default", name(number), name(number), self._serial(RELEASES - 1, place))

    def file_rows(self) -> Iterator[Row]:
        for release in range(RELEASES):
            for place, number in enumerate(self._order()):
                yield _file(number, release, self._serial(release, place))

    def journal_rows(self) -> Iterator[Row]:
        """Two entries for a first release, the project's and the file's; one for each that follows."""
        for release in range(RELEASES):
            for place, number in enumerate(self._order()):
                serial = self._serial(release, place)
                if release == 0:
                    yield _entry(serial - 1, "create-project", number, release)
                yield _entry(serial, "add-file", number, release)

    def _serial(self, release: int, place: int) -> int:
        return 2 * (place + 1) if release == 0 else self.projects * (release + 1) + place + 1

    def _order(self) -> list[int]:
        """That in which projects come is not that of their names."""
        return random.Random(self.projects).sample(range(self.projects), self.projects)


def name(number: int) -> str:
    return f"project-{number:06d}"


def _filename(number: int, release: int) -> str:
    return f"project_{number:06d}-1.{release}-py3-none-any.whl"


def _file(number: int, release: int, serial: int) -> Row:
    filename = _filename(number, release)
    sha256, metadata = (hashlib.sha256(f"{filename}{suffix}".encode()).hexdigest() for suffix in ("", ".metadata"))
    what = ("default", filename, parse_filename(filename).identity, name(number), f"1.{release}", "bdist_wheel", 20_000 + number, sha256)
    return (*what, metadata, ">=3.9", _AT + serial * _SECOND, "benchmarks")


def _entry(serial: int, action: str, number: int, release: int) -> Row:
    about = (name(number), f"1.{release}", _filename(number, release))
    return (serial, _AT + serial * _SECOND, "benchmarks", action, "default", *about, "")


def load_sqlite(index: LargeIndex, data: Path) -> None:
    """Into the data directory, in which no server has been yet."""
    database = Database(data / "purveyor.sqlite")
    try:
        database.write(lambda connection: _insert(connection, index))
    finally:
        database.close()


def _insert(connection: Connection, index: LargeIndex) -> None:
    for table, columns, rows in tables(index):
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        while batch := list(islice(rows, _BATCH)):
            connection.executemany(statement, batch)


def load_postgres(index: LargeIndex, url: str) -> None:
    """Into the database of that URL, which is empty."""
    PostgresDatabase(url).close()
    with psycopg.connect(url) as connection:
        for table, columns, rows in tables(index):
            with connection.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")  # or it would come while something is measured


def tables(index: LargeIndex) -> tuple[tuple[str, tuple[str, ...], Iterator[Row]], ...]:
    """In an order that foreign keys allow."""
    return (
        ("projects", PROJECT_COLUMNS, index.project_rows()),
        ("files", FILE_COLUMNS, index.file_rows()),
        ("journal", JOURNAL_COLUMNS, index.journal_rows()),
    )
