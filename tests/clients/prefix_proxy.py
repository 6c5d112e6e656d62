"""A reverse proxy that offers a server under a path prefix and tells it nothing of that, and notes what is asked."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

_OF_ONE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "host"}


class PrefixProxy(ThreadingHTTPServer):
    """`url` is where it answers; `asked` lists (method, path under the prefix, bytes answered) in order."""

    daemon_threads = True

    def __init__(self, upstream: str, prefix: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream)
        self.prefix = prefix
        self.asked: list[tuple[str, str, int]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{self.prefix}/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: PrefixProxy

    def do_GET(self) -> None:
        self._forward()

    def do_HEAD(self) -> None:
        self._forward()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        """Say nothing: pytest would show it among the test's own output."""

    def _forward(self) -> None:
        if not self.path.startswith(f"{self.server.prefix}/"):
            self.send_error(404, f"Nothing is served outside {self.server.prefix}")
            return
        path = self.path.removeprefix(self.server.prefix)
        upstream = http.client.HTTPConnection(self.server.upstream.netloc, timeout=60)
        upstream.request(self.command, path, headers=_end_to_end(list(self.headers.items())))
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        self.server.asked.append((self.command, path, len(body)))
        self.send_response(answer.status, answer.reason)
        for name, value in _end_to_end(answer.getheaders()).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _end_to_end(headers: list[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in _OF_ONE_CONNECTION}


@contextmanager
def proxied(upstream: str, prefix: str = "/behind/a/prefix") -> Iterator[PrefixProxy]:
    """The proxy in front of the server at the URL `upstream`, while the `with` statement lasts."""
    with PrefixProxy(upstream, prefix) as proxy:
        thread = Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
