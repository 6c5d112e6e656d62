"""The gate before blobs are removed, between all servers over one database: a lock that PostgreSQL keeps for a session."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from purveyor.adapters.postgres_connections import Impatient, connect, failure
from purveyor.errors import StoreFailed

_LOCK = 0x70757276_00000003
# How long uploads wait for whoever removes blobs, and the other way round.
_UPLOADS_PATIENCE = 30
_PATIENCE = 10.0
_RETRY_SECONDS = 0.02


class PostgresGate:
    """Each who passes has a session of its own: whoever dies lets go, and nobody else with them.

    A database that goes away takes the lock with it, and the commit that the lock was for as well.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def together(self) -> Iterator[None]:
        with closing(self._session()) as session:
            try:
                session.execute(b"SELECT pg_advisory_lock_shared(%s)", (_LOCK,))
            except psycopg.errors.LockNotAvailable as error:
                raise StoreFailed("Files that nobody needs are being removed, and it takes long.", "Try again.") from error
            except psycopg.Error as error:
                raise failure(error, self._url) from error
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        with closing(self._session()) as session:
            self._take_alone(session)
            yield

    def _take_alone(self, session: Impatient) -> None:
        deadline = time.monotonic() + _PATIENCE
        try:
            while session.execute(b"SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() != (True,):
                if time.monotonic() > deadline:
                    raise StoreFailed("Large uploads follow each other without a pause.", "Try again when there are fewer.")
                time.sleep(_RETRY_SECONDS)
        except psycopg.Error as error:
            raise failure(error, self._url) from error

    def _session(self) -> Impatient:
        try:
            session = connect(self._url)
            session.patience = _UPLOADS_PATIENCE + 5.0
            session.execute(f"SET lock_timeout = '{_UPLOADS_PATIENCE}s'; SET idle_session_timeout = 0".encode())
        except psycopg.Error as error:
            raise failure(error, self._url) from error
        return session
