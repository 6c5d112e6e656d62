"""An upstream that does as it is told, and a server that looks there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from purveyor.testing.fake_index import FakeIndex
from tests.live_server import LiveServer


@pytest.fixture
def upstream() -> Iterator[FakeIndex]:
    with FakeIndex() as index:
        yield index


def over(upstream: str, data: Path, **settings: object) -> LiveServer:
    """A server whose ready-made upstream is at that URL."""
    return LiveServer(data, **{"pull_through": "true", "pypi_url": upstream, **settings})


@pytest.fixture
def server(upstream: FakeIndex, tmp_path: Path) -> Iterator[LiveServer]:
    """It asks the upstream for everything that it does not host."""
    with over(upstream.url, tmp_path / "data") as running:
        yield running
