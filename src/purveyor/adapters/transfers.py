"""GET requests by libcurl: one thread moves the bytes of all of them, over as few connections as will do (HTTP/2 where there is TLS).

libcurl because a cold install asks an upstream for hundreds of pages and files at once: it takes a fifth of the time that an HTTP client
in Python takes, and one connection where that takes thirty. Redirects, credentials and content codings are the caller's business.
"""

import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pycurl

Headers = list[tuple[bytes, bytes]]

_CONNECTIONS = 64
_CONNECTIONS_TO_A_HOST = 32
_KEPT = 32
_KEPT_SECONDS = 30
_CONNECT_SECONDS = 5.0
_BUFFER = 512 << 10
HEAD_LIMIT = 64 << 10
"""Bytes of an answer's head."""
# So much of a body may wait for whoever reads it; then the upstream waits too.
_WAITING = 4 << 20
# Whoever reads is woken for this much, or after this many seconds for less: each waking costs more than the bytes do.
_WORTHWHILE = 256 << 10
_SOON = 0.05
# Begins an answer's head; there may be several, each 1xx but the last.
_STATUS_LINE = b"HTTP/"
_PAUSE: int = pycurl.WRITEFUNC_PAUSE
# libcurl's number of an option that pycurl has no name for: what a proxy answers to CONNECT is not what we asked for.
_SUPPRESS_CONNECT_HEADERS = 265
_FINAL = 200
_NO_SUCCESS = 300


class TransferFailed(Exception):
    """What happened, in a few words."""


