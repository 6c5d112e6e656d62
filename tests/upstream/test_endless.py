"""Upstreams that would keep us busy for ever, and one whose certificate ran out."""

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import repeat
from pathlib import Path

import pytest

from purveyor.testing.fake_index import JSON_TYPE, Answer, FakeIndex
from tests.distributions import wheel
from tests.live_server import SIMPLE_JSON
from tests.upstream.conftest import over

_CERTIFICATE = Path(__file__).with_name("expired.pem")
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: " + JSON_TYPE.encode() + b"\r\n"


class Talking:
    """A server that answers every request with the same pieces, one after the other with a pause."""

    def __init__(self, pieces: Iterator[bytes], pause: float = 0.0, tls: ssl.SSLContext | None = None) -> None:
        self._pieces = pieces
        self._pause = threading.Event(), pause
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/simple/"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with suppress(OSError), connection, self._wrapped(connection) as wrapped:
                self._answer(wrapped)

    def _wrapped(self, connection: socket.socket) -> socket.socket:
        """Not shaken hands yet: a client that refuses leaves nothing that nobody closes."""
        if self._tls is None:
            return connection
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)

    def _answer(self, connection: socket.socket) -> None:
        connection.recv(65536)
        never, pause = self._pause
        for piece in self._pieces:
            connection.sendall(piece)
            if pause:
                never.wait(pause)


def _endless_body() -> Iterator[bytes]:
    yield _HEAD + b"\r\n"
    yield from repeat(b" " * 65536)


def _endless_head() -> Iterator[bytes]:
    yield _HEAD
    yield from repeat(b"X-Filler: " + b"x" * 1000 + b"\r\n")


@pytest.mark.parametrize("pieces", [_endless_body, _endless_head])
def test_an_endless_answer_is_ended(tmp_path: Path, pieces: Callable[[], Iterator[bytes]]) -> None:
    with over(Talking(pieces()).url, tmp_path / "data") as server:
        assert server.http.get(f"{server.simple_url}acme/").status_code == 502


def test_a_page_that_drips_is_given_up(tmp_path: Path) -> None:
    dripping = Talking(iter([_HEAD + b"\r\n", *([b" "] * 10_000)]), pause=0.2)
    with over(dripping.url, tmp_path / "data", upstream_timeout=1) as server:
        answer = server.http.get(f"{server.simple_url}acme/")
        assert (answer.status_code, "it took too long" in answer.text) == (502, True)


def test_a_page_that_unpacks_to_too_much_is_refused(upstream: FakeIndex, tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(80 << 20), 9)
    upstream.answer("/simple/acme/", Answer(content_type=JSON_TYPE, body=bomb, headers={"Content-Encoding": "gzip"}))
    with over(upstream.url, tmp_path / "data") as server:
        answer = server.http.get(f"{server.simple_url}acme/")
        assert (answer.status_code, "more than 64 MiB" in answer.text) == (502, True)


def test_a_certificate_that_ran_out_is_named(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(_CERTIFICATE)
    talking = Talking(iter([_HEAD + b"\r\n"]), tls=tls)
    with over(talking.url, tmp_path / "data") as server:
        server.environment["SSL_CERT_FILE"] = str(_CERTIFICATE)
        server.restart()
        answer = server.http.get(f"{server.simple_url}acme/")
    assert (answer.status_code, "certificate has expired" in answer.text) == (502, True)


@pytest.mark.slow
def test_a_page_of_twenty_thousand_files_is_offered(upstream: FakeIndex, tmp_path: Path) -> None:
    _, content = wheel("acme", "1.0")
    for number in range(20_000):
        file = upstream.add(f"acme-{number}.0.tar.gz", b"")
        file.data, file.sha256 = content, f"{number:064x}"
    with over(upstream.url, tmp_path / "data") as server:
        answer = server.http.get(f"{server.simple_url}acme/", headers={"Accept": SIMPLE_JSON})
        assert len(answer.json()["files"]) == 20_000
        server.restart()
        assert server.http.get(f"{server.simple_url}acme/", headers={"Accept": SIMPLE_JSON}).content == answer.content


def test_what_is_known_is_offered_while_the_upstream_takes_its_time(upstream: FakeIndex, tmp_path: Path) -> None:
    upstream.add(*wheel("acme", "1.0"))
    with over(upstream.url, tmp_path / "data", upstream_fresh=1) as server:
        seen = server.http.get(f"{server.simple_url}acme/")
        upstream.answer("/simple/acme/", Answer(status=500, delay=25))
        while "x-purveyor-stale" not in (stale := server.http.get(f"{server.simple_url}acme/")).headers:
            pass
        assert stale.content == seen.content
        assert "longer than 3 seconds" in stale.headers["x-purveyor-stale"]
