"""Each request that takes the long way is noted: under which id, how it ended, and how long that took."""

import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from random import getrandbits
from typing import Any

from purveyor.api.asgi import Receive, Scope, Send
from purveyor.api.labels import client_of, route_of, status_class
from purveyor.interfaces import Tracer
from purveyor.model.requests import CURRENT, UnderWay
from purveyor.model.tally import Tally

access = logging.getLogger("purveyor.access")

# What others call a request is taken over if it can do no harm in a log or a header.
_SANE = re.compile(rb"[A-Za-z0-9._:/=+-]{1,128}", re.ASCII)
_UNIQUE = (b"x-request-id", b"traceparent")

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Observer:
    def __init__(self, tally: Tally, tracer: Tracer) -> None:
        self._tally = tally
        self._tracer = tracer

    async def observe(self, app: Application, scope: Scope, receive: Receive, send: Send) -> None:
        fields = dict(scope["headers"])
        under_way = UnderWay(_id(fields.get(b"x-request-id", b"")))
        CURRENT.set(under_way)
        began, status = time.perf_counter(), 0

        async def noting(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = (*message.get("headers", ()), (b"x-request-id", under_way.id.encode()))
            await send(message)

        with self._tracer.span(f"{scope['method']} {route_of(scope['method'], scope['path'])}", _caller(fields)) as span:
            under_way.trace = span.trace
            try:
                await app(scope, receive, noting)
            except Exception:
                status = status or _OUR_FAULT
                raise
            finally:
                span.end_with(status)
                client = client_of(fields.get(b"user-agent", b"").decode("latin-1"))
                self._note(scope, client, under_way, status, time.perf_counter() - began)

    def _note(self, scope: Scope, client: str, under_way: UnderWay, status: int, seconds: float) -> None:
        tally, route = self._tally, route_of(scope["method"], scope["path"])
        tally.add("requests", route, client, status_class(status))
        tally.add_duration("request_duration", route, seconds=seconds)
        if under_way.error:
            tally.add("refusals", under_way.error)
        if route == "upload":
            tally.add("uploads", under_way.outcome or ("failed" if status >= _OUR_FAULT or not status else "refused"))
        if access.isEnabledFor(logging.INFO):
            _log(scope, client, status, seconds)


_OUR_FAULT = 500


def is_unique(scope: Scope) -> bool:
    """Whether the request's head has a field that differs from request to request: it never comes again, so it need not be known again."""
    return any(name in _UNIQUE for name, _ in scope["headers"])


def _caller(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    """What the fields say of the trace that the request is part of (W3C Trace Context)."""
    return {name.decode(): fields[name].decode("latin-1") for name in (b"traceparent", b"tracestate") if name in fields}


def _id(given: bytes) -> str:
    # Told apart is all that requests must be; nothing is decided by their ids.
    return given.decode() if _SANE.fullmatch(given) else f"{getrandbits(64):016x}"


def _log(scope: Scope, client: str, status: int, seconds: float) -> None:
    address = scope["client"][0] if scope["client"] else "unknown"
    # Without the query, in which somebody may have put what is nobody's business.
    said = {
        "method": scope["method"],
        "path": scope["raw_path"].decode("latin-1"),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "client": client,
        "address": address,
    }
    access.info("%(method)s %(path)s %(status)d %(milliseconds).1f ms for %(client)s at %(address)s", said, extra={"said": said})
