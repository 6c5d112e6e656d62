"""All open connections of a process, and the second hand that keeps them honest: no slow heads, no trickling bodies, no idle sockets."""

import asyncio
from email.utils import formatdate
from typing import Protocol

from purveyor.api.draining import Draining
from purveyor.api.lane import Lane


class Connection(Protocol):
    def tick(self) -> None:
        """One second has passed."""
        ...

    def retire(self) -> None:
        """Close after the next answer, and say so with it."""
        ...


class Connections:
    """One timer for all, because arming one for each request costs more than answering it."""

    def __init__(self, lane: Lane | None, header_timeout: int, idle_timeout: int, draining: Draining) -> None:
        self.lane = lane
        self.header_timeout = header_timeout
        self.idle_timeout = idle_timeout
        self.draining = draining
        self.members: set[Connection] = set()
        self.refresh()
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(1.0, self._tick, loop)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def refresh(self) -> None:
        """What this second's answers say; those that are held say more while the catalog cannot be asked."""
        self.date = self.held_lines = _date_line()
        if self.lane is not None and (excuse := self.lane.follower.excuse()):
            self.held_lines += f"x-purveyor-stale: {excuse}\r\n".encode()

    def retire(self) -> None:
        for connection in list(self.members):
            connection.retire()

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self.start(loop)
        self.refresh()
        if self.lane is not None:
            self.lane.tick()
        for connection in list(self.members):
            connection.tick()


def _date_line() -> bytes:
    return f"date: {formatdate(usegmt=True)}\r\n".encode()
