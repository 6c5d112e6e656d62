"""An index whose files are in an object store, by setting alone."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.object_server import Bucket


@pytest.fixture
def server(object_store: Bucket, tmp_path: Path) -> Iterator[LiveServer]:
    with LiveServer(tmp_path / "data", blobs=object_store.url) as running:
        yield running


def test_what_is_uploaded_is_in_the_bucket_and_can_be_downloaded(server: LiveServer, object_store: Bucket) -> None:
    hosted = dict([wheel("acme", "1.0"), wheel("acme", "2.0", {"acme/data.bin": os.urandom(3 << 20)})])
    server.host(*hosted.items())

    assert server.files("acme") == hosted
    server.restart()
    assert server.files("acme") == hosted
