"""What will probably be asked for next, before anybody does: a wheel whose metadata somebody asked for, and pages of what it needs."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from purveyor.errors import PurveyorError
from purveyor.model.files import Kind
from purveyor.model.indexes import IndexName
from purveyor.model.names import NormalizedName
from purveyor.serving.bodies import Body, Growing, length, part, pieces
from purveyor.serving.pages import PageKey
from purveyor.serving.pulling import WHEEL_END, Wanted
from purveyor.serving.waiters import Waiters

log = logging.getLogger("purveyor")

_LOOK_AGAIN = 0.01
# More are not remembered: a server that is asked for so much has better things to do.
_EXPECTED = 1000
# Nor does one wheel need more in earnest.
_DEPENDENCIES = 100


class Ahead:
    """One after the other, while `is_busy` is false: first pages, then wheels of at most `limit` bytes. With a limit of 0, nothing.

    `look` makes a page, if an upstream has to be asked for it. Whoever asks for one of these is told what is wrong with it.
    """

    def __init__(
        self,
        fetch: Callable[[Wanted], Growing],
        is_here: Callable[[Wanted], bool],
        look: Callable[[PageKey], None],
        is_busy: Callable[[], bool],
        *,
        limit: int,
    ) -> None:
        self._limit = limit
        self._fetch = fetch
        self._is_here = is_here
        self._look = look
        self._is_busy = is_busy
        self._form: PageKey | None = None
        self._arrived: deque[tuple[IndexName, str]] = deque(maxlen=_EXPECTED)
        self._pages: dict[PageKey, None] = {}
        self._wheels: dict[NormalizedName, Wanted] = {}
        self._turn = threading.Lock()
        self._thread = Waiters(1, "ahead")
        self._under_way = self._closed = False

    def expect_wheel(self, wheel: Wanted) -> None:
        """Of several wheels of a project the last counts: a resolver that looks at another version has done with the one before."""
        if wheel.stays_there or not 0 < wheel.size <= self._limit:
            return
        with self._turn:
            self._wheels.pop(wheel.project, None)
            self._wheels[wheel.project] = wheel
            if len(self._wheels) > _EXPECTED:
                del self._wheels[next(iter(self._wheels))]
            self._begin()

    def asked_for(self, page: PageKey) -> None:
        """The next pages will probably be wanted in the same form."""
        self._form = page

    def arrived(self, wanted: Wanted, content: Body) -> None:
        """Pages of what it needs are wanted next where it is offered, if it is a wheel or the metadata of one."""
        form, key = self._form, (wanted.index, wanted.file.sha256)
        if not self._limit or form is None or wanted.file.kind is not Kind.WHEEL or key in self._arrived:
            return
        self._arrived.append(key)
        names = _dependencies(content, is_metadata=wanted.metadata)[:_DEPENDENCIES]
        with self._turn:
            for name in names:
                if len(self._pages) < _EXPECTED:
                    self._pages[replace(form, index=wanted.index, project=name)] = None
            if names:
                self._begin()

    def close(self) -> None:
        with self._turn:
            self._closed = True
        self._thread.shutdown(cancel_futures=True)

    def _begin(self) -> None:
        if not self._under_way and not self._closed:
            self._under_way = True
            self._thread.submit(self._do_all)

    def _do_all(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except PurveyorError as error:
                log.info("not fetched ahead: %s", error.detail)
            except Exception:
                log.exception("internal error on fetching ahead")

    def _next(self) -> Callable[[], None] | None:
        while self._is_busy() and not self._closed:
            time.sleep(_LOOK_AGAIN)
        with self._turn:
            if not self._closed:
                if self._pages:
                    del self._pages[page := next(iter(self._pages))]
                    return partial(self._look, page)
                if self._wheels:
                    return partial(self._bring, self._wheels.pop(next(iter(self._wheels))))
            self._under_way = False
            return None

    def _bring(self, wheel: Wanted) -> None:
        if not self._is_here(wheel):
            self._fetch(wheel).wait()


def _dependencies(content: Body, *, is_metadata: bool) -> list[NormalizedName]:
    """Of a wheel those that its end tells, where its metadata nearly always is."""
    from purveyor.formats.core_metadata import certain_dependencies  # noqa: PLC0415 - a server that never pulls does without it
    from purveyor.formats.wheel_parts import WheelParts  # noqa: PLC0415 - likewise

    if is_metadata:
        return certain_dependencies(b"".join(pieces(content)))
    size = min(length(content), WHEEL_END)
    end = b"".join(pieces(part(content, length(content) - size, size)))
    metadata = WheelParts(length(content), end).metadata()
    return certain_dependencies(metadata) if isinstance(metadata, bytes) else []
