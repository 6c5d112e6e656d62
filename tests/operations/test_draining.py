"""A server that is told to end finishes what it has begun, and loses nothing that anybody was told is there."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import shake_128
from pathlib import Path
from threading import Event

import httpx2
import pytest

from tests.api import form
from tests.api.wire import Wire, request
from tests.distributions import wheel
from tests.live_server import LiveServer, ServerBeside
from tests.operations.watching import exit_code, readiness, report, terminate, until

_PIECES = 20


def large_wheel(megabytes: int) -> tuple[str, bytes]:
    return wheel("acme", "1.0", modules={"noise.bin": shake_128(b"noise").digest(megabytes << 20)})


def pieces(body: bytes) -> Iterator[bytes]:
    size = -(-len(body) // _PIECES)
    return (body[start : start + size] for start in range(0, len(body), size))


def refuses(server: LiveServer) -> bool:
    where = httpx2.URL(server.url)
    try:
        with socket.create_connection((where.host, where.port or 80)):
            return False
    except ConnectionRefusedError:
        return True


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_upload_under_way_is_acknowledged_and_there_after_the_restart(tmp_path: Path, workers: int) -> None:
    filename, content = large_wheel(20)
    with LiveServer(tmp_path / "data", workers=workers) as server:
        body = form.body(filename, content)
        with Wire(server.url) as wire:
            wire.send(form.head(server, f"Content-Length: {len(body)}"))
            for number, piece in enumerate(pieces(body)):
                wire.send(piece)
                if number == _PIECES // 2:
                    terminate(server)
                    until(lambda: refuses(server))
                time.sleep(0.02)
            answer = wire.answer()
            assert (answer.status, answer["connection"]) == (200, "close")
            assert wire.is_closed()
        assert exit_code(server) == 0
        server.restart()
        assert server.files("acme") == {filename: content}


def test_a_download_under_way_is_finished(tmp_path: Path) -> None:
    filename, content = large_wheel(20)
    with LiveServer(tmp_path / "data") as server:
        server.host((filename, content))
        path = httpx2.URL(server.entries("acme")[0]["url"]).path
        with Wire(server.url, receive_buffer=1 << 16) as wire:
            wire.send(request(path))
            wire.take(1 << 16)
            terminate(server)
            until(lambda: refuses(server))
            assert wire.answer().body == content
            assert wire.is_closed()
        assert exit_code(server) == 0


def test_what_takes_longer_than_the_limit_is_given_up(tmp_path: Path) -> None:
    filename, content = large_wheel(1)
    with LiveServer(tmp_path / "data", drain_timeout=1) as server:
        body = form.body(filename, content)
        with Wire(server.url) as wire:
            wire.send(form.head(server, f"Content-Length: {len(body)}") + body[:-1])
            until(lambda: any((server.data / "staging").iterdir()))
            terminate(server)
            assert exit_code(server) == 0
        assert list((server.data / "staging").iterdir()) == []


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_while_a_balancer_takes_notice_requests_are_answered_and_connections_closed(tmp_path: Path, workers: int) -> None:
    with LiveServer(tmp_path / "data", drain_delay=600, workers=workers) as server:
        server.host(wheel("acme", "1.0"))
        with Wire(server.url) as kept, Wire(server.url) as unused:
            for _ in range(3):  # from the express lane, in the end
                kept.send(request("/simple/acme/"))
                assert "connection" not in kept.answer()
            terminate(server)
            until(lambda: readiness(server)[0] == 503)
            assert readiness(server, "?exclude=draining")[0] == 200
            for wire in (kept, unused):
                wire.send(request("/simple/acme/"))
                answer = wire.answer()
                assert (answer.status, answer["connection"]) == (200, "close")
                assert wire.is_closed()
            assert server.upload(*wheel("acme", "1.1")).status_code == 200
        terminate(server)  # a second word ends the waiting
        assert exit_code(server) == 0


def get_somewhere(urls: list[str], client: httpx2.Client) -> int:
    """As a client does that tries the next server where one refuses, or closes before it has said a word."""
    for url in urls * 50:
        try:
            return client.get(f"{url}simple/acme/").status_code
        except (httpx2.ConnectError, httpx2.RemoteProtocolError, httpx2.ReadError):
            time.sleep(0.02)
    return 0


@pytest.mark.slow
def test_restarting_one_server_after_the_other_loses_no_request(tmp_path: Path) -> None:
    stop = Event()

    def install(urls: list[str]) -> list[int]:
        seen = []
        with httpx2.Client(trust_env=False, timeout=30) as client:
            while not stop.is_set():
                seen.append(get_somewhere(urls, client))
        return seen

    with LiveServer(tmp_path / "data") as first, ServerBeside(tmp_path / "data") as second:
        first.host(wheel("acme", "1.0"))
        urls = [first.url, second.url]
        with ThreadPoolExecutor(4) as threads:
            clients = [threads.submit(install, order) for order in (urls, urls[::-1]) * 2]
            for server in (first, second):
                server.restart()
            stop.set()
            statuses = [status for client in clients for status in client.result()]
        assert len(statuses) > 50
        assert set(statuses) == {200}


def test_stop_waits_as_long_as_the_server_may_take(tmp_path: Path) -> None:
    """The record of a server says how long that is, so that nobody kills one that is finishing an upload."""
    with LiveServer(tmp_path / "data", drain_delay=7, drain_timeout=120) as server:
        assert report((server.data / "in-use").read_text())["drain"] == 127
