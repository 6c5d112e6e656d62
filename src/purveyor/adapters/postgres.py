"""PostgreSQL for a catalog that many servers share.

Serials are taken in the order of commits, without gaps, because every transaction that writes takes one lock first and keeps it until its
commit can be seen. A plain sequence does not give that: of two numbers the greater may be committed, and seen, before the smaller.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from itertools import count
from typing import Any, TypeVar

import psycopg

from purveyor.adapters.group_commit import GroupCommit, Job
from purveyor.adapters.postgres_connections import Impatient, Pool, Silent, failure, is_lost
from purveyor.adapters.postgres_schema import bring_up_to_date
from purveyor.adapters.schema import STEPS, Step, Version, missing
from purveyor.adapters.sql import NEWEST, Connection, Cursor, Row
from purveyor.errors import PurveyorError, StoreFailed
from purveyor.formats.database_url import shown
from purveyor.interfaces import Around, unwatched

T = TypeVar("T")

CHANNEL = "purveyor"
"""Where every commit that the journal tells of is announced, with its serial."""
# "purv", and what of it.
_WRITE_LOCK = 0x70757276_00000001
_BEGIN = b"BEGIN; SELECT pg_advisory_xact_lock(%d)" % _WRITE_LOCK
_ANNOUNCE = b"SELECT pg_notify('%s', %%s)" % CHANNEL.encode()
_AT_ONCE = 2000
_NUMBERS = count()
# Before the first row everything may have to be sorted.
_STREAM_PATIENCE = 300.0


class PostgresDatabase:
    """The database at `url`, with up to `readers` connections that read and one that writes. It may go away and come back."""

    def __init__(self, url: str, readers: int = 8, steps: Sequence[Step] = STEPS) -> None:
        self._url = url
        self._steps = steps
        self._pool = Pool(url, readers)
        self._writer: Impatient | None = None
        self._told = 0
        self._writes = GroupCommit(self._commit)
        self.after_commit: Callable[[int], None] = lambda _: None
        self.around: Around = unwatched
        try:
            with closing(self._pool.open()) as connection:
                bring_up_to_date(connection, steps, url)
        except psycopg.Error as error:
            raise failure(error, url) from error

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of one statement, which is one snapshot; asked once more if the server was away since the last time."""
        try:
            try:
                return self._rows(statement, parameters, fresh=False)
            except psycopg.OperationalError as error:
                if not is_lost(error) or isinstance(error, Silent):
                    raise
                return self._rows(statement, parameters, fresh=True)
        except psycopg.Error as error:
            raise failure(error, self._url) from error

    def _rows(self, statement: str, parameters: Sequence[Any], *, fresh: bool) -> list[Row]:
        with self._pool.connection(fresh=fresh) as connection:
            return connection.execute(_translated(statement), parameters).fetchall()

    def stream(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of one statement, one snapshot, fetched as they are wanted: on a connection of its own, since the caller may be slow."""
        try:
            with closing(self._pool.open()) as connection:
                connection.patience = _STREAM_PATIENCE
                connection.execute(b"SET idle_in_transaction_session_timeout = 0")
                with connection.transaction(), connection.cursor("rows") as cursor:
                    cursor.itersize = _AT_ONCE
                    cursor.execute(_translated(statement), parameters)
                    yield from cursor
        except psycopg.Error as error:
            raise failure(error, self._url) from error

    @contextmanager
    def snapshot(self) -> "Iterator[_Snapshot]":
        """For several statements that must see the same moment; on a connection of its own, since the caller may be slow."""
        try:
            with closing(self._pool.open()) as connection:
                connection.patience = _STREAM_PATIENCE
                connection.execute(b"SET idle_in_transaction_session_timeout = 0")
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                with connection.transaction():
                    yield _Snapshot(connection)
        except psycopg.Error as error:
            raise failure(error, self._url) from error

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that is durable on return; what it raises undoes it and is raised here."""
        with self.around("database write"):
            return self._writes.write(work)

    def gauges(self) -> Mapping[str, float]:
        return self._pool.gauges()

    def lost(self, error: psycopg.Error) -> None:
        """Somebody else has seen that the server is away: who asks next need not find out by waiting."""
        self._pool.gone(error)

    def tidy(self) -> None:
        """PostgreSQL does so by itself."""

    def faults(self, *, quick: bool) -> list[str]:  # noqa: ARG002 - asked of every database
        """None that a client may ask for: `pg_amcheck` looks for them, on the server."""
        return []

    def check(self) -> str:
        """Whether it answers, and takes writes: a standby does only the former."""
        version, standby = self.read("SELECT current_setting('server_version'), pg_is_in_recovery()")[0]
        if standby:
            raise StoreFailed("The database takes no writes: it is a standby.", "Name the primary in PURVEYOR_DATABASE.")
        found = Version(*self.read("SELECT version, oldest FROM schema_version")[0])
        missing(found, self._steps, f"The database {shown(self._url)}")
        return f"PostgreSQL {version} answers; its schema is {found.number}."

    def close(self) -> None:
        self._pool.close()
        if self._writer is not None:
            self._writer.close()

    def _commit(self, jobs: Sequence[Job[Any]]) -> None:
        try:
            writer = self._begin()
            try:
                newest = self._work(writer, jobs)
                self._make_durable(writer)
            except BaseException:
                with suppress(psycopg.Error):
                    writer.rollback()
                raise
        except psycopg.Error as error:
            if isinstance(error, Silent):
                self._pool.gone(error)
            raise failure(error, self._url) from error
        self._told = newest
        self.after_commit(newest)

    def _work(self, writer: Impatient, jobs: Sequence[Job[Any]]) -> int:
        """Run each job, and announce the newest serial; both come true with the commit."""
        connection = _Translating(writer)
        for job in jobs:
            job.run(connection, (PurveyorError, psycopg.IntegrityError, psycopg.DataError))
            if isinstance(job.error, psycopg.Error):
                job.error = failure(job.error, self._url)
        newest: int = connection.execute(NEWEST).fetchone()[0]
        if newest != self._told:
            writer.execute(_ANNOUNCE, (str(newest),))
        return newest

    def _make_durable(self, writer: Impatient) -> None:
        try:
            writer.execute(b"COMMIT")
        except psycopg.OperationalError as error:
            # The server may have done it, and its word was lost on the way. Whoever tries again finds it there, or does it then.
            raise StoreFailed(
                f"{failure(error, self._url).detail} Whether this change was made is not known.", "Try again: nothing is done twice."
            ) from error

    def _begin(self) -> Impatient:
        """A transaction with the lock. A connection that broke since the last one is replaced."""
        if self._writer is not None and not self._writer.closed:
            try:
                self._writer.execute(_BEGIN)
            except psycopg.Error as error:
                self._undo(self._writer)
                if not is_lost(error) or isinstance(error, Silent):
                    raise
            else:
                return self._writer
        self._writer = writer = self._pool.open()
        try:
            writer.execute(_BEGIN)
        except psycopg.Error:
            self._undo(writer)
            raise
        return writer

    @staticmethod
    def _undo(writer: Impatient) -> None:
        with suppress(psycopg.Error):
            writer.rollback()


class _Snapshot:
    """The database at one moment: a transaction that sees nothing of what others commit later."""

    def __init__(self, connection: Impatient) -> None:
        self._connection = connection

    def stream(self, statement: str, parameters: Sequence[Any] = (), /) -> Iterator[Row]:
        """The rows of one statement, fetched as they are wanted."""
        with self._connection.cursor(f"rows_{next(_NUMBERS)}") as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(_translated(statement), parameters)
            yield from cursor


class _Translating:
    """The connection of a transaction, for statements in the common subset."""

    def __init__(self, connection: Impatient) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Cursor:
        return self._connection.execute(_translated(statement), parameters)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(_translated(statement), rows)


@lru_cache(maxsize=512)
def _translated(statement: str) -> bytes:
    """Of the statements, none has either character otherwise."""
    return statement.replace("?", "%s").encode()
