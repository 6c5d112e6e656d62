"""How new answers are where other servers write to the same catalog.

With `exact`, a request is answered once the database has said, after the request arrived, what its newest serial is, and once this process
has followed the journal up to there. So whoever has seen a change at one server sees it at every other. Requests that arrive while a
question is under way share the next one: the busier a server is, the less a request costs.

Without, this process follows what the writers announce, and looks for itself now and then.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from purveyor.errors import PurveyorError
from purveyor.interfaces import Newest
from purveyor.serving.following import Follower

log = logging.getLogger("purveyor")

_POLL = 0.5
# A server starts without a database that says nothing, and says so to whoever asks.
_FIRST = 3.0

Then = Callable[[], None]


class Freshness:
    """Everything here happens on the event loop, but for reading the journal. While the database is away, nobody waits for it."""

    def __init__(self, newest: Newest, follower: Follower, *, exact: bool) -> None:
        self.exact = exact
        self._newest = newest
        self._follower = follower
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._arrived: list[Then] = []
        self._asked: list[Then] = []
        self._under_way = True  # the question that is asked on connecting
        self._stopped = False
        self._tell: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop

    def tell(self, changed: Callable[[], None]) -> None:
        """Called when the database goes away, and when it has come back."""
        self._tell = changed

    async def start(self) -> None:
        """Back when the first question was answered, or will not be for now."""
        self._loop = asyncio.get_running_loop()
        first = self._loop.create_future()
        self._asked.append(lambda: None if first.done() else first.set_result(None))
        self._newest.start(self._answered, self._announced)
        self._loop.call_later(_POLL, self._poll)
        await asyncio.wait([first], timeout=_FIRST)

    def stop(self) -> None:
        self._stopped = True
        self._newest.stop()
        self._release()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def when_current(self, then: Then) -> None:
        """Call `then` once what is held is at least as new as the database is now; at once, if it cannot be asked."""
        if self._follower.away is not None or self._stopped:
            then()
            return
        if not self._arrived and not self._under_way:
            self._loop.call_soon(self._ask)  # what arrives in this turn of the loop shares the question
        self._arrived.append(then)

    async def current(self) -> None:
        """As `when_current`."""
        reached = self._loop.create_future()
        self.when_current(lambda: None if reached.done() else reached.set_result(None))
        await reached

    def _ask(self) -> None:
        if not self._under_way and not self._stopped:
            self._under_way = True
            self._asked, self._arrived = self._arrived, []
            self._newest.ask()

    def _poll(self) -> None:
        if not self._stopped:
            self._ask()
            self._loop.call_later(_POLL, self._poll)

    def _announced(self, serial: int) -> None:
        """A writer's word, unasked: in exact mode it spares the next request the journal."""
        self._follower.hear(serial)
        if self._follower.cells[0] != self._follower.seen and not self._stopped:
            self._thread.submit(self._catch_up)

    def _answered(self, serial: int | None) -> None:
        if serial is None:
            self._lost()
            return
        self._follower.hear(serial)
        if self._follower.cells[0] == self._follower.seen:
            self._done()
        elif not self._stopped:
            self._thread.submit(self._follow)

    def _follow(self) -> None:
        """In the thread of its own."""
        then = self._lost
        try:
            if self._catch_up():
                then = self._done
        except Exception:
            log.exception("internal error while the journal was followed")
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(then)

    def _catch_up(self) -> bool:
        try:
            if self._follower.cells[0] != self._follower.seen:
                self._follower.catch_up()
        except PurveyorError as error:
            log.error("%s", error)  # noqa: TRY400 - the sentence says it all
            return False
        return True

    def _done(self) -> None:
        if self._follower.away is not None:
            log.warning("the database answers again")
            self._follower.come_back()
            self._tell()
        asked, self._asked, self._under_way = self._asked, [], False
        _call(asked)
        if self._arrived:
            self._ask()

    def _lost(self) -> None:
        """From now on what is held is answered, and the rest refused, until the database answers a question."""
        if self._follower.away is None and not self._stopped:
            log.error("the database does not answer; what is held is served as it was")
            self._follower.leave()
            self._tell()
        self._under_way = False
        self._release()

    def _release(self) -> None:
        waiting, self._asked, self._arrived = [*self._asked, *self._arrived], [], []
        _call(waiting)


def _call(waiting: list[Then]) -> None:
    """Each of them, whatever becomes of the others."""
    for then in waiting:
        try:
            then()
        except Exception:
            log.exception("internal error on going on with a request")
