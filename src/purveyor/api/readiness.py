"""Whether requests should come here: everything that the server stands on, asked at most once a second, with an answer in bounded time."""

import asyncio
import time
from collections.abc import Collection, Iterator
from threading import Thread

from msgspec import Struct

from purveyor.api.draining import Draining
from purveyor.errors import PurveyorError
from purveyor.interfaces import Check, Checks

FRESH = 1.0
"""Seconds for which a finding is not asked for again."""
PATIENCE = 1.5
"""Seconds after which a check that has not answered has failed."""


class Finding(Struct, frozen=True):
    name: str
    ok: bool
    detail: str
    seconds: float = 0.0


class _Watched:
    """One check. It has a thread while it runs, and only one: a database that hangs for an hour costs no more than that."""

    def __init__(self, name: str, check: Check) -> None:
        self._name = name
        self._check = check
        self._began = 0.0
        self._running: asyncio.Future[Finding] | None = None
        self._held = Finding(name, ok=False, detail="It was never asked.")
        self._until = 0.0

    async def finding(self) -> Finding:
        now = time.monotonic()
        if now < self._until:
            return self._held
        if self._running is None:
            self._began = now
            self._running = self._start(asyncio.get_running_loop())
        try:
            return await asyncio.wait_for(asyncio.shield(self._running), max(0.0, self._began + PATIENCE - now))
        except TimeoutError:
            waited = time.monotonic() - self._began
            return Finding(self._name, ok=False, detail=f"It has not answered for {waited:.1f} seconds.", seconds=waited)

    def _start(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[Finding]":
        running: asyncio.Future[Finding] = loop.create_future()

        def work() -> None:
            found = self._ask()
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._land, running, found)

        Thread(target=work, name=f"check {self._name}", daemon=True).start()
        return running

    def _land(self, running: "asyncio.Future[Finding]", found: Finding) -> None:
        self._held, self._until, self._running = found, time.monotonic() + FRESH, None
        running.set_result(found)

    def _ask(self) -> Finding:
        began = time.monotonic()
        try:
            detail, ok = self._check.check(), True
        except PurveyorError as error:
            detail, ok = str(error), False
        except Exception as error:  # noqa: BLE001 - whatever it is, the check has failed; its text may hold anything, its type does not
            detail, ok = f"It failed: {type(error).__name__}.", False
        return Finding(self._name, ok, detail, time.monotonic() - began)


class Readiness:
    def __init__(self, checks: Checks, draining: Draining) -> None:
        self._draining = draining
        self._watched = {name: _Watched(name, check) for name, check in checks.items()}

    async def findings(self, excluded: Collection[str]) -> list[Finding]:
        """One for each check that is not excluded, all asked at once."""
        asked = [watched.finding() for name, watched in self._watched.items() if name not in excluded]
        return [*await asyncio.gather(*asked), *self._own(excluded)]

    def _own(self, excluded: Collection[str]) -> Iterator[Finding]:
        if "draining" not in excluded:
            ending = self._draining.under_way
            yield Finding("draining", not ending, "This server is about to end." if ending else "It is not about to end.")
