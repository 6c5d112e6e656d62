"""What leaves a connection: bytes straight to the socket, and files sent by the kernel, without their bytes ever being ours."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from purveyor.serving.bodies import Span

_MORE = getattr(socket, "MSG_MORE", 0)  # not on every system
_AT_ONCE = 2 << 20  # then other connections get their turn
_PIECE = 1 << 18


class Outgoing(asyncio.Protocol):
    """The writing half of a connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.transport: asyncio.Transport
        self.sock: socket.socket | None = None
        self.silence = 0  # seconds since the client was last heard of, or took something
        self._sender: SpanSender | None = None
        self._unsent = 0
        self.congested = False  # more is queued than the transport likes
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        pseudo = transport.get_extra_info("socket")
        if transport.get_extra_info("sslcontext") is None and pseudo is not None and pseudo.family != socket.AF_UNIX:
            # The same descriptor as the transport's, for sending past its buffer while that is empty; let go of, never closed, below.
            self.sock = socket.socket(fileno=pseudo.fileno())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self.sock is not None:
            self.sock.detach()
            self.sock = None
        if self._sender is not None:
            self._sender.cancel()
        self._writable.set()

    def write(self, data: bytes, *, more: bool = False) -> None:
        """Straight to the socket while nothing is queued before it: the transport would wait for the loop's next turn.

        With `more` the kernel waits for what follows before it sends a packet.
        """
        if self.transport.is_closing():
            return
        if self.sock is None or self.transport.get_write_buffer_size():
            self.transport.write(data)
            return
        try:
            sent = self.sock.send(data, _MORE if more else 0)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.abort()
            return
        if sent < len(data):
            self.transport.write(data[sent:])

    def start_span(self, span: Span, done: Callable[[], object]) -> None:
        """Send the span after what was written; `done` is called once its last byte is out, or the connection is gone."""

        def finish() -> None:
            self._sender = None
            done()

        self._sender = SpanSender(self, span, finish)
        self._sender.proceed()

    async def send_span(self, span: Span) -> None:
        sent = asyncio.Event()
        self.start_span(span, sent.set)
        await sent.wait()

    def blocked(self) -> bool:
        """Whether the client has yet to take what we have for it. Called once a second: what it took meanwhile breaks its silence."""
        unsent = self.transport.get_write_buffer_size()
        if unsent < self._unsent:
            self.silence = 0
        self._unsent = unsent
        return self._sender is not None or unsent > 0

    def abort(self) -> None:
        self.transport.abort()

    def pause_writing(self) -> None:
        self.congested = True
        self._writable.clear()

    def resume_writing(self) -> None:
        self.congested = False
        self._writable.set()

    async def writable(self) -> None:
        await self._writable.wait()


class SpanSender:
    """uvloop has no `loop.sendfile`, and takes no watcher on a transport's own descriptor; a duplicate of it can be watched."""

    def __init__(self, connection: Outgoing, span: Span, done: Callable[[], object]) -> None:
        self._connection = connection
        self._file = span.file
        self._offset = span.offset
        self._end = span.offset + span.length
        self._done = done
        self._watched: socket.socket | None = None
        self._ended = False

    def cancel(self) -> None:
        """The connection is gone: whoever waits for the last byte waits no longer."""
        self._unwatch()
        self._ended = True
        self._done()

    def _end_with(self, last: Callable[[], object]) -> None:
        self._unwatch()
        self._ended = True
        last()

    def proceed(self) -> None:
        connection = self._connection
        if self._ended:
            return
        if connection.sock is None or connection.transport.get_write_buffer_size():
            self._copy()
            return
        budget = _AT_ONCE
        try:
            while self._offset < self._end and budget > 0:
                sent = os.sendfile(connection.sock.fileno(), self._file.number, self._offset, min(self._end - self._offset, budget))
                if sent == 0:  # the file is shorter than it was: the client must not take this for the whole
                    self._end_with(connection.abort)
                    return
                self._offset += sent
                budget -= sent
        except BlockingIOError:
            pass
        except OSError:
            self._end_with(connection.abort)
            return
        connection.silence = 0
        if self._offset >= self._end:
            self._end_with(self._done)
        else:
            self._watch()

    def _copy(self) -> None:
        """Over TLS, or while bytes are queued before ours: through the transport, a piece whenever it has room."""
        connection = self._connection
        while self._offset < self._end and connection.transport.get_write_buffer_size() < _PIECE:
            piece = os.pread(self._file.number, min(_PIECE, self._end - self._offset), self._offset)
            if not piece:
                self._end_with(connection.abort)
                return
            connection.transport.write(piece)
            self._offset += len(piece)
            connection.silence = 0
        if self._offset >= self._end:
            self._end_with(self._done)
        else:
            connection.loop.call_later(0.005, self.proceed)

    def _watch(self) -> None:
        if self._watched is None and self._connection.sock is not None:
            self._watched = self._connection.sock.dup()
            self._connection.loop.add_writer(self._watched.fileno(), self.proceed)

    def _unwatch(self) -> None:
        if self._watched is not None:
            with suppress(ValueError, OSError):
                self._connection.loop.remove_writer(self._watched.fileno())
            self._watched.close()
            self._watched = None
