"""Following the journal: whoever holds something derived from the catalog is told what no longer stands."""

import threading
import time
from collections.abc import Callable

from purveyor.interfaces import Catalog, ChangeSignal
from purveyor.model.journal import Changes


class Follower:
    """Knows up to which change everything held is right.

    The rule that keeps a held answer from being stale: read `signal` before asking the catalog, and hold the result only if, under
    `turn`, the signal still stands where it did. A change after that moves the signal, and `catch_up` drops what it touched.

    The catalog may be ahead of the signal, by commits whose notice is on its way. So `catch_up` asks for what came after the notice it saw
    last, not after the commit: what was held in between is dropped once the notice is there.
    """

    def __init__(self, catalog: Catalog, signal: ChangeSignal) -> None:
        self._catalog = catalog
        self._signal = signal
        self.cells = signal.cells
        self.turn = threading.Lock()
        self._following = threading.Lock()
        self.seen = signal.read()
        self.away: float | None = None
        """Since when, as `time.monotonic` counts, the catalog cannot be asked; then what is held stands as it is."""
        self._listeners: list[Callable[[Changes], None]] = []

    def tell(self, listener: Callable[[Changes], None]) -> None:
        self._listeners.append(listener)

    def is_current(self) -> bool:
        return self.cells[0] == self.seen or self.away is not None

    def excuse(self) -> str:
        """For how many seconds, and why, what is held may not be right any more; empty if it is right."""
        return "" if self.away is None else f"{time.monotonic() - self.away:.0f}; the database does not answer"

    def catch_up(self) -> None:
        """Drop what has changed since the last look; after this, what is held is what any acknowledged change left."""
        with self._following:
            seen = self._signal.read()
            changes = self._catalog.changes_since(self.seen)  # outside of `turn`, for which the event loop waits
            with self.turn:
                for listener in self._listeners:
                    listener(changes)
                self.seen = seen

    def hear(self, serial: int) -> None:
        """Somebody has committed this serial."""
        if serial > self.cells[0]:
            self._signal.raise_to(serial)

    def leave(self) -> None:
        self.away = time.monotonic()

    def come_back(self) -> None:
        self.away = None

    def listen_for_the_dead(self) -> None:
        """Raise the signal for a writer that died between its commit and its notice; called now and then."""
        self._signal.raise_to(self._catalog.serial())

    def mark(self) -> int:
        return self._signal.read()
