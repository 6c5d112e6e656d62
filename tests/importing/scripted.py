"""Fake indexes that do not answer the same every time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from purveyor.testing.fake_index import Answer, FakeIndex


class BusyIndex(FakeIndex):
    """Gives each answer of `first` once, in turn, before it answers a path rightly."""

    def __init__(self, first: dict[str, list[Answer]]) -> None:
        super().__init__()
        self._first = first

    def respond(self, path: str, accept: str) -> Answer:
        waiting = self._first.get(path)
        return waiting.pop(0) if waiting else super().respond(path, accept)


class _Endless(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"\0" * 65536)
        except OSError:
            self.close_connection = True

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@contextmanager
def endless_server() -> Iterator[str]:
    """The URL of a file without an end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endless)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/endless"
    finally:
        server.shutdown()
        server.server_close()
