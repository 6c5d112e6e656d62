"""PostgreSQL or the object store goes away in the middle of load and comes back: what is held is read meanwhile, the rest says 503."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http import HTTPStatus
from pathlib import Path

import httpx2
import pytest

from tests.cluster.cluster import Caller, Cluster
from tests.cluster.traffic import Traffic, check_everything
from tests.distributions import wheel
from tests.live_server import SIMPLE_JSON, LiveServer
from tests.object_server import ObjectServer, new_bucket
from tests.postgres_server import PostgresServer

SHORT, LONG = 2.0, pytest.param(10.0, marks=pytest.mark.slow)
PATIENCE = 30.0
"""Seconds after which a server that does not recover is taken to have failed; a bound, not a measurement."""


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    """One that may be stopped."""
    with PostgresServer() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    """Likewise."""
    with ObjectServer(tmp_path / "objects") as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def cluster(tmp_path: Path, database: PostgresServer, store: ObjectServer) -> Iterator[Cluster]:
    with Cluster(tmp_path, database.new_database(), new_bucket(store).url) as running:
        yield running


Outage = tuple[Callable[[], None], Callable[[], None]]


@pytest.fixture(
    params=[
        "database frozen",
        pytest.param("store stopped", marks=pytest.mark.slow),
        pytest.param("database stopped", marks=pytest.mark.slow),
        pytest.param("store frozen", marks=pytest.mark.slow),
    ]
)
def outage(request: pytest.FixtureRequest, database: PostgresServer, store: ObjectServer) -> Outage:
    """What begins it, and what ends it."""
    ways: dict[str, Outage] = {
        "database frozen": (database.freeze, database.thaw),
        "database stopped": (database.stop, database.start),
        "store frozen": (store.pause, store.resume),
        "store stopped": (store.kill, store.start),
    }
    return ways[request.param]


@pytest.mark.parametrize("seconds", [SHORT, LONG])
def test_held_pages_are_read_writes_are_refused_and_all_recovers(
    request: pytest.FixtureRequest, cluster: Cluster, outage: Outage, tmp_path: Path, seconds: float
) -> None:
    held = wheel("held", "1.0")
    cluster.servers[0].host(held)
    pages = [server.project("held") for server in cluster.servers]
    begin, end = outage
    with ExitStack() as stack:
        traffic = Traffic(cluster, publishers=4, readers=4)
        stack.callback(traffic.stop)
        traffic.run_for(seconds / 3)
        begin()
        stack.callback(end)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert [server.project("held") for server in cluster.servers] == pages
        end()
        stack.pop_all()
        _until_all_take_uploads(cluster)
        traffic.run_for(seconds / 3)
        traffic.stop()
    assert {status for _, status, _ in traffic.ledger.refusals} <= {HTTPStatus.SERVICE_UNAVAILABLE}
    if "database stopped" in request.node.name:  # a frozen one may be back before anybody has given up, and small files need no store
        assert any(what.startswith("upload") for what, _, _ in traffic.ledger.refusals)
    check_everything(cluster, traffic.ledger, tmp_path)


def _until_all_take_uploads(cluster: Cluster) -> None:
    """Nobody was started again."""
    deadline = time.monotonic() + PATIENCE
    with Caller(cluster, 0) as caller:
        for number, server in enumerate(cluster.servers):
            while not _takes(caller, server, f"1.{number}", cluster.token):
                assert time.monotonic() < deadline, f"server {number} does not recover: {server.log[-2000:]}"
                time.sleep(0.2)


def _takes(caller: Caller, server: LiveServer, version: str, token: str) -> bool:
    with suppress(httpx2.TransportError):
        uploaded = caller.upload(server, *wheel("back-again", version), token)
        return uploaded.is_success and caller.get(server, "simple/back-again/", SIMPLE_JSON).is_success
    return False
