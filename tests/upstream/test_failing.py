"""What happens when an upstream is slow, down, or not telling the truth."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx2
import pytest

from purveyor.testing.fake_index import JSON_TYPE, Answer, FakeIndex
from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.upstream.conftest import over

ACME = "/simple/acme/"
BIG = 3 << 20


def big_wheel(name: str, size: int = BIG) -> tuple[str, bytes]:
    """Not compressible, so that it is as large in the archive."""
    return wheel(name, "1.0", modules={f"{name}.bin": bytes(range(256)) * (size // 256)})


def page(server: LiveServer, name: str = "acme") -> httpx2.Response:
    return server.http.get(f"{server.simple_url}{name}/")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=500),
        Answer(status=403, body=b"no"),
        Answer(status=429, headers={"Retry-After": "60"}),
        Answer(status=302, headers={"Location": ACME}),
        Answer(status=302, headers={"Location": "file:///etc/passwd"}),
        Answer(status=302),
        Answer(content_type=JSON_TYPE, body=b"<!DOCTYPE html><title>Sign in</title>"),
        Answer(body=b"<!DOCTYPE html><title>Sign in</title><a href='/login'>Sign in</a>"),
        Answer(content_type=JSON_TYPE, body=b'{"meta":{"api-version":"2.0"},"name":"acme","files":[]}'),
        Answer(content_type=JSON_TYPE, body=b'{"meta":{"api-version":"1.0"},"name":"other","files":[]}'),
        Answer(content_type=JSON_TYPE, body=b'{"meta":', cut_after=4),
        Answer(content_type=JSON_TYPE, body=b"x", headers={"Content-Encoding": "gzip"}),
        Answer(content_type=JSON_TYPE, body=b"x", headers={"Content-Encoding": "br"}),
        Answer(headers={f"X-{number}": "x" * 60_000 for number in range(3)}),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[:20]!r} {list(answer.headers)[:1]}",
)
def test_rubbish_is_said_to_be_so_and_never_taken_for_no_such_project(upstream: FakeIndex, server: LiveServer, answer: Answer) -> None:
    upstream.answer(ACME, answer)

    said = page(server)

    assert said.status_code == 502
    assert f"127.0.0.1:{httpx2.URL(upstream.url).port}" in said.text
    assert int(said.headers["Retry-After"]) >= 5


def test_what_was_seen_is_offered_while_the_upstream_is_down_even_after_a_restart(upstream: FakeIndex, tmp_path: Path) -> None:
    file = upstream.add(*wheel("acme", "1.0"))
    with over(upstream.url, tmp_path / "data", upstream_fresh=1) as server:
        seen = page(server)
        assert server.files("acme") == {file.filename: file.data}
        upstream.__exit__(None, None, None)
        server.restart()
        stale = page(server)
        while "x-purveyor-stale" not in stale.headers:
            stale = page(server)

        assert (stale.content, stale.headers["etag"]) == (seen.content, seen.headers["etag"])
        assert re.match(r"\d+; The upstream .* does not answer", stale.headers["x-purveyor-stale"])
        assert server.files("acme") == {file.filename: file.data}
        assert page(server, "other").status_code == 502


def test_a_page_that_did_not_change_keeps_its_entity_tag_and_costs_the_upstream_no_body(upstream: FakeIndex, tmp_path: Path) -> None:
    upstream.add(*wheel("acme", "1.0"))
    with over(upstream.url, tmp_path / "data", upstream_fresh=1) as server:
        first = page(server)
        while len(upstream.requests) < 3:
            again = page(server)
            assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])


def test_a_new_release_is_seen_once_the_page_is_no_longer_fresh(upstream: FakeIndex, tmp_path: Path) -> None:
    upstream.add(*wheel("acme", "1.0"))
    with over(upstream.url, tmp_path / "data", upstream_fresh=1) as server:
        page(server)
        upstream.add(*wheel("acme", "2.0"))
        while "2.0" not in server.project("acme")["versions"]:
            pass


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_an_upstream_that_says_when_to_come_back_is_not_asked_before(upstream: FakeIndex, server: LiveServer, form: str) -> None:
    field = "60" if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    upstream.answer(ACME, Answer(status=429, headers={"Retry-After": field}))

    assert page(server).status_code == 502
    for name in ("acme", "bolt"):
        assert int(page(server, name).headers["Retry-After"]) > 30

    assert len(upstream.requests) == 1


@pytest.mark.slow
def test_a_slow_upstream_keeps_no_hosted_project_waiting(upstream: FakeIndex, tmp_path: Path) -> None:
    for number in range(80):
        upstream.answer(f"/simple/slow{number}/", Answer(status=404, delay=4.0))
    with over(upstream.url, tmp_path / "data") as server, ThreadPoolExecutor(80) as threads:
        server.host(wheel("mine", "1.0"))
        slow = [threads.submit(page, server, f"slow{number}") for number in range(80)]
        while len(upstream.requests) < 20:
            pass
        assert page(server, "mine").status_code == 200
        assert server.files("mine").keys() == {wheel("mine", "1.0")[0]}
        assert not any(answer.done() for answer in slow)
        assert {answer.result().status_code for answer in slow} == {404}


@pytest.mark.parametrize("fault", ["digest", "size", "cut off", "longer", "missing", "html"])
@pytest.mark.parametrize("size", [0, BIG])
def test_a_file_that_is_not_as_its_page_says_is_never_given_whole_and_never_kept(
    upstream: FakeIndex, server: LiveServer, fault: str, size: int
) -> None:
    file = upstream.add(*big_wheel("acme", size))
    right = file.data
    if fault == "digest":
        file.data = right[:-1] + b"!"
    elif fault == "size":
        file.size = len(right) + 1
    elif fault == "longer":
        file.data = right + b"!"
    else:
        faults = {"cut off": Answer(body=right, cut_after=len(right) // 2), "missing": Answer(status=404), "html": Answer(body=b"<html>")}
        upstream.answer(file.path, faults[fault])
    url = server.entries("acme")[0]["url"]

    for _ in range(2):
        with suppress(httpx2.RemoteProtocolError, httpx2.ReadError):
            answer = server.http.get(url)
            assert answer.status_code == 502
            assert answer.content != right
    assert [request.path for request in upstream.requests].count(file.path) == 2
    assert "is not kept" in server.log

    if fault in ("digest", "longer"):
        file.data = right
        assert server.http.get(url).content == right


def test_credentials_go_to_the_upstream_alone_and_are_shown_to_nobody(upstream: FakeIndex, tmp_path: Path) -> None:
    file = upstream.add(*wheel("acme", "1.0"))
    with FakeIndex() as elsewhere:
        elsewhere.add(file.filename, file.data)
        file.href = f"{elsewhere.root_url}{file.path}"
        upstream.answer("/simple/broken/", Answer(status=500))
        url = upstream.url.replace("://", "://someone:s3cret@")
        with over(url, tmp_path / "data") as server:
            assert server.files("acme") == {file.filename: file.data}
            said = page(server, "broken").text
            log = server.log
        assert "authorization" in {name.lower() for name in upstream.requests[0].headers}
        assert "authorization" not in {name.lower() for name in elsewhere.requests[0].headers}
    assert "s3cret" not in said + log
    assert not any(b"s3cret" in path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())


def test_a_server_that_is_its_own_upstream_says_so(tmp_path: Path) -> None:
    with over("http://127.0.0.1:9/simple/", tmp_path / "data") as server:
        server.environment["PURVEYOR_PYPI_URL"] = server.simple_url
        server.restart()
        said = page(server)
    assert said.status_code == 502
    assert "answers 502 for acme" in said.text


def test_offline_nothing_is_asked_and_what_is_here_is_offered(upstream: FakeIndex, tmp_path: Path) -> None:
    file = upstream.add(*wheel("acme", "1.0"))
    upstream.add(*wheel("acme", "2.0"))
    with over(upstream.url, tmp_path / "data", upstream_fresh=1) as server:
        kept, other = server.entries("acme")
        assert server.http.get(kept["url"]).content == file.data
        asked = len(upstream.requests)
        server.environment["PURVEYOR_OFFLINE"] = "true"
        server.restart()
        assert server.project("acme")["versions"] == ["1.0", "2.0"]
        assert server.http.get(kept["url"]).content == file.data
        for url in (other["url"], f"{server.simple_url}bolt/"):
            said = server.http.get(url)
            assert (said.status_code, "offline" in said.text) == (404, True)
        assert len(upstream.requests) == asked
