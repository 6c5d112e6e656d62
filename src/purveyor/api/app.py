"""The ASGI application: the read path first, everything else to Starlette's routes, which are not even imported before they are needed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from purveyor.api.connections import Connections
from purveyor.api.lane import Lane
from purveyor.api.read_path import ReadPath, Receive, Scope, Send
from purveyor.application import Application

ASGIApp = Callable[[Scope, Receive, Send], Any]
# How often a writer that died between its commit and its notice is looked for, in seconds; and stagings that nobody finished.
_WATCH_INTERVAL = 1.0
_STAGING_AGE = 3600.0


class PurveyorApp:
    def __init__(self, app: Application) -> None:
        self._app = app
        self._read_path = ReadPath(app)
        self._rest: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        answered = await self._read_path.answer(scope)
        if answered is None:
            await self._starlette()(scope, receive, send)
            return
        answer, variant, mark = answered
        remember = (scope.get("extensions") or {}).get("purveyor.remember")
        if remember is not None and answer.lasting and variant is not None:
            remember(variant, answer, mark)
        await self._read_path.deliver(answer, scope, send)

    def _starlette(self) -> ASGIApp:
        if self._rest is None:
            from purveyor.api.routes import router  # noqa: PLC0415 - a tenth of a second that the first page need not wait for

            self._rest = router(self._app, self._read_path)
        return self._rest

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        settings = self._app.settings
        lane = Lane(self._app.follower, settings.page_memory) if settings.express else None
        connections = Connections(lane, settings.header_timeout, settings.idle_timeout)
        scope.get("state", {})["purveyor.connections"] = connections
        await receive()
        connections.start(loop)
        watch = loop.create_task(self._watch())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        connections.stop()
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        self._app.catalog.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _watch(self) -> None:
        """What is looked after now and then, beginning with what the first upload will need."""
        await asyncio.sleep(0.2)
        await asyncio.to_thread(self._starlette)
        while True:
            await asyncio.to_thread(self._app.follower.listen_for_the_dead)
            await asyncio.to_thread(self._app.settler.settle_when_quiet)
            await asyncio.to_thread(self._app.blobs.sweep, _STAGING_AGE)
            await asyncio.sleep(_WATCH_INTERVAL)
