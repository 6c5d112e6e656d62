"""Wheels of upstreams, fetched before anybody asks for them: who asks for the metadata of one mostly wants the wheel next."""

import logging
import threading
import time
from collections.abc import Callable

from purveyor.errors import PurveyorError
from purveyor.model.names import NormalizedName
from purveyor.serving.bodies import Growing
from purveyor.serving.pulling import Wanted
from purveyor.serving.waiters import Waiters

log = logging.getLogger("purveyor")

_LOOK_AGAIN = 0.02
# More are not remembered: a server that is asked for so much has better things to do.
_EXPECTED = 1000


class Ahead:
    """One wheel of at most `limit` bytes after the other, while `is_busy` is false. Whoever asks for one is told what is wrong with it."""

    def __init__(
        self, fetch: Callable[[Wanted], Growing], is_here: Callable[[Wanted], bool], is_busy: Callable[[], bool], *, limit: int
    ) -> None:
        self._limit = limit
        self._fetch = fetch
        self._is_here = is_here
        self._is_busy = is_busy
        self._expected: dict[NormalizedName, Wanted] = {}
        self._turn = threading.Lock()
        self._thread = Waiters(1, "ahead")
        self._under_way = self._closed = False

    def expect(self, wheel: Wanted) -> None:
        """Of several wheels of a project the last counts: a resolver that looks at another version has done with the one before."""
        if wheel.stays_there or not 0 < wheel.size <= self._limit:
            return
        with self._turn:
            if self._closed:
                return
            self._expected.pop(wheel.project, None)
            self._expected[wheel.project] = wheel
            if len(self._expected) > _EXPECTED:
                del self._expected[next(iter(self._expected))]
            if not self._under_way:
                self._under_way = True
                self._thread.submit(self._fetch_all)

    def close(self) -> None:
        with self._turn:
            self._closed = True
        self._thread.shutdown(cancel_futures=True)

    def _fetch_all(self) -> None:
        while (wheel := self._next()) is not None:
            try:
                if not self._is_here(wheel):
                    self._fetch(wheel).wait()
            except PurveyorError as error:
                log.info("%s is not fetched ahead: %s", wheel.name, error.detail)
            except Exception:
                log.exception("internal error on %s", wheel.name)

    def _next(self) -> Wanted | None:
        while self._is_busy() and not self._closed:
            time.sleep(_LOOK_AGAIN)
        with self._turn:
            if self._closed or not self._expected:
                self._under_way = False
                return None
            return self._expected.pop(next(iter(self._expected)))
