"""Wheels and pages that are fetched before anybody asks for them."""

import time
from pathlib import Path

import httpx2
import pytest

from purveyor.testing.fake_index import FakeFile, FakeIndex
from tests.distributions import wheel
from tests.live_server import SIMPLE_JSON, LiveServer
from tests.promotion.people import Person
from tests.upstream.conftest import over

_PATIENCE = 20


def _asked(upstream: FakeIndex, file: FakeFile) -> int:
    return sum(request.path == file.path for request in upstream.requests)


def _metadata_is_asked_for(server: LiveServer, project: str) -> None:
    (entry,) = server.entries(project)
    server.http.get(f"{entry['url']}.metadata").raise_for_status()


def test_a_wheel_whose_metadata_was_asked_for_is_here_before_anybody_asks_for_it(upstream: FakeIndex, tmp_path: Path) -> None:
    filename, content = wheel("acme", "1.0")
    file = upstream.add(filename, content)
    with over(upstream.url, tmp_path / "data", fetch_ahead=1 << 20) as server:
        _metadata_is_asked_for(server, "acme")
        deadline = time.monotonic() + _PATIENCE
        while not _asked(upstream, file) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.files("acme") == {filename: content}
        assert _asked(upstream, file) == 1


def test_what_is_too_large_is_fetched_by_whoever_asks_for_it(upstream: FakeIndex, tmp_path: Path) -> None:
    large, small = upstream.add(*wheel("large", "1.0", {"large.py": "x = 1\n" * 1000})), upstream.add(*wheel("small", "1.0"))
    with over(upstream.url, tmp_path / "data", fetch_ahead=len(small.data)) as server:
        for project in ("large", "small"):
            _metadata_is_asked_for(server, project)
        deadline = time.monotonic() + _PATIENCE
        while not _asked(upstream, small) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (_asked(upstream, large), _asked(upstream, small)) == (0, 1)


def _wait_for_page(upstream: FakeIndex, project: str) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while not (found := _page_asked(upstream, project)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(found)


def _page_asked(upstream: FakeIndex, project: str) -> int:
    return sum(request.path == f"/simple/{project}/" for request in upstream.requests)


@pytest.mark.parametrize("what", ["metadata", "wheel"])
def test_pages_of_what_a_wheel_needs_are_here_before_anybody_asks_for_them(what: str, upstream: FakeIndex, tmp_path: Path) -> None:
    """But not of what it needs with an extra or on some systems, nor of what the index hosts or keeps for itself."""
    needs = [
        "first (>=1)",
        "On_Windows ; sys_platform == 'win32'",
        "with-extra; extra == 'more'",
        "Ours<2",
        "Kept.Back",
        "Last_One[x]~=1.0",
    ]
    upstream.add(*wheel("acme", "1.0", metadata=[f"Requires-Dist: {need}" for need in needs]))
    for project in ("first", "on-windows", "with-extra", "ours", "kept-back", "last-one"):
        upstream.add(*wheel(project, "1.0"))
    with over(upstream.url, tmp_path / "data", fetch_ahead=1 << 20) as server:
        server.host(wheel("ours", "1.0"))
        Person(server, server.token).index("default", reserved=["kept-back"])
        (entry,) = server.entries("acme")
        server.http.get(entry["url"] + (".metadata" if what == "metadata" else "")).raise_for_status()
        assert _wait_for_page(upstream, "last-one")
        assert [_page_asked(upstream, project) for project in ("first", "on-windows", "with-extra", "ours", "kept-back")] == [1, 0, 0, 0, 0]
        assert server.project("last-one")["versions"] == ["1.0"]
        assert _page_asked(upstream, "last-one") == 1


def test_they_are_looked_for_where_the_wheel_was_wanted_whatever_others_ask_for(upstream: FakeIndex, tmp_path: Path) -> None:
    upstream.add(*wheel("acme", "1.0", metadata=["Requires-Dist: ours", "Requires-Dist: last"]))
    for project in ("ours", "last", "other"):
        upstream.add(*wheel(project, "1.0"))
    with over(upstream.url, tmp_path / "data", fetch_ahead=1 << 20) as server:
        Person(server, server.token).index("team", upstreams=["pypi"], reserved=["ours"])
        team = f"{server.url}team/simple/"
        (file,) = server.http.get(f"{team}acme/", headers={"Accept": SIMPLE_JSON}).json()["files"]
        server.entries("other")
        server.http.get(str(httpx2.URL(f"{team}acme/").join(file["url"]))).raise_for_status()
        assert _wait_for_page(upstream, "last")
        assert _page_asked(upstream, "ours") == 0
