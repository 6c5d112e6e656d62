"""HTTP/1.1 as bytes on a socket: what a test sends is what the server gets, and what it gets back is taken apart here, strictly."""

import socket
from dataclasses import dataclass
from typing import Self

import httpx2

TIMEOUT = 30.0
"""Seconds after which an answer is taken for missing; a bound, not a measurement."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. Names of fields are in lower case."""

    status: int
    reason: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def __getitem__(self, name: str) -> str:
        values = [value for field, value in self.fields if field == name]
        assert len(values) == 1, f"{name}: {values}"
        return values[0]

    def get(self, name: str) -> str | None:
        return next((value for field, value in self.fields if field == name), None)

    def __contains__(self, name: str) -> bool:
        return any(field == name for field, _ in self.fields)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def undated(self) -> "Answer":
        """Without Date and X-Request-ID, which alone may differ between two answers to one request; Allow is a set, so it is sorted."""
        fields = tuple((name, ", ".join(sorted(value.split(", "))) if name == "allow" else value) for name, value in self.fields)
        return Answer(self.status, self.reason, tuple(pair for pair in fields if pair[0] not in ("date", "x-request-id")), self.body)


class Wire:
    """One connection to a server."""

    def __init__(self, url: str, *, receive_buffer: int | None = None) -> None:
        where = httpx2.URL(url)
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(TIMEOUT)
        self._socket.connect((where.host, where.port or 80))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def send_until_refused(self, data: bytes, times: int) -> bool:
        """Whether the server closed the connection before all of it was sent."""
        try:
            for _ in range(times):
                self.send(data)
        except OSError:
            return True
        return False

    def shut(self) -> None:
        """Nothing more will be sent."""
        self._socket.shutdown(socket.SHUT_WR)

    def answer(self, *, to_head: bool = False) -> Answer:
        """The next complete response."""
        head, fields = self._head()
        version, status, reason = head.split(" ", 2)
        assert version == "HTTP/1.1"
        bare = to_head or int(status) in (204, 304)
        return Answer(int(status), reason, fields, b"" if bare else self._body(dict(fields)))

    def interim(self) -> str:
        """The status line of an interim (1xx) response."""
        head, fields = self._head()
        assert not fields
        return head

    @property
    def port(self) -> int:
        """The client's own."""
        port: int = self._socket.getsockname()[1]
        return port

    def take(self, size: int) -> None:
        """Read at least `size` bytes, of which the next answer is made."""
        wanted = len(self._buffer) + size
        while len(self._buffer) < wanted:
            self._more()

    def is_closed(self) -> bool:
        """Whether the server sends nothing more and closes; fails if it says something, or stays silent for too long."""
        try:
            rest = self._buffer + self._socket.recv(65536)
        except ConnectionResetError:
            return True
        assert rest == b"", rest[:200]
        return True

    def is_silent(self, seconds: float) -> bool:
        """Whether nothing comes, and the connection stays open, for that long."""
        self._socket.settimeout(seconds)
        try:
            self._buffer += self._socket.recv(65536)
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(TIMEOUT)
        return False

    def _head(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        first, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        fields = []
        for line in lines:
            name, colon, value = line.partition(": ")
            assert colon
            fields.append((name.lower(), value))
        return first, tuple(fields)

    def _body(self, fields: dict[str, str]) -> bytes:
        if fields.get("transfer-encoding") == "chunked":
            return self._chunks()
        return self._exactly(int(fields["content-length"]))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self._exactly(size)
            assert self._exactly(2) == b"\r\n"
        assert self._exactly(2) == b"\r\n"
        return body

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._more()
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _more(self) -> None:
        data = self._socket.recv(1 << 18)
        if not data:
            raise ConnectionError(f"closed after {self._buffer[:200]!r}")
        self._buffer += data


def request(target: str, method: str = "GET", *fields: str) -> bytes:
    """A request without a body, with the one field that HTTP/1.1 demands, and `fields` such as "Accept: text/html"."""
    return "".join(f"{line}\r\n" for line in (f"{method} {target} HTTP/1.1", "Host: index.example", *fields, "")).encode("latin-1")


def ask(url: str, target: str, method: str = "GET", *fields: str) -> Answer:
    """The answer to one request on a connection of its own."""
    with Wire(url) as wire:
        wire.send(request(target, method, *fields))
        return wire.answer(to_head=method == "HEAD")


def send(url: str, data: bytes) -> Answer:
    """The first answer to these bytes."""
    with Wire(url) as wire:
        wire.send(data)
        return wire.answer()
