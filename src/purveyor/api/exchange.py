"""One request and its response, between the protocol and an ASGI application."""

import asyncio
import logging
from typing import Any, Protocol

from purveyor.api import wire
from purveyor.api.answers import Answer
from purveyor.api.growth import BrokenOff
from purveyor.api.labels import route_of, status_class
from purveyor.api.lane import Lane, Variant
from purveyor.serving.bodies import Span

log = logging.getLogger("purveyor")

# Received but not yet asked for; above it the connection is not read.
BODY_BUFFER = 1 << 18
Message = Any  # what ASGI passes to and fro: dictionaries of many shapes


class Connection(Protocol):
    """What an exchange asks of the connection it happens on."""

    lane: Lane | None

    @property
    def date(self) -> bytes: ...
    def write(self, data: bytes, *, more: bool = False) -> None: ...
    async def writable(self) -> None: ...
    async def send_span(self, span: Span) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def abort(self) -> None: ...
    def exchange_complete(self, exchange: "Exchange") -> None: ...


class Exchange:
    """ASGI's `receive` and `send` for one request; `scope["extensions"]` says what ours can do beyond the standard."""

    def __init__(self, connection: Connection, scope: dict[str, Any], *, keep_alive: bool, expects_continue: bool) -> None:
        self.connection = connection
        self.scope = scope
        self.keep_alive = keep_alive
        self.expects_continue = expects_continue
        self.head: bytes | None = None  # the request's bytes, where the lane may answer the same ones next time
        self.body = bytearray()
        self.body_complete = False
        self.disconnected = False
        self.started = False
        self.complete = False
        self._changed = asyncio.Event()
        self._chunked = False
        self._unsent_head = b""
        scope["extensions"] = {"purveyor.reason": {}, "purveyor.span": {}, "purveyor.remember": self.remember}

    async def run(self, app: Any) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        except BrokenOff:  # a body that cannot be completed, and the log has the reason
            self.connection.abort()
        except Exception:
            log.exception("internal error on %s %r", self.scope["method"], self.scope["path"])
            await self._apologise()
        else:
            if not self.complete and not self.disconnected:
                log.error("no complete response to %s %r", self.scope["method"], self.scope["path"])
                await self._apologise()

    async def receive(self) -> Message:
        if self.expects_continue and not self.started:
            self.connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.expects_continue = False
        while not (self.body or self.body_complete or self.disconnected or self.complete):
            self.connection.resume_reading()
            self._changed.clear()
            await self._changed.wait()
        if self.disconnected or self.complete:
            return {"type": "http.disconnect"}
        piece = bytes(self.body)
        self.body.clear()
        self.connection.resume_reading()
        return {"type": "http.request", "body": piece, "more_body": not self.body_complete}

    def feed(self, data: bytes) -> None:
        self.body += data
        if len(self.body) > BODY_BUFFER:
            self.connection.pause_reading()
        self._changed.set()

    def end_of_body(self) -> None:
        self.body_complete = True
        self._changed.set()

    def disconnect(self) -> None:
        self.disconnected = True
        self._changed.set()

    async def send(self, message: Message) -> None:
        await self.connection.writable()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self._start(message)
        elif message["type"] == "purveyor.response.span":
            self._write(b"", more=True)
            await self.connection.send_span(message["span"])
            if not message.get("more_body", False):
                self._finish()
        else:
            self._content(message.get("body", b""), more=message.get("more_body", False))

    def _start(self, message: Message) -> None:
        self.started = True
        headers = list(message.get("headers", ()))
        status = message["status"]
        names = {name.lower() for name, _ in headers}
        if self.scope["method"] != "HEAD" and status not in (204, 304) and b"content-length" not in names:
            self._chunked = True
            headers.append((b"transfer-encoding", b"chunked"))
        if self.expects_continue and not self.body_complete:
            # Refused before it was told to go on, a client may send its body or the next request: nobody could tell (RFC 9110 10.1.1).
            self.keep_alive = False
        if not self.keep_alive:
            headers.append((b"connection", b"close"))
        head = wire.head(status, message.get("reason", b""), headers)
        # Sent with what comes next, as ASGI wants it: one call of the system for most answers.
        self._unsent_head = b"".join((head, self.connection.date, b"\r\n"))

    def _content(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            body = b""
        if self._chunked:
            frame = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
            body = frame if more else frame + b"0\r\n\r\n"
        self._write(body, more=False)
        if not more:
            self._finish()

    def _write(self, data: bytes, *, more: bool) -> None:
        """What was not sent yet of the head, and the data."""
        if self._unsent_head:
            data, self._unsent_head = self._unsent_head + data, b""
        if data:
            self.connection.write(data, more=more)

    def _finish(self) -> None:
        self.complete = True
        self._changed.set()
        self.connection.exchange_complete(self)

    def remember(self, variant: Variant, answer: Answer, mark: int) -> None:
        """The read path's word that the same request would get this answer until something changes."""
        lane = self.connection.lane
        if lane is not None and self.head is not None and self.keep_alive:
            method = self.scope["method"]
            labels = (route_of(method, self.scope["path"]), variant.client, status_class(answer.status))
            lane.remember(self.head, variant, answer, wire.held(answer, labels, content=method == "GET"), mark)

    async def _apologise(self) -> None:
        if (self.started and not self._unsent_head) or self.disconnected:
            self.connection.abort()
            return
        self.keep_alive = self._chunked = False
        body = b"Something went wrong inside the index; its log says what.\n"
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})
