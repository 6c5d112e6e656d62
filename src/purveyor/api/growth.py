"""Bodies that are still being fetched, sent as they grow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from purveyor.serving.bodies import Growing, Span


class BrokenOff(Exception):
    """The rest of a body will not come: the client must not take what it has for the whole."""


async def begun(growing: Growing, *, whole: bool) -> None:
    """Return once some of it may be sent, or with `whole` once all may, or once it has failed."""
    changes = _changes(growing)
    async for _ in changes:
        if growing.ended or (growing.ready and not whole):
            break
    await changes.aclose()  # type: ignore[attr-defined] # it is an async generator


async def spans(growing: Growing) -> AsyncIterator[Span]:
    """What is there, and what comes, in order; raises `BrokenOff` if not all of it does."""
    position = 0
    async for _ in _changes(growing):
        if growing.error is not None:
            raise BrokenOff
        if growing.file is not None and growing.ready > position:
            end = growing.ready
            yield Span(growing.file, position, end - position)
            position = end
        if growing.whole is not None and position == growing.size:
            return


async def _changes(growing: Growing) -> AsyncIterator[None]:
    """Once now, and again whenever something may have changed."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(changed.set)

    growing.listen(tell)
    try:
        while True:
            changed.clear()
            yield
            await changed.wait()
    finally:
        growing.unlisten(tell)
