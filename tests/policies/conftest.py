"""An upstream with an old and a new release, the server over it, and its owner."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from purveyor.testing.fake_index import FakeFile, FakeIndex
from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.promotion.people import Person
from tests.upstream.conftest import over


def ago(**time: float) -> str:
    return f"{datetime.now(UTC) - timedelta(**time):%Y-%m-%dT%H:%M:%SZ}"


def offered(upstream: FakeIndex, version: str, name: str = "sample", **time: float) -> FakeFile:
    """A release that the upstream has had for so long."""
    file = upstream.add(*wheel(name, version))
    file.upload_time = ago(**time)
    return file


@pytest.fixture
def upstream() -> Iterator[FakeIndex]:
    """sample 1.0 is a year old, sample 2.0 of today."""
    with FakeIndex() as index:
        offered(index, "1.0", days=365)
        offered(index, "2.0", minutes=1)
        yield index


@pytest.fixture
def server(upstream: FakeIndex, tmp_path: Path) -> Iterator[LiveServer]:
    with over(upstream.url, tmp_path / "data", upstream_hosts="127.0.0.1") as running:
        yield running


@pytest.fixture
def owner(server: LiveServer) -> Person:
    return Person(server, server.token)
