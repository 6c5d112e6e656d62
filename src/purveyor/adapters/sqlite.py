"""SQLite connections for a catalog: one snapshot for each read, one durable commit for all writes that wait together.

The standard library's driver, not a toolkit above it: importing one costs more than the whole start of a server may take (see
docs/decisions/0001-sql-without-a-toolkit.md).
"""

import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from purveyor.adapters.group_commit import GroupCommit, Job
from purveyor.adapters.schema import KEEP, STEPS, Step, Version, missing, reached
from purveyor.adapters.sql import NEWEST, Connection, Row
from purveyor.errors import Misconfigured, PurveyorError, StoreFailed, StoreFull
from purveyor.interfaces import Around, unwatched

T = TypeVar("T")

# How long a writer waits for another process's transaction before it gives up with a sentence.
BUSY_SECONDS = 5.0
_RETRY_SECONDS = 0.001

_PRAGMAS = (
    "journal_mode = WAL",
    # FULL syncs the log at each commit: what was acknowledged survives a power cut.
    "synchronous = FULL",
    "foreign_keys = ON",
    # `tidy` does this in the background; a commit does it only when the log has grown past 128 MiB.
    "wal_autocheckpoint = 32768",
)


class Database:
    """A database file shared by threads and processes. `path`'s directory must exist.

    `after_commit` runs once for each commit, before any writer of it is answered.
    """

    def __init__(self, path: Path, steps: Sequence[Step] = STEPS) -> None:
        self._path = path
        self._steps = steps
        self.after_commit: Callable[[int], None] = lambda _: None
        self.around: Around = unwatched
        # As many as ever read at the same moment: threads that wait for something else keep none.
        self._idle: deque[sqlite3.Connection] = deque()
        self._opened: list[sqlite3.Connection] = []
        self._writes = GroupCommit(self._commit)
        self._writer = self._connect()
        try:
            self._writer.execute("PRAGMA busy_timeout = 0")
            self._prepare()
        except sqlite3.Error as error:
            self._writer.close()
            raise _failure(error, path) from error
        except PurveyorError:
            self._writer.close()
            raise

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of one statement, which is one snapshot."""
        with self._reader() as connection:
            rows: list[Row] = connection.execute(statement, parameters).fetchall()
        return rows

    def stream(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of one statement, one snapshot, fetched as they are wanted: on a connection of its own, since the caller may be slow."""
        with closing(self._connect()) as connection:
            yield from connection.execute(statement, parameters)

    @contextmanager
    def snapshot(self) -> "Iterator[_Snapshot]":
        """For several statements that must see the same moment; on a connection of its own, since the caller may be slow."""
        with self.aside() as connection:
            connection.execute("BEGIN")
            yield _Snapshot(connection)

    @contextmanager
    def aside(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own, for temporary tables, whose memory goes with it."""
        try:
            with closing(self._connect()) as connection:
                yield connection
        except sqlite3.Error as error:
            raise _failure(error, self._path) from error

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that is durable on return; what it raises undoes it and is raised here."""
        with self.around("database write"):
            return self._writes.write(work)

    def check(self) -> str:
        """Reads as a request does. A schema that this version does not know is not to be read further."""
        with self._reader() as connection:
            found = self._version(connection)
        missing(found, self._steps, self._name)
        if not os.access(self._path, os.W_OK):
            raise StoreFailed(f"The database {self._path} cannot be written.", "Check the permissions of the data directory.")
        return f"SQLite answers; its schema is {found.number}."

    def tidy(self) -> None:
        """Move the log into the database file, away from any writer that waits for its commit."""
        self.read("PRAGMA wal_checkpoint(PASSIVE)")

    def faults(self, *, quick: bool) -> list[str]:
        """What the database finds wrong with its own file; `quick` leaves out whether indexes agree with their tables."""
        with self.aside() as connection:
            said = [text for (text,) in connection.execute("PRAGMA quick_check" if quick else "PRAGMA integrity_check")]
        return [] if said == ["ok"] else said

    def close(self) -> None:
        for connection in (*self._opened, self._writer):
            connection.close()

    def _commit(self, jobs: Sequence[Job[Any]]) -> None:
        try:
            self._begin()
            for job in jobs:
                job.run(self._writer, (PurveyorError, sqlite3.IntegrityError))
            newest = self._writer.execute(NEWEST).fetchone()[0]
            self._writer.execute("COMMIT")
            self.after_commit(newest)
        except BaseException as error:
            with suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")
            raise (_failure(error, self._path) if isinstance(error, sqlite3.Error) else error) from error

    def _begin(self) -> None:
        """Take the write lock, looking every millisecond: SQLite's own waiting backs off to 100 and starves beside a busy process."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY_SECONDS)
            else:
                return

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
            self._opened.append(connection)
        try:
            yield connection
        except sqlite3.Error as error:
            raise _failure(error, self._path) from error
        finally:
            self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise _failure(error, self._path) from error
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            connection.close()
            raise _failure(error, self._path) from error
        return connection

    def _prepare(self) -> None:
        """Bring the schema up to date; several processes may start at once, so the version is read again inside the transaction."""
        if not missing(self._version(self._writer), self._steps, self._name):
            return
        self._begin()
        found = self._version(self._writer)
        for step in missing(found, self._steps, self._name):
            for statement in step.sql.split(";"):
                self._writer.execute(statement)
        now = reached(found, self._steps)
        self._writer.execute(KEEP)
        self._writer.execute("DELETE FROM schema_version")
        self._writer.execute("INSERT INTO schema_version VALUES (?, ?)", (now.number, now.oldest))
        self._writer.execute(f"PRAGMA user_version = {now.number}")
        self._writer.execute("COMMIT")

    @staticmethod
    def _version(connection: sqlite3.Connection) -> Version:
        """`user_version` counts the steps, since the first release; the oldest code that may still run is written beside it later."""
        number: int = connection.execute("PRAGMA user_version").fetchone()[0]
        with suppress(sqlite3.OperationalError):  # no such table yet
            kept, oldest = connection.execute("SELECT version, oldest FROM schema_version").fetchone()
            if kept == number:
                return Version(number, oldest)
        return Version(number, number)

    @property
    def _name(self) -> str:
        return f"The database {self._path}"


class _Snapshot:
    """The database at one moment."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def stream(self, statement: str, parameters: Sequence[Any] = (), /) -> Iterator[Row]:
        """The rows of one statement, fetched as they are wanted."""
        return iter(self._connection.execute(statement, parameters))


def _failure(error: sqlite3.Error, path: Path) -> PurveyorError:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL":
        return StoreFull(f"The disk that holds {path} is full.", "Free some space; nothing was changed.")
    if name.startswith("SQLITE_BUSY"):
        return StoreFailed(f"Another process has kept {path} busy for {BUSY_SECONDS:.0f} seconds.", "Try again.")
    if name in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return Misconfigured(
            f"{path} is not a usable database ({error}).",
            "Restore it from a backup, or use another data directory with --data.",
        )
    return StoreFailed(f"The database {path} failed: {error}.", "Check the disk and the permissions of the data directory.")
