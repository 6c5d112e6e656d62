"""Sends part of a file to a socket from inside the kernel, without its bytes ever being ours."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from purveyor.serving.bodies import Span

if TYPE_CHECKING:
    from purveyor.api.express import ExpressProtocol

_AT_ONCE = 2 << 20  # then other connections get their turn
_PIECE = 1 << 18


class SpanSender:
    """uvloop has no `loop.sendfile`, and takes no watcher on a transport's own descriptor; a duplicate of it can be watched."""

    def __init__(self, protocol: "ExpressProtocol", span: Span) -> None:
        self._protocol = protocol
        self._file = span.file
        self._offset = span.offset
        self._end = span.offset + span.length
        self._watched: socket.socket | None = None
        self._done: Callable[[], object] = lambda: None

    def start(self, done: Callable[[], object]) -> None:
        self._done = done
        self._continue()

    def cancel(self) -> None:
        self._unwatch()
        self._done()

    def _continue(self) -> None:
        protocol = self._protocol
        if protocol.sock is None or protocol.transport.get_write_buffer_size():
            self._copy()
            return
        budget = _AT_ONCE
        try:
            while self._offset < self._end and budget > 0:
                sent = os.sendfile(protocol.sock.fileno(), self._file.number, self._offset, min(self._end - self._offset, budget))
                if sent == 0:  # the file is shorter than it was: the client must not take this for the whole
                    self._fail()
                    return
                self._offset += sent
                budget -= sent
        except BlockingIOError:
            pass
        except OSError:
            self._fail()
            return
        protocol.progress()
        if self._offset >= self._end:
            self._unwatch()
            self._done()
        else:
            self._watch()

    def _fail(self) -> None:
        self._unwatch()
        self._protocol.abort()

    def _copy(self) -> None:
        """Over TLS, or while bytes are queued before ours: through the transport, a piece whenever it has room."""
        protocol = self._protocol
        while self._offset < self._end and protocol.transport.get_write_buffer_size() < _PIECE:
            piece = os.pread(self._file.number, min(_PIECE, self._end - self._offset), self._offset)
            if not piece:
                protocol.abort()
                return
            protocol.transport.write(piece)
            self._offset += len(piece)
            protocol.progress()
        if self._offset >= self._end:
            self._done()
        else:
            protocol.loop.call_later(0.005, self._continue)

    def _watch(self) -> None:
        if self._watched is None and self._protocol.sock is not None:
            self._watched = self._protocol.sock.dup()
            self._protocol.loop.add_writer(self._watched.fileno(), self._continue)

    def _unwatch(self) -> None:
        if self._watched is not None:
            with suppress(ValueError, OSError):
                self._protocol.loop.remove_writer(self._watched.fileno())
            self._watched.close()
            self._watched = None