class Transfer:
    """One request and its answer. `limit` is how many bytes the body may have, None for any number.

    Read by one thread: first `begun`, then `pieces`, or `whole` where there is a limit; `close` whatever happens.
    """

    def __init__(self, handle: pycurl.Curl, owner: "Transfers", limit: int | None) -> None:
        self.handle = handle
        self.status = 0
        self.headers: Headers = []
        self._owner = owner
        self._limit = limit
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._size = self._taken = self._head_size = 0
        self._complete_head = self._ended = self._paused = self._told = False
        self._failure: TransferFailed | None = None
        handle.setopt(pycurl.HEADERFUNCTION, self._header)
        handle.setopt(pycurl.WRITEFUNCTION, self._body)

    def begun(self) -> None:
        """Return once status and headers are known, and of a success with a `limit` all the rest; raises `TransferFailed`."""
        with self._changed:
            self._changed.wait_for(self._has_begun)
            if not self._complete_head:
                raise self._failure or TransferFailed("it ended the connection without an answer")

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes; raises `TransferFailed` where it ends early or stops coming."""
        while True:
            with self._changed:
                self._changed.wait_for(self._enough, _SOON)
                if not self._waiting and not self._ended:
                    self._changed.wait_for(lambda: self._waiting or self._ended)
                self._told, ended, failure = False, self._ended, self._failure
                piece = b"".join([self._waiting.popleft() for _ in range(len(self._waiting))])
                self._taken += len(piece)
                resume, self._paused = self._paused, False
            if resume:
                self._owner.do(self._resume)
            if piece:
                yield piece
            if ended:
                if failure is not None:
                    raise failure
                return

    def whole(self) -> bytes:
        """The body of a success with a limit."""
        with self._changed:
            if self._failure is not None:
                raise self._failure
            return b"".join(self._waiting)

    def close(self) -> None:
        """Nobody wants the rest."""
        if not self._ended:
            self._owner.do(lambda: self._owner.drop(self))

    def end(self, failure: TransferFailed | None) -> None:
        with self._changed:
            self._ended = True
            self._failure = self._failure or failure
            self._changed.notify_all()

    def _has_begun(self) -> bool:
        # Each waking costs more than the bytes do, and who set a limit wants all of them.
        return self._ended or (self._complete_head and (self._limit is None or self.status >= _NO_SUCCESS))

    def _enough(self) -> bool:
        return self._ended or self._size - self._taken >= _WORTHWHILE

    def _resume(self) -> None:
        if not self._ended:
            self.handle.pause(pycurl.PAUSE_CONT)

    def _header(self, line: bytes) -> int | None:
        if line.startswith(_STATUS_LINE):
            self.headers, self._head_size = [], 0
            self.status = int(line.split(None, 2)[1])
        self._head_size += len(line)
        if self._head_size > HEAD_LIMIT:
            self._failure = TransferFailed(f"its answer begins with more than {HEAD_LIMIT >> 10} KiB of headers")
            return -1
        name, colon, value = line.partition(b":")
        if colon:
            self.headers.append((name.strip().lower(), value.strip()))
        elif not line.strip() and self.status >= _FINAL:
            with self._changed:
                self._complete_head = True
                if self._has_begun():
                    self._changed.notify_all()
        return None

    def _body(self, data: bytes) -> int | None:
        """Called for every few kilobytes: takes the lock only to wake whoever reads, and does that once until it has read."""
        if self._limit is None and self._size - self._taken > _WAITING and self._pauses():
            return _PAUSE
        self._size += len(data)
        if self._limit is not None and self._size > self._limit:
            self._failure = TransferFailed(f"its answer has more than {self._limit >> 20} MiB")
            return -1
        self._waiting.append(data)
        if self._limit is None and not self._told and self._enough():
            with self._changed:
                self._told = True
                self._changed.notify_all()
        return None

    def _pauses(self) -> bool:
        with self._changed:
            self._paused = self._size - self._taken > _WAITING
            return self._paused


class Transfers:
    """The thread. `proxy` is a URL, with credentials where it needs them, or empty."""

    def __init__(self, silence: float, proxy: str) -> None:
        self._silence = silence
        self._proxy = proxy
        self._authorities = _authorities()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, _CONNECTIONS)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, _CONNECTIONS_TO_A_HOST)
        self._multi.setopt(pycurl.M_MAXCONNECTS, _KEPT)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._selector = selectors.DefaultSelector()
        self._ring, bell = socket.socketpair()
        self._ring.setblocking(False)
        bell.setblocking(False)
        self._bell = bell
        self._selector.register(bell, selectors.EVENT_READ)
        self._due: float | None = None
        self._jobs: deque[Callable[[], object]] = deque()
        self._running: dict[pycurl.Curl, Transfer] = {}
        self._turn = threading.Lock()
        self._closing = self._ended = False
        threading.Thread(target=self._run, daemon=True, name="transfers").start()

    def start(self, url: str, headers: Headers, resolved: Sequence[str], limit: int | None = None, seconds: float = 0.0) -> Transfer:
        """Begin a request; `resolved` are addresses as libcurl's RESOLVE takes them, `seconds` those it may take, 0 for any number."""
        handle = pycurl.Curl()
        handle.setopt(pycurl.URL, url)
        handle.setopt(pycurl.PATH_AS_IS, 1)
        handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        handle.setopt(pycurl.PIPEWAIT, 1)
        handle.setopt(pycurl.HTTPHEADER, [name + b": " + value for name, value in headers])
        handle.setopt(pycurl.HTTP_CONTENT_DECODING, 0)
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.BUFFERSIZE, _BUFFER)
        handle.setopt(pycurl.MAXAGE_CONN, _KEPT_SECONDS)
        handle.setopt(pycurl.CONNECTTIMEOUT_MS, int(min(_CONNECT_SECONDS, self._silence) * 1000))
        handle.setopt(pycurl.LOW_SPEED_LIMIT, 1)
        handle.setopt(pycurl.LOW_SPEED_TIME, max(1, round(self._silence)))
        handle.setopt(pycurl.TIMEOUT_MS, int(seconds * 1000))
        handle.setopt(pycurl.PROXY, self._proxy)
        handle.setopt(_SUPPRESS_CONNECT_HEADERS, 1)
        if resolved:
            handle.setopt(pycurl.RESOLVE, list(resolved))
        for option, path in self._authorities:
            handle.setopt(option, path)
        transfer = Transfer(handle, self, limit)
        self.do(lambda: self._add(transfer))
        return transfer

    def do(self, job: Callable[[], object]) -> None:
        """Have the thread do that; once it has ended, whoever asks does it."""
        with self._turn:
            if not self._ended:
                self._jobs.append(job)
                with suppress(BlockingIOError):  # it has been rung for often enough
                    self._ring.send(b"!")
                return
        job()

    def close(self) -> None:
        self._closing = True
        self.do(lambda: None)

    def drop(self, transfer: Transfer) -> None:
        if self._running.pop(transfer.handle, None) is not None:
            self._multi.remove_handle(transfer.handle)
            transfer.end(TransferFailed("it is not wanted any more"))

    def _add(self, transfer: Transfer) -> None:
        if self._closing:
            transfer.end(TransferFailed("this server is stopping"))
            return
        self._running[transfer.handle] = transfer
        self._multi.add_handle(transfer.handle)

    def _run(self) -> None:
        while not self._closing:
            wait = None if self._due is None else max(0.0, self._due - time.monotonic())
            for key, events in self._selector.select(wait):
                if key.fileobj is self._bell:
                    with suppress(BlockingIOError):
                        self._bell.recv(4096)
                else:
                    readable = pycurl.CSELECT_IN if events & selectors.EVENT_READ else 0
                    self._multi.socket_action(key.fd, readable | (pycurl.CSELECT_OUT if events & selectors.EVENT_WRITE else 0))
            while self._jobs:
                self._jobs.popleft()()
            if self._due is not None and time.monotonic() >= self._due:
                self._due = None
                self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            self._finish()
        self._end()

    def _finish(self) -> None:
        more = 1
        while more:
            more, done, failed = self._multi.info_read()
            for handle in done:
                self._take_out(handle, None)
            for handle, code, text in failed:
                self._take_out(handle, _failure(code, text))

    def _take_out(self, handle: pycurl.Curl, failure: TransferFailed | None) -> None:
        transfer = self._running.pop(handle, None)
        self._multi.remove_handle(handle)
        if transfer is not None:
            transfer.end(failure)

    def _end(self) -> None:
        for transfer in list(self._running.values()):
            self.drop(transfer)
        with self._turn:
            self._ended = True
        while self._jobs:
            self._jobs.popleft()()
        self._multi.close()
        for each in (self._selector, self._ring, self._bell):
            each.close()

    def _watch(self, what: int, fd: int, _multi: object, _data: object) -> None:
        known = fd in self._selector.get_map()
        if what == pycurl.POLL_REMOVE:
            if known:
                self._selector.unregister(fd)
            return
        events = selectors.EVENT_READ if what in (pycurl.POLL_IN, pycurl.POLL_INOUT) else 0
        events |= selectors.EVENT_WRITE if what in (pycurl.POLL_OUT, pycurl.POLL_INOUT) else 0
        (self._selector.modify if known else self._selector.register)(fd, events)

    def _set_timer(self, milliseconds: int) -> None:
        self._due = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000


def _authorities() -> list[tuple[int, str]]:
    """The certificates that this machine trusts, as Python finds them; libcurl brings some of its own."""
    paths = ssl.get_default_verify_paths()
    return [(option, path) for option, path in ((pycurl.CAINFO, paths.cafile), (pycurl.CAPATH, paths.capath)) if path]


def _failure(code: int, text: str) -> TransferFailed:
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return TransferFailed("it took too long")
    return TransferFailed(" ".join(text.split()) or f"libcurl's error {code}")
