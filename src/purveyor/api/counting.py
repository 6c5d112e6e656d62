"""How much the indexes of this server hold, without asking of the database more than it can bear."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

from msgspec import Struct

from purveyor.interfaces import Catalog, Counts

# Whoever asks is told after so many seconds what was known before.
_PATIENCE = 1.0
# From so many files on counting is a burden: it is not repeated before a hundred times as long has passed as it took.
_MANY = 100_000
_REST = 100


class _Count(Struct, frozen=True):
    """What there is, at least since the change with this serial."""

    serial: int
    counts: Counts


class Counted:
    """The catalog's counts. It reads all rows for them, a sixth of a second for a million: only after a change, apart, and once however
    many ask.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._held: _Count | None = None
        self._rest_until = 0.0
        self._apart = ThreadPoolExecutor(1, thread_name_prefix="count")
        self._counting: Future[None] | None = None
        self._turn = threading.Lock()

    def now(self) -> Counts | None:
        """As they are; of a large index, as they were some time ago; None if they were not counted yet."""
        serial, end = self._catalog.serial(), time.monotonic() + _PATIENCE
        while (counting := self._due(serial)) is not None and (left := end - time.monotonic()) > 0:
            if wait([counting], left).done:
                counting.result()
        return self._held.counts if self._held is not None else None

    def _due(self, serial: int) -> "Future[None] | None":
        """The count that is to be waited for, if any."""
        with self._turn:
            if self._held is not None and (self._held.serial >= serial or time.monotonic() < self._rest_until):
                return None
            if self._counting is None or self._counting.done():
                self._counting = self._apart.submit(self._count)
            return self._counting

    def _count(self) -> None:
        began = time.monotonic()
        serial = self._catalog.serial()
        held = _Count(serial, self._catalog.counts())
        ended = time.monotonic()
        with self._turn:
            self._held = held
            self._rest_until = ended + _REST * (ended - began) if held.counts.files >= _MANY else 0.0
