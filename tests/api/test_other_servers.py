"""The same application under a server that is not ours: granian knows neither the express lane nor any extension of it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from tests.api.conftest import Site
from tests.api.test_express_lane import ACCEPTS, CODINGS, RANGES
from tests.api.wire import Answer, ask
from tests.distributions import wheel
from tests.live_server import START_LIMIT


@dataclass(frozen=True, slots=True)
class Granian:
    url: str


@pytest.fixture(scope="module")
def granian(site: Site) -> Iterator[Granian]:
    """Over the data directory of `site`, whose own server goes on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"PURVEYOR_DATA": str(site.server.data)}
    with subprocess.Popen([*command, "purveyor.assembly:asgi_app"], env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, process)
            yield Granian(f"http://127.0.0.1:{port}/")
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        assert process.poll() is None, "granian ended before it was up"
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("granian did not come up")


def told(answer: Answer) -> tuple[int, set[tuple[str, str]], bytes]:
    """What does not depend on the server: its own fields, and how it frames a body that no HEAD has, are left out."""
    own = ("date", "server", "connection", "content-length")
    return answer.status, {pair for pair in answer.undated.fields if pair[0] not in own}, answer.body


def assert_same(site: Site, granian: Granian, target: str, method: str, *fields: str) -> None:
    assert told(ask(granian.url, target, method, *fields)) == told(ask(site.url, target, method, *fields))


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT"])
@pytest.mark.parametrize("target", ["/simple/", "/simple/acme/", "/simple/Acme", "/simple/nothing-here/", "/packages/", "/nowhere", "/"])
def test_every_path_gets_the_same_answer(site: Site, granian: Granian, target: str, method: str) -> None:
    assert_same(site, granian, target, method)


@pytest.mark.parametrize("accept", ACCEPTS)
@pytest.mark.parametrize("coding", CODINGS)
def test_every_representation_is_the_same(site: Site, granian: Granian, accept: str, coding: str) -> None:
    assert_same(site, granian, "/simple/many/", "GET", f"Accept: {accept}", f"Accept-Encoding: {coding}")


@pytest.mark.parametrize("field", RANGES)
@pytest.mark.parametrize("filename", ["acme-1.9+local.1-py3-none-any.whl", "big_project-2.0.tar.gz"])
def test_every_part_of_a_file_is_the_same(site: Site, granian: Granian, filename: str, field: str) -> None:
    assert_same(site, granian, site.path(filename), "GET", f"Range: {field}")


def test_who_has_the_page_is_told_so(site: Site, granian: Granian) -> None:
    tag = ask(granian.url, "/simple/acme/")["etag"]
    assert ask(granian.url, "/simple/acme/", "GET", f"If-None-Match: {tag}").status == 304


def test_an_upload_to_either_server_is_in_the_next_answer_of_the_other(site: Site, granian: Granian) -> None:
    for number in range(3):
        filename, content = wheel("late", f"1.{number}")
        site.server.host((filename, content))
        assert filename in ask(granian.url, "/simple/late/").text


def test_a_refused_upload_says_why_in_its_body(granian: Granian) -> None:
    answer = ask(granian.url, "/legacy/", "POST", "Content-Length: 0")
    assert answer.status == 401
    assert answer["www-authenticate"].startswith("Basic ")
    assert answer.text.startswith("Uploading needs a token.")
