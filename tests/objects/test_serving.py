"""An index whose files are in an object store, by setting alone."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from purveyor import assembly
from purveyor.publishing.cleaning import Amount, Cleaner
from purveyor.settings import Settings
from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.object_server import Bucket
from tests.objects.stored import BOTH, LARGE, SMALL, digest, key, settled, until, url_of


@pytest.fixture
def server(object_store: Bucket, tmp_path: Path) -> Iterator[LiveServer]:
    with LiveServer(tmp_path / "data", blobs=object_store.url) as running:
        yield running


def forget_copies(server: LiveServer) -> None:
    """As on a machine that has never had them."""
    server.stop()
    shutil.rmtree(server.data / "cache")
    server.start()


def test_what_is_uploaded_is_in_the_bucket_and_can_be_downloaded(server: LiveServer, object_store: Bucket) -> None:
    server.host(*BOTH.items())

    assert server.files("acme") == BOTH
    settled(server, object_store, *BOTH.values())
    assert server.files("acme") == BOTH
    metadata = {file["filename"]: server.http.get(file["url"] + ".metadata").content for file in server.entries("acme")}
    assert object_store.objects() == {key(content): len(content) for content in (*BOTH.values(), *metadata.values())}


def test_a_file_that_is_not_here_yet_is_answered_like_one_that_is(server: LiveServer) -> None:
    server.host(LARGE)
    content, url = LARGE[1], url_of(server, LARGE[0])
    for _ in "far", "near":
        head = server.http.head(url)
        assert (head.status_code, head.headers["content-length"]) == (200, str(len(content)))
        assert server.http.get(url, headers={"If-None-Match": f'"{digest(content)}"'}).status_code == 304
        part = server.http.get(url, headers={"Range": "bytes=1000000-1000099"})
        assert (part.status_code, part.content) == (206, content[1000000:1000100])
        whole = server.http.get(url)
        assert (whole.content, whole.headers["etag"]) == (content, f'"{digest(content)}"')
        assert whole.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_many_who_want_the_same_file_at_once_all_get_it(server: LiveServer) -> None:
    server.host(LARGE)
    forget_copies(server)
    url = url_of(server, LARGE[0])
    with ThreadPoolExecutor(8) as clients:
        assert {digest(server.http.get(url).content) for _ in clients.map(lambda _: server.http.get(url), range(8))} == {digest(LARGE[1])}


@pytest.mark.parametrize("distribution", [SMALL, LARGE], ids=["small", "large"])
def test_other_bytes_than_were_uploaded_are_never_served(server: LiveServer, object_store: Bucket, distribution: tuple[str, bytes]) -> None:
    filename, content = distribution
    server.host(distribution)
    settled(server, object_store, content)
    object_store.put(key(content), bytes(len(content)))
    url = url_of(server, filename)

    try:
        answer = server.http.get(url)
    except httpx2.RemoteProtocolError:  # broken off before its end: no client takes it for whole
        assert len(content) > 1 << 20
    else:
        assert answer.status_code == 503
        assert "as it should be" in answer.text

    object_store.put(key(content), content)
    until(lambda: server.http.get(url).status_code == 200)
    assert server.http.get(url).content == content


def test_a_file_that_the_store_has_lost_is_missed_with_a_sentence(server: LiveServer, object_store: Bucket) -> None:
    server.host(LARGE)
    object_store.remove(key(LARGE[1]))

    answer = server.http.get(url_of(server, LARGE[0]))

    assert answer.status_code == 503
    assert answer.text == f"The content with sha256 {digest(LARGE[1])} is missing in the object store. Restore it from a backup.\n"


def test_copies_stay_below_the_size_that_is_set(object_store: Bucket, tmp_path: Path) -> None:
    hosted = dict(wheel("acme", f"1.{number}", {"data.bin": bytes([number]) * 999}) for number in range(40))
    size = sum(map(len, hosted.values()))
    with LiveServer(tmp_path / "data", blobs=object_store.url, blob_cache=size // 2) as server:
        server.host(*hosted.items())
        settled(server, object_store, *hosted.values())
        for _ in range(2):
            assert server.files("acme") == hosted
            copies = [path.stat().st_size for path in (server.data / "cache").rglob("*") if path.is_file()]
            assert 0 < sum(copies) <= size // 2


def test_two_servers_over_one_bucket_serve_the_same_files(object_store: Bucket, tmp_path: Path) -> None:
    with LiveServer(tmp_path / "one", blobs=object_store.url) as one:
        one.host(LARGE)
        one.stop()
        shutil.copytree(one.data, tmp_path / "two", ignore=shutil.ignore_patterns("cache", "staging"))
        with LiveServer(tmp_path / "two", blobs=object_store.url) as two:
            assert two.files("acme") == dict([LARGE])


def test_cleaning_removes_from_the_bucket_what_no_file_names(server: LiveServer, object_store: Bucket) -> None:
    server.host(LARGE)
    before = object_store.objects()
    orphan = bytes(1 << 20)
    object_store.put(key(orphan), orphan)
    with assembly.cleaner(Settings(data=server.data, blobs=object_store.url)) as cleaner:
        assert cleaner.orphans() == Amount()  # it came a moment ago
        assert Cleaner(cleaner._catalog, cleaner._blobs, time.time, blob_age=-1.0).remove_orphans() == Amount(1, 1 << 20)

    assert object_store.objects() == before
    assert server.files("acme") == dict([LARGE])
