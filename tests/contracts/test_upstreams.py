"""Upstreams over HTTP, and what is kept of them in SQLite."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from purveyor.adapters.http_upstream import HttpUpstream
from purveyor.adapters.late_upstream import LateUpstream
from purveyor.adapters.snapshots import SqlPulledBlobs, SqlSnapshots
from purveyor.adapters.sqlite import Database
from purveyor.interfaces import PulledBlobs, Snapshots, Upstream
from purveyor.testing.upstream_contracts import PulledBlobsContract, SnapshotsContract, UpstreamContract


class TestHttpUpstream(UpstreamContract):
    @pytest.fixture
    def open_upstream(self) -> Iterator[Callable[[], Upstream]]:
        opened: list[Upstream] = []

        def once_more() -> Upstream:
            opened.append(LateUpstream(lambda: HttpUpstream(5, "tests")))
            return opened[-1]

        yield once_more
        for upstream in opened:
            upstream.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "catalog.sqlite")
    yield database
    database.close()


class TestSqlSnapshots(SnapshotsContract):
    @pytest.fixture
    def open_snapshots(self, database: Database) -> Callable[[], Snapshots]:
        return lambda: SqlSnapshots(database)


class TestSqlPulledBlobs(PulledBlobsContract):
    @pytest.fixture
    def open_pulled(self, database: Database) -> Callable[[], PulledBlobs]:
        return lambda: SqlPulledBlobs(database)
