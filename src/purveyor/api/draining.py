"""Between the word to end and the end: what is under way is finished, and nobody is kept."""

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class Draining:
    """Whether this process is about to end. `begin` is told to whoever asked for it, once, on the event loop."""

    def __init__(self) -> None:
        self.under_way = False
        self._listeners: list[Callable[[], None]] = []

    def tell(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def begin(self) -> None:
        for listener in self._listeners:
            listener()

    def hear_first(self, delay: float, loop: asyncio.AbstractEventLoop) -> None:
        """Hear SIGTERM before the server around us does, which closes its port on it; the server hears of it `delay` seconds later.

        A balancer needs that time to notice that this server is not ready any more. A second SIGTERM is handed on at once.
        """
        server = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread() or not callable(server):
            return

        def hand_on(number: int, frame: FrameType | None) -> Any:
            if self.under_way or not delay:
                loop.call_soon_threadsafe(self.begin)
                server(number, frame)
            else:
                loop.call_soon_threadsafe(self._begin_and_wait, delay, lambda: server(number, frame))
            self.under_way = True

        signal.signal(signal.SIGTERM, hand_on)

    def _begin_and_wait(self, delay: float, end: Callable[[], object]) -> None:
        self.begin()
        asyncio.get_running_loop().call_later(delay, end)
