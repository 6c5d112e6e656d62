"""Many clients, one fetch; and an upstream that is killed in the middle of it."""

import socket
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import httpx2
import psutil
import pytest

from purveyor.testing.fake_index import Answer, FakeFile, FakeIndex
from tests.distributions import wheel
from tests.live_server import LiveServer, new_client
from tests.upstream.conftest import over

CLIENTS = 50
SIZE = 100 << 20


def _download(url: str) -> tuple[int, str]:
    """Size and digest of what comes; raises if it is cut off."""
    digest, size = sha256(), 0
    with new_client() as client, client.stream("GET", url) as answer:
        assert answer.status_code == 200
        for piece in answer.iter_raw():
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def _add_large(upstream: FakeIndex) -> FakeFile:
    return upstream.add("large-1.0-py3-none-any.whl", bytes(range(256)) * (SIZE // 256))


@pytest.mark.slow
def test_fifty_clients_share_one_fetch_and_the_server_does_not_grow(upstream: FakeIndex, server: LiveServer) -> None:
    file = _add_large(upstream)
    url = server.entries("large")[0]["url"]
    before = psutil.Process(server.pid).memory_info().rss
    most = [before]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            most.append(psutil.Process(server.pid).memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(CLIENTS) as clients:
        got = set(clients.map(_download, [url] * CLIENTS))
    done.set()
    watcher.join()

    assert got == {(SIZE, file.sha256)}
    assert [request.path for request in upstream.requests].count(file.path) == 1
    assert max(most) - before < 40 << 20
    assert _download(url) == (SIZE, file.sha256)
    assert [request.path for request in upstream.requests].count(file.path) == 1


class Dripping:
    """An upstream's file that stops half-way until it is let go, or killed."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.go_on = threading.Event()
        self.killed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                connection.recv(65536)
                half = len(self.content) // 2
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self.content) + self.content[:half])
                self.go_on.wait(30)
                if not self.killed:
                    connection.sendall(self.content[half:])


def _dripping(upstream: FakeIndex) -> tuple[FakeFile, Dripping]:
    file = upstream.add("acme-1.0-py3-none-any.whl", bytes(range(256)) * (16 << 10))
    dripping = Dripping(file.data)
    file.href = dripping.url + file.filename
    return file, dripping


def test_bytes_arrive_before_the_upstream_has_sent_them_all(upstream: FakeIndex, server: LiveServer) -> None:
    file, dripping = _dripping(upstream)
    with new_client() as client, client.stream("GET", server.entries("acme")[0]["url"]) as answer:
        pieces = answer.iter_raw(65536)
        first = next(pieces)
        dripping.go_on.set()
        assert first + b"".join(pieces) == file.data


def test_a_client_that_leaves_does_not_end_the_fetch(upstream: FakeIndex, server: LiveServer) -> None:
    file, dripping = _dripping(upstream)
    url = server.entries("acme")[0]["url"]
    with new_client() as client, client.stream("GET", url) as answer:
        next(answer.iter_raw(65536))
    dripping.go_on.set()
    ranged = server.http.get(url, headers={"Range": "bytes=-10"})
    assert (ranged.status_code, ranged.content) == (206, file.data[-10:])


def test_an_upstream_killed_in_the_middle_leaves_nothing_half_done(upstream: FakeIndex, tmp_path: Path) -> None:
    seen = upstream.add(*wheel("seen", "1.0"))
    with over(upstream.url, tmp_path / "data", upstream_fresh=1) as server:
        assert server.files("seen") == {seen.filename: seen.data}
        file, dripping = _dripping(upstream)
        url = server.entries("acme")[0]["url"]
        with new_client() as client, client.stream("GET", url) as answer:
            pieces = answer.iter_raw(65536)
            next(pieces)
            dripping.killed = True
            dripping.go_on.set()
            with pytest.raises(httpx2.RemoteProtocolError):
                deque(pieces, maxlen=0)
        assert server.files("seen") == {seen.filename: seen.data}
        server.kill()
        server.start()
        assert server.files("seen") == {seen.filename: seen.data}
        upstream.answer(file.path, Answer(status=500))
        dripping.killed = False
        assert server.http.get(url).content == file.data


def test_a_head_is_answered_without_fetching(upstream: FakeIndex, server: LiveServer) -> None:
    file = upstream.add(*wheel("acme", "1.0"))
    url = server.entries("acme")[0]["url"]

    head = server.http.head(url)

    assert (head.status_code, int(head.headers["Content-Length"])) == (200, len(file.data))
    assert server.http.get(url, headers={"If-None-Match": f'"{file.sha256}"'}).status_code == 304
    assert [request.path for request in upstream.requests] == ["/simple/acme/"]


def _without_metadata(upstream: FakeIndex) -> tuple[FakeFile, bytes]:
    file = upstream.add(*wheel("acme", "1.0", modules={"a.bin": bytes(range(256)) * 2000}))
    metadata = file.metadata
    assert metadata is not None
    file.metadata = file.metadata_sha256 = None
    return file, metadata


@pytest.mark.parametrize("parts", [True, False])
def test_metadata_that_the_upstream_does_not_offer_is_taken_out_of_the_wheel(upstream: FakeIndex, tmp_path: Path, *, parts: bool) -> None:
    file, metadata = _without_metadata(upstream)
    upstream.parts = parts
    with over(upstream.url, tmp_path / "data", upstream_fresh=1) as server:
        assert server.project("acme")["files"][0]["core-metadata"] is True
        url = server.entries("acme")[0]["url"]
        asked = server.http.get(f"{url}.metadata")
        assert (asked.content, asked.headers["ETag"]) == (metadata, f'"{sha256(metadata).hexdigest()}"')
        ranges = [
            {name.lower(): value for name, value in request.headers.items()}.get("range")
            for request in upstream.requests
            if request.path == file.path
        ]
        assert ranges == (["bytes=-65536"] if parts else ["bytes=-65536", None])
        while server.project("acme")["files"][0]["core-metadata"] is True:
            pass
        assert server.project("acme")["files"][0]["core-metadata"] == {"sha256": sha256(metadata).hexdigest()}
        upstream.__exit__(None, None, None)
        server.restart()
        assert server.http.get(f"{url}.metadata").content == metadata


def test_metadata_of_a_wheel_that_is_here_is_there_offline_too(upstream: FakeIndex, tmp_path: Path) -> None:
    _, metadata = _without_metadata(upstream)
    with over(upstream.url, tmp_path / "data") as server:
        url = server.entries("acme")[0]["url"]
        server.files("acme")
        server.environment["PURVEYOR_OFFLINE"] = "true"
        server.restart()
        assert server.http.get(f"{url}.metadata").content == metadata


def test_a_wheel_without_metadata_is_said_to_have_none(upstream: FakeIndex, server: LiveServer) -> None:
    upstream.add("acme-1.0-py3-none-any.whl", bytes(1000))
    said = server.http.get(f"{server.entries('acme')[0]['url']}.metadata")
    assert (said.status_code, "no core metadata" in said.text) == (404, True)


def test_copies_above_the_cache_size_go_and_hosted_files_stay(upstream: FakeIndex, tmp_path: Path) -> None:
    added = [upstream.add(*wheel(f"acme{number}", "1.0", modules={"a.bin": bytes([number]) * 200_000})) for number in range(6)]
    stored = len(added[0].data)
    with over(upstream.url, tmp_path / "data", cache_size=stored * 3) as server:
        server.host((added[0].filename, added[0].data), wheel("mine", "1.0"))
        for file in added:
            assert server.files(file.project) == {file.filename: file.data}
        for file in added[1:]:
            assert server.files(file.project) == {file.filename: file.data}
        assert server.files(added[0].project) == {added[0].filename: added[0].data}
        kept = sum(path.stat().st_size for path in (tmp_path / "data" / "blobs").rglob("*") if path.is_file())
        assert kept < 5 * stored
        assert added[0].path not in [request.path for request in upstream.requests]
