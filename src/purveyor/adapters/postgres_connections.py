"""Connections to PostgreSQL that never wait for ever, and a small pool of them.

A server that was stopped or cut off says nothing at all, and the kernel at its end may even acknowledge what we send. So each wait has an
end on this side; the limits that PostgreSQL itself is given are for what goes wrong while it is well.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.abc import PQGen

from purveyor.errors import Conflict, Misconfigured, PurveyorError, Refused, StoreFailed, StoreFull
from purveyor.formats.database_url import shown

RV = TypeVar("RV")

# How long a writer waits for the others, and everybody for a connection, before it gives up with a sentence.
LOCK_SECONDS = 5
CONNECT_SECONDS = 4
# How long the server may say nothing in the middle of a statement: longer than it waits for a lock.
SILENCE = 8.0
# After a failure to connect, nobody tries again for so long: whoever asks is told at once.
_REST = 0.5

Silent = errors._WaitTimeout  # noqa: SLF001 - the only name it has; tests stop a server to see that this is right

_SESSION = b"; ".join(
    (
        b"SET lock_timeout = '%ds'" % LOCK_SECONDS,
        # A process that was stopped in the middle of a transaction keeps no lock for longer than this.
        b"SET idle_in_transaction_session_timeout = '10s'",
        # What was acknowledged survives a power cut, whatever the server's own setting; a stricter one stays.
        b"SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    )
)


class Impatient(psycopg.Connection[tuple[Any, ...]]):
    """A connection on which no wait is longer than `patience` seconds; after one that was, it is closed."""

    patience = SILENCE

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except Silent:
            if timeout is None:
                self.pgconn.finish()
            raise


def connect(url: str) -> Impatient:
    """Raises psycopg.Error."""
    connection = Impatient.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS, **_usual(url))
    try:
        connection.execute(_SESSION)
    except BaseException:
        connection.close()
        raise
    return connection


def _usual(url: str) -> dict[str, Any]:
    """What the URL may say otherwise: who is asking, and that a lost network is noticed."""
    usual = {"application_name": "purveyor", "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    return {name: value for name, value in usual.items() if f"{name}=" not in url} | {"tcp_user_timeout": int(SILENCE * 1000)}


class Pool:
    """Up to `size` connections, opened when they are needed. A broken one is not given out again.

    While the server is away, one caller at a time looks whether it has come back; all others are told at once that it is not there.
    """

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._size = size
        self._places = threading.BoundedSemaphore(size)
        self._idle: list[Impatient] = []
        self._busy: set[Impatient] = set()
        self._closed = False
        self._looking = threading.Lock()
        self._look_again = 0.0
        self._failure: psycopg.Error | None = None

    @contextmanager
    def connection(self, *, fresh: bool = False) -> Iterator[Impatient]:
        """With `fresh`, one that was just opened. Raises psycopg.Error, and `StoreFailed` when none is free for too long."""
        if not self._places.acquire(timeout=LOCK_SECONDS):
            raise StoreFailed(f"All {self._size} connections to the database have been in use for {LOCK_SECONDS} seconds.", "Try again.")
        try:
            connection = self._taken(fresh=fresh)
            self._busy.add(connection)
            try:
                yield connection
            except Silent as error:
                self.gone(error)
                raise
            finally:
                self._busy.discard(connection)
                self._put_back(connection)
        finally:
            self._places.release()

    def gauges(self) -> Mapping[str, float]:
        return {"connections_busy": len(self._busy), "connections_idle": len(self._idle), "connections_limit": self._size}

    def open(self) -> Impatient:
        """A connection for the caller alone, who closes it."""
        failure = self._failure
        if failure is None:
            return self._opened()
        if time.monotonic() < self._look_again or not self._looking.acquire(blocking=False):
            raise psycopg.OperationalError(str(failure))
        try:
            return self._opened()
        finally:
            self._looking.release()

    def close(self) -> None:
        self._closed = True
        self._forget()

    def _opened(self) -> Impatient:
        try:
            connection = connect(self._url)
        except psycopg.Error as error:
            self.gone(error)
            raise
        self._failure = None
        return connection

    def gone(self, error: psycopg.Error) -> None:
        """Somebody has seen that the server is away."""
        self._failure, self._look_again = error, time.monotonic() + _REST
        self._forget()

    def _taken(self, *, fresh: bool) -> Impatient:
        if fresh:
            self._forget()  # one is broken because the server was away, and the others with it
        while self._idle:
            with suppress(IndexError):
                connection = self._idle.pop()
                if not connection.closed:
                    return connection
        return self.open()

    def _put_back(self, connection: Impatient) -> None:
        if self._closed or connection.closed or connection.pgconn.transaction_status:
            connection.close()
        else:
            self._idle.append(connection)

    def _forget(self) -> None:
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection failed, not the statement."""
    statement = errors.LockNotAvailable | errors.QueryCanceled
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and not isinstance(error, statement)


def failure(error: psycopg.Error, url: str) -> PurveyorError:
    """What it means for whoever asked."""
    where, said = f"The database {shown(url)}", " ".join(str(error).split())
    if isinstance(error, errors.DiskFull):
        return StoreFull(f"{where} has no room left.", "Free some space; nothing was changed.")
    if isinstance(error, errors.LockNotAvailable):
        return StoreFailed(f"Another server has kept {where[0].lower()}{where[1:]} busy for {LOCK_SECONDS} seconds.", "Try again.")
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
        return _refused(error, said)
    if isinstance(error, errors.InvalidPassword | errors.InvalidAuthorizationSpecification | errors.InvalidCatalogName):
        return Misconfigured(f"{where} does not let us in: {said}.", "Check PURVEYOR_DATABASE, and the password in it or in a pgpass file.")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return StoreFailed(f"{where} does not answer: {said}.", "Try again; nothing was changed.")
    return StoreFailed(f"{where} failed: {said}.", "Nothing was changed; its log may say more.")


def _refused(error: psycopg.Error, said: str) -> PurveyorError:
    if isinstance(error, psycopg.DataError):
        return Refused(f"The database cannot keep this text: {said}.", "Leave such characters out.")
    return Conflict(f"The database already has, or does not have, what this depends on: {said}.", "Look at it again.")
