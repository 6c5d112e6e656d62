"""The ASGI application: the read path first, then uploads, then everything else; what is not read is imported when it is first needed."""

import asyncio
import logging
import threading
from contextlib import suppress

from purveyor.api.asgi import Receive, Scope, Send, deliver
from purveyor.api.connections import Connections
from purveyor.api.draining import Draining
from purveyor.api.freshness import Freshness
from purveyor.api.lane import FarLane, Lane
from purveyor.api.numbers import Accounts, Numbers
from purveyor.api.observing import Observer, is_unique
from purveyor.api.read_path import ReadPath
from purveyor.application import Application
from purveyor.errors import PurveyorError, Refused
from purveyor.model.indexes import DEFAULT, IndexName, index_name

log = logging.getLogger("purveyor")

UPLOAD_PATHS = ("/legacy/", "/legacy", "/")
"""Of the default index; every other has the first two of them below its name."""
# What is about this server, not about the index, does not wait for the database.
_ABOUT_THE_SERVER = ("/health", "/metrics")
# How often a writer that died between its commit and its notice is looked for, in seconds; and stagings that nobody finished.
_WATCH_INTERVAL = 1.0
_FIRST_LOOK = 0.2
_STAGING_AGE = 3600.0


class PurveyorApp:
    def __init__(self, app: Application) -> None:
        self._app = app
        self._read_path = ReadPath(app)
        self._draining = Draining()
        self._observer = Observer(app.tally, app.tracer)
        self._accounts = Accounts(app)
        exact = app.settings.consistency == "exact"
        self._freshness = Freshness(app.newest, app.follower, exact=exact) if app.newest is not None else None
        self._late_parts: _Late | None = None
        self._late_turn = threading.Lock()
        self._asked = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] == "http":
            self._asked = True
            await self._observer.observe(self._answer, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._freshness is not None and self._freshness.exact and not scope["path"].startswith(_ABOUT_THE_SERVER):
            await self._freshness.current()
        if (answered := await self._read_path.answer(scope)) is not None:
            answer, variant, mark = answered
            remember = (scope.get("extensions") or {}).get("purveyor.remember")
            if remember is not None and answer.lasting and variant is not None and not is_unique(scope):
                remember(variant, answer, mark)
            await deliver(answer, scope, send)
        elif scope["method"] == "POST" and (index := _uploads_to(scope["path"])) is not None:
            await deliver(await (await self._late()).uploads.answer(scope, receive, index), scope, send)
        else:
            await (await self._late()).router(scope, receive, send)

    async def _late(self) -> "_Late":
        if self._late_parts is not None:
            return self._late_parts
        return await asyncio.to_thread(self._made_late)

    def _made_late(self) -> "_Late":
        with self._late_turn:
            if self._late_parts is None:
                self._late_parts = _Late(self._app, self._read_path, self._draining, self._accounts)
            return self._late_parts

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        settings = self._app.settings
        kind = Lane if self._freshness is None else FarLane
        lane = kind(self._app.follower, settings.page_memory, self._app.now) if settings.express else None
        connections = Connections(lane, settings.header_timeout, settings.idle_timeout, self._draining)
        self._accounts.connections = connections
        self._draining.tell(connections.retire)
        self._draining.hear_first(settings.drain_delay, loop)
        scope.get("state", {})["purveyor.connections"] = connections
        scope.get("state", {})["purveyor.freshness"] = self._freshness
        await receive()
        connections.start(loop)
        if self._freshness is not None:
            self._freshness.tell(connections.refresh)
            await self._freshness.start()
        if self._app.watch is not None:
            self._app.watch.start()
        stopping = asyncio.Event()
        watch = loop.create_task(self._watch(stopping))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        connections.stop()
        stopping.set()
        if self._freshness is not None:
            self._freshness.stop()
        if self._app.watch is not None:
            await asyncio.to_thread(self._app.watch.stop)
        self._app.ahead.close()
        self._app.upstreams.close()
        self._app.pulling.close()
        if self._app.bringing is not None:
            self._app.bringing.close()
        await watch  # a thread cannot be cancelled, and this one uses the catalog
        await asyncio.to_thread(self._app.notes.write_down)
        self._app.catalog.close()
        await asyncio.to_thread(self._app.tracer.close)
        await send({"type": "lifespan.shutdown.complete"})

    async def _watch(self, stopping: asyncio.Event) -> None:
        """What is looked after now and then; and in the first quiet moment, what the first upload will need."""
        interval = _FIRST_LOOK
        while not stopping.is_set():
            self._asked = False
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), interval)
            interval = _WATCH_INTERVAL
            await asyncio.to_thread(self._look_after, self._accounts.own(), quiet=not self._asked)
            if not self._asked and not stopping.is_set():
                await self._late()

    def _look_after(self, numbers: Numbers, *, quiet: bool) -> None:
        try:
            self._accounts.leave(numbers)
            self._app.follower.listen_for_the_dead()
            self._app.notes.write_down_when_quiet(quiet=quiet)
            self._app.settler.settle_when_quiet()
            self._app.blobs.sweep(_STAGING_AGE)
        except (PurveyorError, OSError) as error:
            self._app.tally.add("background")
            log.error("%s", error)  # noqa: TRY400 - the sentence says it all, and it is tried again in a second
        except Exception:
            self._app.tally.add("background")
            log.exception("internal error on looking after the data")


def _uploads_to(path: str) -> IndexName | None:
    if path in UPLOAD_PATHS:
        return DEFAULT
    name, _, last = path.rstrip("/").rpartition("/")
    try:
        return index_name(name[1:]) if last == "legacy" else None
    except Refused:
        return None


class _Late:
    """What the first page need not wait for: a tenth of a second of imports."""

    def __init__(self, app: Application, read_path: ReadPath, draining: Draining, accounts: Accounts) -> None:
        import packaging.metadata  # noqa: F401, PLC0415 - the first upload should not wait for it either

        from purveyor.api.authentication import Doorkeeper  # noqa: PLC0415 - see above
        from purveyor.api.routes import router  # noqa: PLC0415 - see above
        from purveyor.api.uploads import Uploads  # noqa: PLC0415 - see above

        door = Doorkeeper(app.tokens)
        self.router = router(app, read_path, door, draining, accounts)
        self.uploads = Uploads(app, door)
