"""Files of an upstream are kept in the object store too, and fetched there like any other."""

from pathlib import Path

import pytest

from purveyor.testing.fake_index import FakeIndex
from tests.live_server import LiveServer
from tests.object_server import Bucket
from tests.objects.stored import BOTH, key, settled, url_of


@pytest.mark.parametrize("downloads", ["redirect", pytest.param("stream", marks=pytest.mark.slow)])
def test_a_file_of_an_upstream_is_fetched_there_once_and_then_from_the_store(downloads: str, object_store: Bucket, tmp_path: Path) -> None:
    with FakeIndex() as upstream:
        for distribution in BOTH.items():
            upstream.add(*distribution)
        settings = {"pull_through": "true", "pypi_url": upstream.url, "blobs": object_store.url, "downloads": downloads}
        with LiveServer(tmp_path / "data", **settings) as server:
            assert server.files("acme") == BOTH
            settled(server, object_store, *BOTH.values())
            asked = [request.path for request in upstream.requests if "/files/" in request.path]

            urls = {filename: url_of(server, filename) for filename in BOTH}
            assert {server.http.get(url).status_code for url in urls.values()} == {200 if downloads == "stream" else 302}
            assert {name: server.http.get(url, follow_redirects=True).content for name, url in urls.items()} == BOTH
            assert [request.path for request in upstream.requests if "/files/" in request.path] == asked
            assert {key(content) for content in BOTH.values()} <= object_store.objects().keys()


def test_what_the_store_was_to_give_up_is_fetched_upstream_again(object_store: Bucket, tmp_path: Path) -> None:
    with FakeIndex() as upstream:
        for distribution in BOTH.items():
            upstream.add(*distribution)
        settings = {"pull_through": "true", "pypi_url": upstream.url, "blobs": object_store.url, "cache_size": 1 << 20}
        with LiveServer(tmp_path / "data", **settings) as server:
            for _ in range(2):
                assert server.files("acme") == BOTH
            settled(server, object_store)
            assert server.files("acme") == BOTH
