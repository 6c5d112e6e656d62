"""The express lane answers every request as the plain read path does: two servers over one data directory, one with it, one without."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import distributions
from tests.api.wire import Answer, Wire, request
from tests.distributions import wheel
from tests.live_server import LiveServer, ServerBeside

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"


@dataclass(frozen=True, slots=True)
class Pair:
    express: LiveServer
    plain: LiveServer
    files: tuple[str, ...]
    tags: tuple[str, ...]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    data = tmp_path_factory.mktemp("pair") / "data"
    with LiveServer(data, express=True) as express:
        express.host(*distributions().items())
        with ServerBeside(data, express=False) as plain:
            yield Pair(express, plain, *_targets_and_tags(plain))


def _targets_and_tags(server: LiveServer) -> tuple[tuple[str, ...], tuple[str, ...]]:
    urls = [file["url"] for name in ("acme", "big-project") for file in server.project(name)["files"]]
    tags = [f'"{url.removeprefix("../../packages/").rpartition("/")[0].replace("/", "")}"' for url in urls]
    for media_type in (JSON, "text/html"):
        with Wire(server.url) as wire:
            wire.send(request("/simple/acme/", "GET", f"Accept: {media_type}", "Accept-Encoding: gzip"))
            tags.append(wire.answer()["etag"])
    return tuple("/" + url.removeprefix("../../") for url in urls), tuple(tags)


def exchange(server: LiveServer, data: bytes, *methods: str) -> list[Answer | str]:
    """What comes back for these bytes, sent at once: an answer for each method, and how the connection ends."""
    with Wire(server.url) as wire:
        wire.send(data)
        answers: list[Answer | str] = []
        try:
            for method in methods:
                answers.append(wire.answer(to_head=method == "HEAD").undated)
            wire.shut()
            wire.is_closed()
        except ConnectionError:
            return [*answers, "closed early"]
        return answers


def assert_equal(pair: Pair, data: bytes, *methods: str) -> None:
    """Twice each: the lane holds an answer from the second time on."""
    expected = exchange(pair.plain, data, *methods)
    assert exchange(pair.express, data, *methods) == expected
    assert exchange(pair.express, data, *methods) == expected
    assert exchange(pair.plain, data, *methods) == expected


SPELLINGS = (
    "/simple/",
    "/simple",
    "/simple/acme/",
    "/simple/acme",
    "/simple/ACME/",
    "/simple/big-project/",
    "/simple/Big.Project/",
    "/simple/nothing-here/",
    "//simple/acme/",
    "/simple//acme/",
    "/%73imple/acme/",
    "/simple/acme%2F",
    "/simple/%00/",
    "/simple/%ff/",
    "/simple/acme/?format=" + JSON.replace("+", "%2B"),
    "/simple/acme/?format=nonsense",
    "/simple/acme/?x=1",
    "http://elsewhere.example/simple/acme/",
    "/packages/",
    "/",
    "/nowhere",
    "*",
)
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH")
ACCEPTS = ("", JSON, HTML, "text/html", f"{JSON}, {HTML};q=0.2, text/html;q=0.01", "*/*", "image/png", f"{JSON};q=0")
CODINGS = ("", "gzip", "zstd", "gzip, deflate, zstd", "identity", "br", "gzip;q=0, *")
RANGES = ("", "bytes=0-99", "bytes=-22", "bytes=999999999-", "bytes=0-0,5-5", "nonsense", "bytes=20000-")
ODDITIES = (
    "",
    "Connection: close",
    "Connection: keep-alive",
    "Connection: Upgrade\r\nUpgrade: h2c",
    "Expect: 100-continue",
    "Content-Length: 0",
    "Transfer-Encoding: identity",
    "Authorization: Basic bm9ib2R5Om5vdGhpbmc=",
    "Cookie: " + "c" * 2000,
    "Accept: text/html",
    "X-Empty:",
    "Cache-Control: no-cache\r\nPragma: no-cache",
    "User-Agent: pip/26.3 \xe9",
)
PIECES = st.sampled_from


@st.composite
def requests(draw: st.DrawFn, pair: Pair) -> tuple[str, bytes]:
    target = draw(PIECES(SPELLINGS) | PIECES(pair.files) | PIECES(pair.files).map(lambda path: path + ".metadata"))
    method = draw(PIECES(METHODS[:2]) | PIECES(METHODS))
    tags = PIECES(("", "*", '"other"', *pair.tags, f"W/{pair.tags[0]}", ", ".join(pair.tags)))
    fields = {
        "Accept": draw(PIECES(ACCEPTS)),
        "Accept-Encoding": draw(PIECES(CODINGS)),
        "If-None-Match": draw(st.just("") | tags),
        "Range": draw(st.just("") | PIECES(RANGES)),
        "If-Range": draw(st.just("") | tags),
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value] + [line for line in [draw(PIECES(ODDITIES))] if line]
    data = request(target, method, *draw(st.permutations(lines)))
    if draw(st.integers(0, 9)) == 0:
        data = data.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\n", 1)
    return method, draw(PIECES((b"", b"", b"", b"\r\n"))) + data


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_every_request_gets_the_same_answer_on_the_lane_as_beside_it(pair: Pair, data: st.DataObject) -> None:
    method, request_bytes = data.draw(requests(pair))
    assert_equal(pair, request_bytes, method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("target", SPELLINGS)
def test_every_method_and_spelling_of_a_path_gets_the_same_answer(pair: Pair, method: str, target: str) -> None:
    assert_equal(pair, request(target, method, f"Accept: {JSON}"), method)


def test_after_an_upload_through_either_server_both_give_the_new_answer_at_once(pair: Pair) -> None:
    asked = [request(target, "GET", f"Accept: {accept}") for target in ("/simple/", "/simple/acme/") for accept in (JSON, "text/html")]
    for number, server in enumerate([pair.express, pair.plain] * 5):
        for data in asked:
            assert_equal(pair, data, "GET")
        filename, content = wheel("acme", f"9.{number}")
        server.host((filename, content))
        for data in asked[2:]:
            answer = exchange(pair.express, data, "GET")[0]
            assert isinstance(answer, Answer)
            assert filename.encode() in answer.body
            assert_equal(pair, data, "GET")


def test_empty_lines_before_a_request_do_not_lead_to_another_ones_answer(pair: Pair) -> None:
    for _ in range(3):
        for name in ("acme", "many", "big-project"):
            assert_equal(pair, b"\r\n" + request(f"/simple/{name}/"), "GET")


def test_requests_sent_at_once_are_answered_in_their_order(pair: Pair) -> None:
    chosen = ["/simple/", "/simple/acme/", pair.files[0], "/", pair.files[-1], "/simple/nothing-here/", "/simple/acme", "/simple/"]
    methods = ["GET", "HEAD", "GET", "GET", "GET", "GET", "HEAD", "GET"]
    for _ in range(3):
        assert_equal(pair, b"".join(map(request, chosen, methods)), *methods)


def test_requests_on_one_connection_do_not_affect_each_other(pair: Pair) -> None:
    asked = [
        request("/simple/acme/"),
        request("/simple/acme/", "GET", f"Accept: {JSON}"),
        request(pair.files[-1]),
        request("/simple/nothing-here/"),
        request(pair.files[0], "GET", "Range: bytes=0-9"),
        request("/simple/acme/", "POST", "Content-Length: 5") + b"abcde",
    ]
    with Wire(pair.express.url) as express, Wire(pair.plain.url) as plain:
        for data in asked * 3:
            for wire in (express, plain):
                wire.send(data)
            assert express.answer().undated == plain.answer().undated


def test_a_request_cut_at_any_byte_gets_the_answer_of_the_whole(pair: Pair) -> None:
    data = request("/simple/acme/", "GET", f"Accept: {JSON}", "Accept-Encoding: gzip")
    expected = exchange(pair.plain, data, "GET")[0]
    with Wire(pair.express.url) as wire:
        for cut in range(1, len(data)):
            wire.send(data[:cut])
            assert wire.is_silent(0.001)
            wire.send(data[cut:])
            assert wire.answer().undated == expected
            wire.send(data)  # the lane still knows the whole one
            assert wire.answer().undated == expected


def test_a_request_sent_byte_by_byte_gets_the_answer_of_the_whole(pair: Pair) -> None:
    data = request(pair.files[0], "GET", "Range: bytes=5-")
    expected = exchange(pair.plain, data, "GET")[0]
    with Wire(pair.express.url) as wire:
        for byte in data:
            wire.send(bytes([byte]))
        assert wire.answer().undated == expected


def test_a_request_that_carries_another_in_its_body_is_one_request(pair: Pair) -> None:
    inner = request("/simple/acme/")
    data = request("/simple/", "GET", f"Content-Length: {len(inner)}") + inner
    for _ in range(2):
        assert_equal(pair, data + request("/"), "GET", "GET")
