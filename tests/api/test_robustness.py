"""What nobody should send: refused with a 4xx or 501 or a closed connection, never a 5xx, and the next client notices nothing."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from tests.api import form
from tests.api.wire import TIMEOUT, Answer, Wire, ask, request
from tests.distributions import sdist, wheel
from tests.live_server import LiveServer

WHEEL = wheel("acme", "1.0")
GET = b"GET /simple/acme/ HTTP/1.1\r\n"
HOST = b"Host: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("index") / "data", "--verbose", header_timeout=1, idle_timeout=2) as server:
        server.host(WHEEL)
        yield server


@pytest.fixture
def alive(index: LiveServer) -> Iterator[LiveServer]:
    """The index, which must answer everybody else afterwards, and have met nothing that it did not expect."""
    before = len(index.log)
    yield index
    assert ask(index.url, "/simple/acme/").status == 200
    assert index.upload(*WHEEL).status_code == 200
    assert "Traceback" not in index.log[before:]
    assert "internal error" not in index.log[before:]


def outcome(server: LiveServer, data: bytes) -> Answer | None:
    """The first answer to these bytes, or None if the connection was closed without one."""
    with Wire(server.url) as wire:
        try:
            wire.send(data)
            return wire.answer()
        except ConnectionError:
            return None


NOT_HTTP = {
    "no Host": GET + b"\r\n",
    "two Hosts": GET + HOST + HOST + b"\r\n",
    "Content-Length and Transfer-Encoding": b"POST /legacy/ HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "Transfer-Encoding and Content-Length": b"POST /legacy/ HTTP/1.1\r\n" + HOST + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /legacy/ HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    "a negative length": b"POST /legacy/ HTTP/1.1\r\n" + HOST + b"Content-Length: -5\r\n\r\n",
    "a length in words": b"POST /legacy/ HTTP/1.1\r\n" + HOST + b"Content-Length: five\r\n\r\n",
    "a list of lengths": b"POST /legacy/ HTTP/1.1\r\n" + HOST + b"Content-Length: 5, 5\r\n\r\nabcde",
    "a length with a sign": b"POST /legacy/ HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nabcde",
    "a length beyond numbers": b"POST /legacy/ HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
    "chunked twice": b"POST /legacy/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a space before the colon": GET + b"Host : x\r\n\r\n",
    "a folded line": GET + HOST + b"X: a\r\n b\r\n\r\n",
    "bare line feeds": b"GET /simple/ HTTP/1.1\nHost: x\n\n",
    "a bare carriage return": GET + HOST + b"X: a\rY: b\r\n\r\n",
    "a NUL in a field": GET + HOST + b"X: a\x00b\r\n\r\n",
    "a NUL in the path": b"GET /simple/\x00/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space in the path": b"GET /simple/a b/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "no version": b"GET /simple/\r\n\r\n",
    "version 2": b"GET /simple/ HTTP/2.0\r\n" + HOST + b"\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "an unknown method": b"STEAL /simple/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method in small letters": b"get /simple/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "a proxy's method": b"CONNECT elsewhere.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target of 10,000 bytes": b"GET /simple/" + b"a" * 10_000 + b"/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "a field of 100,000 bytes": GET + HOST + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
    "fields of 100,000 bytes": GET + HOST + b"X: a\r\n" * 20_000 + b"\r\n",
    "a name of 100,000 bytes": GET + HOST + b"X" * 100_000,
}


@pytest.mark.parametrize("case", NOT_HTTP)
def test_what_is_not_http_is_refused_and_ends_the_connection(alive: LiveServer, case: str) -> None:
    answer = outcome(alive, NOT_HTTP[case])
    if answer is not None:
        assert 400 <= answer.status < 500 or answer.status in (501, 505)
        assert answer["connection"] == "close"
        assert answer.text.strip() in answer.reason


@pytest.mark.parametrize("case", ["two Hosts", "Content-Length and Transfer-Encoding", "a target of 10,000 bytes", "a proxy's method"])
def test_what_follows_a_refused_request_is_not_read(alive: LiveServer, case: str) -> None:
    with Wire(alive.url) as wire:
        wire.send(NOT_HTTP[case] + request("/health"))
        assert 400 <= wire.answer().status <= 501
        assert wire.is_closed()


def test_a_refused_request_does_not_take_the_answer_of_the_one_before(alive: LiveServer) -> None:
    for target in ("/health", "/simple/acme/", "/simple/nothing-here/"):
        with Wire(alive.url) as wire:
            wire.send(request(target) + b"RUBBISH\r\n\r\n")
            assert wire.answer().undated.body == ask(alive.url, target).body
            try:
                assert wire.is_closed()
            except AssertionError:
                assert wire.answer().status in (400, 501)


PATHS = [
    "/../../../etc/passwd",
    "/simple/../../etc/passwd",
    "/simple/..%2f..%2f..%2fetc%2fpasswd",
    "/%2F%2F..%2F..%2Fetc%2Fpasswd",
    "/simple/..%5c..%5cetc",
    "/packages/../../upload-token",
    "/packages/%2e%2e/%2e%2e/upload-token",
    "/packages/ab/cd/" + "e" * 60 + "/..%2f..%2fupload-token",
    "/packages/ab/cd/" + "e" * 60 + "/",
    "/staging/",
    "/upload-token",
    "/purveyor.sqlite",
    "/simple/%00/",
    "/simple/acme%00/",
    "/simple/%0d%0aSet-Cookie:%20a=b/",
    "/simple/%0d%0aLocation:%20x",
    "/simple/%ff%fe/",
    "/simple/%c0%af/",
    "/simple/%/",
    "/simple/%zz/",
    "/simple/%E2%84%AAelvin/",
    "/simple/" + "a-" * 2000 + "a/",
    "//evil.example/simple/acme",
    "//evil.example/%2e%2e",
    "/\\evil.example/",
    "/simple/\\evil.example",
    "/simple/?format=%00",
    "/simple/?" + "a=b&" * 1000,
    "/legacy/+simple/%00/",
    "/legacy/+simple/%2e%2e%2f/",
    "http://evil.example/simple/Acme",
    "http://[::1/simple/",
    "*",
    ":",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_no_path_leads_out_of_the_index(alive: LiveServer, path: str, method: str) -> None:
    answer = outcome(alive, request(path, method, "Content-Length: 0")) if method != "HEAD" else ask(alive.url, path, method)
    if answer is None:
        return
    assert answer.status < 500 or answer.status == 501
    assert b"root:" not in answer.body
    assert alive.token.encode() not in answer.body
    assert "set-cookie" not in answer
    if 300 <= answer.status < 400:
        where = answer["location"]
        assert "evil" not in where
        assert where.startswith(("../", "simple/"))


def test_the_host_field_of_a_request_appears_nowhere_in_an_answer(alive: LiveServer) -> None:
    lies = [
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: https",
        "X-Outside-Url: http://evil.example/",
        "Forwarded: host=evil.example",
    ]
    for target in ("/", "/simple", "/simple/", "/simple/Acme", "/simple/acme/", "/health/", "/legacy/+simple/Acme/"):
        with Wire(alive.url) as wire:
            wire.send(request(target, "GET", *lies).replace(b"index.example", b"evil.example"))
            assert "evil" not in repr(wire.answer())


# ---------------------------------------------------------------------- slowness
def test_a_head_that_never_ends_is_given_up(alive: LiveServer) -> None:
    with Wire(alive.url) as wire:
        wire.send(GET)
        answer = wire.answer()
        assert (answer.status, answer["connection"]) == (408, "close")
        assert wire.is_closed()


def test_a_head_that_trickles_is_given_up_too(alive: LiveServer) -> None:
    with Wire(alive.url) as wire:
        wire.send(GET)
        for _ in range(100):
            if not wire.is_silent(0.1):
                break
            wire.send(b"X")
        assert wire.answer().status == 408


def test_a_body_that_stops_coming_is_given_up(alive: LiveServer) -> None:
    with Wire(alive.url) as wire:
        wire.send(form.head(alive, "Content-Length: 1000000") + form.body(*WHEEL)[:300])
        assert wire.answer().status == 408
        assert wire.is_closed()


def test_a_body_that_trickles_is_given_up(alive: LiveServer) -> None:
    with Wire(alive.url) as wire:
        wire.send(form.head(alive, "Content-Length: 1000000"))
        for _ in range(100):
            if not wire.is_silent(0.1):
                break
            wire.send(b"x")
        assert wire.answer().status == 408


def test_a_connection_without_a_request_is_closed_in_the_end(alive: LiveServer) -> None:
    with Wire(alive.url) as silent, Wire(alive.url) as used:
        used.send(request("/simple/acme/"))
        used.answer()
        assert silent.is_closed()
        assert used.is_closed()


def test_a_trailer_without_end_is_cut_off(alive: LiveServer) -> None:
    for piece in (b"X: " + b"y" * 10_000 + b"\r\n", b"y" * 10_000):
        with Wire(alive.url) as wire:
            wire.send(form.head(alive, "Transfer-Encoding: chunked") + b"1\r\n-\r\n0\r\n")
            assert wire.send_until_refused(piece, 5_000)


def test_two_hundred_idle_connections_hold_up_nobody(alive: LiveServer) -> None:
    with ExitStack() as idle:
        for number in range(200):
            wire = idle.enter_context(Wire(alive.url))
            if number % 2:
                wire.send(b"GET /simple/ HTTP/1.1\r\nHost:")
        assert ask(alive.url, "/simple/acme/").status == 200
        assert alive.upload(*WHEEL).status_code == 200


def test_a_thousand_requests_sent_at_once_end_in_answers_or_a_closed_connection(alive: LiveServer) -> None:
    with Wire(alive.url) as wire:
        wire.send_until_refused(request("/simple/nothing-here/") * 1000, 1)
        count = 0
        try:
            while count < 1000:
                assert wire.answer().status in (400, 404)
                count += 1
        except ConnectionError:
            pass
        assert count > 0


@pytest.fixture(scope="module")
def large(index: LiveServer) -> tuple[str, bytes]:
    """The path and the bytes of a file that fits in no socket's buffer."""
    filename, content = sdist("large", "1.0", modules={"noise": hashlib.shake_128(b"large").digest(50 << 20)})
    index.host((filename, content))
    return "/" + index.project("large")["files"][0]["url"].removeprefix("../../"), content


