"""The HTTP/1.1 protocol of a Purveyor server, given to uvicorn through its `http=` option.

It adds what an ASGI server does not have: the express lane, the refusal's sentence in the reason phrase, files sent by the kernel, and
limits on heads, bodies and silence. What it uses of uvicorn (see tests/contracts) is the constructor's arguments, `config.loaded_app`, and
`server_state`'s `connections` and `tasks`.
"""

import asyncio
from collections import deque
from typing import Any
from urllib.parse import unquote

import httptools

from purveyor.api.connections import Connections
from purveyor.api.exchange import Exchange
from purveyor.api.heads import HEAD_LIMIT, complaint
from purveyor.api.lane import Held, Lane
from purveyor.api.sending import Outgoing

PIPELINE_LIMIT = 64
# A client that has its answer may send the rest of its body, up to this much, so that it gets to read the answer.
DISCARD_LIMIT = 256 << 20
# Bytes a second, averaged over the idle timeout, below which a body is given up.
BODY_RATE = 256


class ExpressProtocol(Outgoing):
    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(_loop or asyncio.get_running_loop())
        self.app = config.loaded_app
        self.server_state = server_state
        self.connections: Connections = app_state["purveyor.connections"]
        self.lane: Lane | None = self.connections.lane
        self.cells: memoryview = self.lane.follower.cells if self.lane is not None else memoryview(b"")
        self.peer: tuple[str, int] | None = None
        self.parser = httptools.HttpRequestParser(self)
        self.exchange: Exchange | None = None
        self.waiting: deque[Exchange] = deque()
        self.idle = True  # between two messages, nothing under way: the lane may answer
        self.in_message = False
        self.in_head = False
        self.closing = False
        self._reading = True
        self._refused = False
        self._head_seconds = 0
        self._body_seconds = 0
        self._received = 0
        self._undigested = 0  # bytes fed since the head began, or since a piece of a body last came out of them

    # ------------------------------------------------------------------ the connection
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.server_state.connections.add(self)
        self.connections.members.add(self)
        self.peer = transport.get_extra_info("peername")
        if self.connections.draining.under_way:
            self.retire()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.server_state.connections.discard(self)
        self.connections.members.discard(self)
        for exchange in (self.exchange, *self.waiting):
            if exchange is not None:
                exchange.disconnect()

    def shutdown(self) -> None:
        """The server is stopping: finish what is under way, then close."""
        self.retire()
        if self.idle:
            self.transport.close()

    def retire(self) -> None:
        """The next answer is the last one and says so, which those of the lane do not."""
        self.closing = True
        self.lane = None
        if self.exchange is not None:
            self.exchange.keep_alive = False

    # ------------------------------------------------------------------ reading
    def data_received(self, data: bytes) -> None:
        self.silence = 0
        if not self.idle:
            self._feed(data)
        elif (held := self._held(data)) is not None:
            held.count += 1
            self._send_held(held)
        else:
            self._take_long_way(data)

    def _take_long_way(self, data: bytes) -> None:
        self._received = 0
        self._feed(data)
        self._offer_to_lane(data)

    def _held(self, data: bytes) -> Held | None:
        """What the lane holds for these bytes, if it is still right or can be made so."""
        lane = self.lane
        if lane is None or self.congested:  # who takes no answers gets no further ones: the long way waits, and stops reading
            return None
        held = lane.find(data)
        if held is None or self.cells[0] == lane.follower.seen:
            return held
        return lane.find(data) if lane.catch_up() else None

    def _offer_to_lane(self, data: bytes) -> None:
        """A request that came alone, whole and without a body is one that the lane can know again.

        Empty lines may stand before it (RFC 9112 2.2); then its first line is not what the lane takes for the request line.
        """
        exchange = self.exchange
        alone = data[:1].isalpha() and not self.waiting and not self.in_message
        if alone and exchange is not None and exchange.body_complete and not exchange.body:
            exchange.head = data

    def _feed(self, data: bytes) -> None:
        if self._refused:
            return
        self._received += len(data)
        self._undigested += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserInvalidMethodError:
            self._refuse(501, "The request's method is not known here.")
        except httptools.HttpParserUpgrade:
            # Another protocol was offered, which a server may ignore (RFC 9110 7.8); the parser reads no further message after it.
            if (last := self._last()) is not None:
                last.keep_alive = False
        except httptools.HttpParserError:
            self._refuse(400, "The request is not valid HTTP/1.1.")
        else:
            if self.in_message and self._undigested > HEAD_LIMIT:
                self._refuse(431, "The head or the trailer of the request is too large.")

    def _last(self) -> Exchange | None:
        """The exchange whose request was read last."""
        return self.waiting[-1] if self.waiting else self.exchange

    def on_message_begin(self) -> None:
        self.idle = False
        self.in_message = self.in_head = True
        self._undigested = 0
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_head:  # a trailer is not merged into the head (RFC 9110 6.5.1)
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.in_head = False
        self._received = self._body_seconds = 0
        if refusal := self._complaint():
            self._refuse(*refusal)
            raise _StopParsing
        version = self.parser.get_http_version()
        fields = dict(self.headers)
        exchange = Exchange(
            self,
            self._scope(version),
            keep_alive=version == "1.1" and self.parser.should_keep_alive() and not self.closing,
            expects_continue=fields.get(b"expect", b"").lower() == b"100-continue",
        )
        if self.exchange is None:
            self._run(exchange)
        else:
            self.waiting.append(exchange)
            self.pause_reading()

    def on_body(self, body: bytes) -> None:
        self._undigested = 0
        exchange = self._last()
        if exchange is not None and not exchange.complete:
            exchange.feed(body)
        elif self._received > DISCARD_LIMIT:
            self.abort()

    def on_message_complete(self) -> None:
        self.in_message = False
        exchange = self._last()
        if exchange is not None:
            exchange.end_of_body()
            if exchange is self.exchange and exchange.complete:
                self._after(exchange)

    def _complaint(self) -> tuple[int, str] | None:
        if len(self.waiting) >= PIPELINE_LIMIT:
            return 400, "Too many requests were sent without waiting for an answer."
        return complaint(self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers)

    def _scope(self, version: str) -> dict[str, Any]:
        try:
            target = httptools.parse_url(self.url)
            path, query = target.path or b"/", target.query or b""
        except httptools.HttpParserInvalidURLError:
            path, query = self.url.partition(b"?")[0], b""
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": version,
            "method": self.parser.get_method().decode("ascii"),
            "scheme": "http" if self.sock is not None else "https",
            "path": unquote(path.decode("latin-1")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": self.headers,
            "server": None,
            "client": self.peer,
        }

    # ------------------------------------------------------------------ answering
    def _run(self, exchange: Exchange) -> None:
        self.exchange = exchange
        task = self.loop.create_task(exchange.run(self.app))
        self.server_state.tasks.add(task)
        task.add_done_callback(self.server_state.tasks.discard)

    def exchange_complete(self, exchange: Exchange) -> None:
        if exchange.body_complete or exchange.expects_continue:
            self._after(exchange)
        else:
            # Who still sends must get to read the answer: a close now would reset the connection, and the answer with it.
            self._received = 0
            self.resume_reading()

    def _after(self, exchange: Exchange) -> None:
        if exchange.keep_alive:
            self._next()
        else:
            self.transport.close()

    def _next(self) -> None:
        self.exchange = None
        self.silence = 0
        if self.waiting:
            self._run(self.waiting.popleft())
        else:
            self.idle = not self.in_message
            self.resume_reading()

    def _send_held(self, held: Held) -> None:
        data = held.parts(self.connections.held_lines)
        if held.span is None:
            self.write(data)
            return
        # Until the last byte of a file is out nothing else happens on this connection.
        self.idle = False
        self.write(data, more=True)
        self.start_span(held.span, self._span_sent)
        if not self.idle:
            self.pause_reading()

    def _span_sent(self) -> None:
        self.idle = True
        self.silence = 0
        if self.closing:
            self.transport.close()
        else:
            self.resume_reading()

    @property
    def date(self) -> bytes:
        return self.connections.date

    # ------------------------------------------------------------------ flow and time
    def pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._reading and not self.waiting and not self.transport.is_closing():
            self._reading = True
            self.transport.resume_reading()

    def tick(self) -> None:
        """One second more. Only the client's silence counts: while we work on its request, it may wait."""
        self.silence += 1
        limits = self.connections
        blocked = self.blocked()
        if self.in_head:
            self._head_seconds += 1
            if self._head_seconds > limits.header_timeout:
                self._refuse(408, f"The request's head did not arrive within {limits.header_timeout} seconds.")
            return
        self._head_seconds = 0
        if self.in_message and self._reading:
            self._watch_body(limits.idle_timeout)
        elif self.silence > limits.idle_timeout and blocked:
            self.abort()
        elif self.silence > limits.idle_timeout and self.idle:
            self.transport.close()

    def _watch_body(self, window: int) -> None:
        self._body_seconds += 1
        if self._body_seconds < window:
            return
        if self._received < BODY_RATE * window:
            self._refuse(408, "The request's body arrives too slowly.")
        self._body_seconds = self._received = 0

    def _refuse(self, status: int, sentence: str) -> None:
        """An answer from below the application, and the end of the connection."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self.idle = self.in_head = self.in_message = False
        if self.waiting and not self.waiting[-1].body_complete:
            self.waiting.pop()  # it is the one refused
        last = self._last()
        if last is not None and last.body_complete and not last.complete:
            last.keep_alive = False  # an earlier request, for whose answer the refusal would be taken
            return
        if last is None or not last.started:
            body = sentence.encode() + b"\n"
            lines = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n" % len(body)
            content = b"" if self.parser.get_method() == b"HEAD" else body
            self.write(b"".join((b"HTTP/1.1 %d %s\r\n" % (status, sentence.encode()), lines, self.date, b"\r\n", content)))
        self.transport.close()


class _StopParsing(Exception):
    """Raised in the parser's callbacks: what follows a refused head is not read."""
