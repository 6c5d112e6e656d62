"""The object store is away for a while: what is here goes on, the rest asks to be asked again, and nothing has to be restarted."""

import random
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.distributions import wheel
from tests.live_server import SIMPLE_JSON, LiveServer
from tests.object_server import Bucket, ObjectServer
from tests.objects.stored import BOTH, LARGE, SMALL, digest, key, settled, until, url_of

SMALL_LATER = wheel("acme", "3.0", {"acme.py": "answer = 44\n"})
LARGE_LATER = wheel("acme", "4.0", {"data.bin": random.Random(2).randbytes(1 << 20)})
LONGEST = 12.0
"""Seconds after which a client must have been told; a bound, not a measurement."""

AWAY: dict[str, tuple[Callable[[ObjectServer], None], Callable[[ObjectServer], None]]] = {
    "silent": (ObjectServer.pause, ObjectServer.resume),
    "gone": (ObjectServer.kill, ObjectServer.start),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", AWAY)
def test_what_is_here_goes_on_and_the_rest_asks_to_be_asked_again(
    how: str, object_server: ObjectServer, object_store: Bucket, tmp_path: Path
) -> None:
    leave, come_back = AWAY[how]
    with LiveServer(tmp_path / "data", blobs=object_store.url) as server:
        server.host(*BOTH.items())
        settled(server, object_store, *BOTH.values())
        urls = {filename: url_of(server, filename) for filename in BOTH}
        assert server.http.get(urls[SMALL[0]]).content == SMALL[1]  # so there is a copy of this one
        server.http.timeout = LONGEST
        leave(object_server)
        try:
            check_while_away(server, urls)
        finally:
            come_back(object_server)
        # A store that has just come back may take its time with the first file.
        server.http.timeout = 60
        until(lambda: server.http.get(urls[LARGE[0]]).status_code == 200)
        assert server.upload(*LARGE_LATER).status_code == 200
        hosted = BOTH | dict([SMALL_LATER, LARGE_LATER])
        assert server.files("acme") == hosted
        until(lambda: bool(object_store.objects().get(key(SMALL_LATER[1]))))
        forget_copies(server)
        assert server.files("acme") == hosted


def check_while_away(server: LiveServer, urls: dict[str, str]) -> None:
    with ThreadPoolExecutor(8) as clients:
        waiting = [clients.submit(server.http.get, urls[LARGE[0]]) for _ in range(6)]
        waiting.append(clients.submit(server.upload, *LARGE_LATER))
        # However many wait for the store, pages and copies do not.
        for _ in range(20):
            assert server.http.get(f"{server.simple_url}acme/", headers={"Accept": SIMPLE_JSON}).status_code == 200
            assert server.http.get(urls[SMALL[0]]).content == SMALL[1]
        assert server.upload(*SMALL_LATER).status_code == 200  # it is in the database, and goes to the store later
        assert server.http.get(url_of(server, SMALL_LATER[0])).content == SMALL_LATER[1]
        assert {told(future.result()) for future in waiting} == {(503, "5", "The object store")}
    assert [file["filename"] for file in server.entries("acme")] == [SMALL[0], LARGE[0], SMALL_LATER[0]]


def told(answer: httpx2.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.headers["retry-after"], answer.text[:16]


def forget_copies(server: LiveServer) -> None:
    server.stop()
    shutil.rmtree(server.data / "cache")
    server.start()


def test_a_server_starts_while_the_store_is_away(object_server: ObjectServer, object_store: Bucket, tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", blobs=object_store.url) as server:
        server.host(LARGE, SMALL)
        object_server.pause()
        try:
            server.kill()
            server.start()
            assert set(server.hashes("acme").values()) == {digest(content) for content in BOTH.values()}
        finally:
            object_server.resume()
        until(lambda: server.http.get(url_of(server, LARGE[0])).status_code == 200)


def test_links_are_given_while_the_store_is_away(object_server: ObjectServer, object_store: Bucket, tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", blobs=object_store.url, downloads="redirect") as server:
        server.host(LARGE)
        object_server.pause()
        try:
            assert server.http.get(url_of(server, LARGE[0])).status_code == 302
        finally:
            object_server.resume()