def test_many_spellings_of_one_url_do_not_each_keep_a_file_open(alive: LiveServer, large: tuple[str, bytes]) -> None:
    path, content = large
    server = psutil.Process(alive.pid)
    before = server.num_fds()
    with Wire(alive.url) as wire:
        for number in range(3000):
            wire.send(request(f"{path}?n={number}", "GET", "Range: bytes=0-20000"))
            assert wire.answer().body == content[:20001]
    # As many as the lane's share of the memory allows, at 16 KiB each.
    assert server.num_fds() - before < 2000


def test_who_reads_nothing_of_a_large_file_is_dropped(alive: LiveServer, large: tuple[str, bytes]) -> None:
    path, content = large
    with Wire(alive.url, receive_buffer=4096) as wire:
        wire.send(request(path))
        server = psutil.Process(alive.pid)
        deadline = time.monotonic() + TIMEOUT
        while any(connection.raddr and connection.raddr[1] == wire.port for connection in server.net_connections()):
            assert time.monotonic() < deadline, "still connected"
            time.sleep(0.1)
        with pytest.raises(ConnectionError):
            wire.answer()
    assert ask(alive.url, path).body == content


def test_who_asks_on_and_on_and_reads_no_answer_is_dropped(alive: LiveServer) -> None:
    """Each request arrives alone, so that it is one that the express lane knows."""
    alive.host(*(wheel("often", f"1.{number}") for number in range(60)))
    with Wire(alive.url, receive_buffer=4096) as wire:
        deadline = time.monotonic() + TIMEOUT
        while not wire.send_until_refused(request("/simple/often/"), 1):
            assert time.monotonic() < deadline, "still answered"
            time.sleep(0.005)


@pytest.mark.slow
def test_who_reads_a_large_file_slowly_gets_all_of_it(alive: LiveServer, large: tuple[str, bytes]) -> None:
    path, content = large
    with Wire(alive.url, receive_buffer=1 << 16) as wire:
        wire.send(request(path))
        for _ in range(20):
            time.sleep(0.25)  # three times as long as a silent client would be given
            wire.take(100_000)
        assert wire.answer().body == content
