"""Wheels that are fetched before anybody asks for them."""

import time
from pathlib import Path

from purveyor.testing.fake_index import FakeFile, FakeIndex
from tests.distributions import wheel
from tests.live_server import LiveServer
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
