"""A cluster for each test, over a database and a bucket of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.object_server import Bucket


@pytest.fixture
def cluster(tmp_path: Path, postgres_url: str, object_store: Bucket) -> Iterator[Cluster]:
    with Cluster(tmp_path, postgres_url, object_store.url) as running:
        yield running
