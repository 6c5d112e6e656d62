"""What the newest serial is, asked on the event loop: many times a second, so without a thread and with one message each way.

The same connection hears what writers announce. What it uses of psycopg is its wrapper around libpq, which is documented and public.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
from psycopg.pq import ExecStatus

from purveyor.adapters.postgres import CHANNEL
from purveyor.adapters.postgres_connections import Impatient, connect
from purveyor.adapters.sql import NEWEST

_NAME = b"newest"
# A server that is well answers within a millisecond. One that says nothing for so long is taken to be away.
_SILENCE = 2.0
_LOOK = 0.25
_RETRY = 0.5


class PostgresNewest:
    """The answers of one database, for as long as it is there; it connects again by itself. `lost` is told when it goes away."""

    def __init__(self, url: str, lost: Callable[[psycopg.Error], None]) -> None:
        self._url = url
        self._lost = lost
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="newest")
        self._connection: Impatient | None = None
        self._socket = -1
        self._asked_at: float | None = None
        self._value: int | None = None
        self._stopped = False
        self._loop: asyncio.AbstractEventLoop
        self._answered: Callable[[int | None], None]
        self._announced: Callable[[int], None]

    def start(self, answered: Callable[[int | None], None], announced: Callable[[int], None]) -> None:
        """Connect, and ask for the first time."""
        self._loop = asyncio.get_running_loop()
        self._answered, self._announced = answered, announced
        self._connect()
        self._loop.call_later(_LOOK, self._look)

    def ask(self) -> None:
        """The answer is of a moment after this call. While there is no connection, it comes with the next one."""
        if self._connection is None or self._asked_at is not None:
            return
        self._asked_at = self._loop.time()
        try:
            self._connection.pgconn.send_query_prepared(_NAME, None)
            self._connection.pgconn.flush()
        except psycopg.Error as error:
            self._lose(error)

    def stop(self) -> None:
        self._stopped = True
        self._let_go()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _connect(self) -> None:
        if not self._stopped:
            self._threads.submit(_connected, self._url).add_done_callback(self._hand_over)

    def _hand_over(self, connecting: Future[Impatient]) -> None:
        """Called in the thread that connected."""
        if connecting.cancelled():
            return
        try:
            self._loop.call_soon_threadsafe(self._take, connecting)
        except RuntimeError:  # the loop has ended meanwhile
            if connecting.exception() is None:
                connecting.result().close()

    def _take(self, connecting: Future[Impatient]) -> None:
        if connecting.exception() is not None:
            self._answered(None)
            self._loop.call_later(_RETRY, self._connect)
            return
        self._connection = connecting.result()
        if self._stopped:
            self._let_go()
            return
        self._socket = self._connection.pgconn.socket  # a broken connection does not say any more
        self._loop.add_reader(self._socket, self._read)
        self.ask()

    def _read(self) -> None:
        assert self._connection is not None
        link = self._connection.pgconn
        try:
            link.consume_input()
            while (notice := link.notifies()) is not None:
                self._announced(int(notice.extra))
            if self._asked_at is not None and self._take_result():
                self._asked_at = None
                self._answered(self._value)
        except psycopg.Error as error:
            self._lose(error)

    def _take_result(self) -> bool:
        """Whether the answer has arrived whole."""
        assert self._connection is not None
        link = self._connection.pgconn
        while not link.is_busy():
            result = link.get_result()
            if result is None:
                return True
            if result.status != ExecStatus.TUPLES_OK:
                raise psycopg.OperationalError("the newest serial cannot be read")
            self._value = int(result.get_value(0, 0) or b"")
        return False

    def _look(self) -> None:
        """Now and then, whether an answer is overdue, and whether a writer died between its commit and its announcement."""
        if self._stopped:
            return
        if self._asked_at is not None and self._loop.time() - self._asked_at > _SILENCE:
            self._lose(psycopg.OperationalError("it says nothing any more"))
        self._loop.call_later(_LOOK, self._look)

    def _lose(self, error: psycopg.Error) -> None:
        self._let_go()
        self._lost(error)
        self._answered(None)
        self._loop.call_later(_RETRY, self._connect)

    def _let_go(self) -> None:
        connection, self._connection, self._asked_at = self._connection, None, None
        if connection is not None:
            self._loop.remove_reader(self._socket)
            connection.close()


def _connected(url: str) -> Impatient:
    connection = connect(url)
    try:
        connection.patience = _SILENCE
        connection.execute(b"LISTEN " + CHANNEL.encode())
        connection.pgconn.prepare(_NAME, NEWEST.encode())
        connection.pgconn.nonblocking = 1
    except BaseException:
        connection.close()
        raise
    return connection
