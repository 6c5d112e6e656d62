"""A door to a real object store behind which things go wrong as a test says."""

import http.client
import io
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

Fault = Callable[["Door"], bool]
"""Called with the request before it is passed on; True if that was the end of it."""


class FaultyStore:
    """`faults` are used up one a request; those of `method` alone count. What it was asked is in `requests`."""

    def __init__(self, behind: str) -> None:
        self.behind = urlsplit(behind).netloc
        self.faults: list[Fault] = []
        self.method = "GET"
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self._server.daemon_threads = True
        self._server.store = self  # type: ignore[attr-defined] # how a handler of http.server gets to know anything
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def next_fault(self, method: str) -> Fault | None:
        self.requests.append(method)
        return self.faults.pop(0) if self.faults and method == self.method else None


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """In silence."""

    def handle_any(self) -> None:
        store: FaultyStore = self.server.store  # type: ignore[attr-defined] # see above
        self.content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = store.next_fault(self.command)
        if fault is None or not fault(self):
            self.pass_on(store)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_any  # noqa: N815 - the names that http.server calls

    def pass_on(self, store: FaultyStore, cut: int | None = None) -> None:
        """With `cut` the answer breaks off after so many bytes."""
        behind = http.client.HTTPConnection(store.behind)
        behind.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():  # the Host too: it is signed
            behind.putheader(name, value)
        behind.endheaders(self.content)
        answer = behind.getresponse()
        body = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        if answer.getheader("Content-Length") is None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        behind.close()
        self.close_connection = cut is not None


def answers(status: int) -> Fault:
    def fault(door: Door) -> bool:
        door.send_response_only(status)
        door.send_header("Content-Length", "0")
        door.end_headers()
        return True

    return fault


def hangs_up(door: Door) -> bool:
    door.close_connection = True
    return True


def breaks_off(after: int) -> Fault:
    def fault(door: Door) -> bool:
        door.pass_on(_store(door), after)
        return True

    return fault


def loses_its_answer(door: Door) -> bool:
    """The store did what it was asked; nobody is told so."""
    wfile, door.wfile = door.wfile, io.BytesIO()
    door.pass_on(_store(door))
    door.wfile = wfile
    door.close_connection = True
    return True


def _store(door: Door) -> FaultyStore:
    store: FaultyStore = door.server.store  # type: ignore[attr-defined] # see above
    return store
