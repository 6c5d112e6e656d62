"""What readers are promised who go from server to server."""

import os
import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.api.wire import Wire, request
from tests.distributions import wheel
from tests.live_server import LiveServer, new_client
from tests.postgres.conftest import Serve


def test_what_one_server_takes_in_every_server_offers_at_the_next_request(serve: Serve) -> None:
    one, other = serve(), serve()
    hosted = dict(wheel("acme", f"1.{number}") for number in range(10))
    for number, distribution in enumerate(hosted.items()):
        assert one.upload(*distribution).status_code == 200
        assert set(other.hashes("acme")) == set(list(hosted)[: number + 1])
    assert other.files("acme") == one.files("acme") == hosted


@pytest.mark.parametrize("express", ["true", pytest.param("false", marks=pytest.mark.slow)])
def test_no_reader_who_goes_from_server_to_server_sees_a_page_go_back(serve: Serve, express: str) -> None:
    """Two publish and four read, each asking now this server and now that; the lane answers, or the read path does."""
    servers = [serve(express=express), serve(express=express, workers=2)]
    token, done, uploads = servers[0].token, threading.Event(), 15

    def publish(number: int) -> set[str]:
        with new_client() as client:
            for serial in range(uploads):
                filename, content = wheel("acme", f"{number}.{serial}")
                server = servers[(number + serial) % 2]
                assert server.upload(filename, content, token=token, client=client).status_code == 200
                assert filename in client.get(f"{servers[(number + serial + 1) % 2].simple_url}acme/").text
        return {wheel("acme", f"{number}.{serial}")[0] for serial in range(uploads)}

    def read(seed: int) -> int:
        choose, before, backwards = random.Random(seed), set[bytes](), 0
        with Wire(servers[0].url) as one, Wire(servers[1].url) as other, Wire(servers[1].url) as third:
            while not done.is_set():
                wire = choose.choice((one, other, third))
                wire.send(request("/simple/acme/", "GET", f"Accept-Encoding: {choose.choice(['identity', 'br'])}"))
                seen = set(re.findall(rb">([^<>]+[.]whl)<", wire.answer().body))
                backwards += not before <= seen
                before = seen
        return backwards

    with ThreadPoolExecutor(6) as pool:
        assert servers[0].upload(*wheel("acme", "0.0"), token=token).status_code == 200
        reading = [pool.submit(read, seed) for seed in range(4)]
        try:
            published = [one.result() for one in [pool.submit(publish, number) for number in (1, 2)]]
        finally:
            done.set()
        assert [one.result() for one in reading] == [0] * 4
    assert [set(server.hashes("acme")) - {wheel("acme", "0.0")[0]} for server in servers] == [set().union(*published)] * 2


def test_requests_that_are_sent_ahead_are_answered_in_their_order(serve: Serve) -> None:
    server = serve()
    server.host(wheel("acme", "1.0"), wheel("bolt", "1.0"))
    with Wire(server.url) as wire:
        for _ in range(3):  # the first time they are read, from then on they are held
            wire.send(b"".join(request(f"/simple/{name}/") for name in ("acme", "bolt", "acme")))
            assert [name in wire.answer().body for name in (b"acme-1.0", b"bolt-1.0", b"acme-1.0")] == [True] * 3
        for name in ("acme", "bolt") * 20:
            wire.send(request(f"/simple/{name}/"))
        assert [b"acme-1.0" in wire.answer().body for _ in range(40)] == [True, False] * 20


def test_a_file_on_its_way_is_followed_by_what_was_asked_for_after_it(serve: Serve) -> None:
    server, (filename, content) = serve(), wheel("acme", "1.0", {"acme/data.bin": os.urandom(3 << 20)})
    server.host((filename, content), wheel("bolt", "1.0"))
    file = httpx2.URL(server.entries("acme")[0]["url"]).raw_path.decode()
    with Wire(server.url) as wire:
        for _ in range(3):
            for path in (file, "/simple/bolt/", file, "/simple/acme/"):
                wire.send(request(path))
            assert [wire.answer().body == content for _ in range(4)] == [True, False, True, False]


def test_in_bounded_mode_every_server_follows_within_a_moment(serve: Serve) -> None:
    servers = [serve(consistency="bounded"), serve(consistency="bounded")]
    for number in range(5):
        servers[0].host(wheel("acme", f"1.{number}"))
        assert set(servers[0].hashes("acme")) == {wheel("acme", f"1.{older}")[0] for older in range(number + 1)}
        assert _soon(servers[1], wheel("acme", f"1.{number}")[0])


def _soon(server: LiveServer, filename: str) -> bool:
    for _ in range(200):
        if filename in server.hashes("acme"):
            return True
        threading.Event().wait(0.05)
    return False
