"""Downloads that this server sends elsewhere: to the object store by a signed link, or to a public URL."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
import pytest

from purveyor import assembly
from purveyor.errors import Misconfigured
from purveyor.settings import Settings
from tests.live_server import LiveServer, ServerBeside
from tests.object_server import Bucket
from tests.objects.stored import BOTH, LARGE, SMALL, digest, key, settled, until, url_of


@pytest.fixture
def server(object_store: Bucket, tmp_path: Path) -> Iterator[LiveServer]:
    with LiveServer(tmp_path / "with a space" / "data", blobs=object_store.url, downloads="redirect") as running:
        yield running


def test_a_download_is_a_link_to_the_store_that_is_good_for_an_hour(server: LiveServer, object_store: Bucket) -> None:
    server.host(LARGE)
    answer = server.http.get(url_of(server, LARGE[0]))

    assert (answer.status_code, answer.headers["cache-control"]) == (302, "private, max-age=900")
    link = httpx2.URL(answer.headers["location"])
    assert f"http://{link.host}:{link.port}" == object_store.server.url
    assert link.path.endswith(key(LARGE[1]))
    assert link.params["X-Amz-Expires"] == "3600"
    assert server.http.get(link).content == LARGE[1]


def test_the_same_link_is_given_out_again_so_that_caches_know_it(server: LiveServer) -> None:
    server.host(LARGE)
    url = url_of(server, LARGE[0])
    links = {server.http.get(url, headers={"User-Agent": agent}).headers["location"] for agent in ("one", "one", "two")}

    assert len(links) == 1


def test_what_needs_none_of_the_bytes_is_answered_here(server: LiveServer) -> None:
    server.host(LARGE)
    url, tag = url_of(server, LARGE[0]), f'"{digest(LARGE[1])}"'

    head = server.http.head(url)
    assert (head.status_code, head.headers["content-length"], head.headers["etag"]) == (200, str(len(LARGE[1])), tag)
    assert head.headers["accept-ranges"] == "bytes"
    assert server.http.get(url, headers={"If-None-Match": tag}).status_code == 304


def test_a_part_of_a_file_comes_from_the_store(server: LiveServer) -> None:
    server.host(LARGE)
    part = server.http.get(url_of(server, LARGE[0]), headers={"Range": "bytes=1000000-1000099"}, follow_redirects=True)

    assert (part.status_code, part.content) == (206, LARGE[1][1000000:1000100])


def test_metadata_is_small_and_comes_from_here(server: LiveServer, object_store: Bucket) -> None:
    server.host(*BOTH.items())
    settled(server, object_store, *BOTH.values())

    answers = [server.http.get(file["url"] + ".metadata") for file in server.entries("acme")]
    assert [(answer.status_code, answer.text.partition("\n")[0]) for answer in answers] == [(200, "Metadata-Version: 2.4")] * 2


def test_a_small_file_is_served_from_here_until_it_is_in_the_store(server: LiveServer, object_store: Bucket) -> None:
    server.host(SMALL)
    url = url_of(server, SMALL[0])
    first = server.http.get(url)
    if first.status_code == 200:  # else it was settled already
        assert first.content == SMALL[1]
    settled(server, object_store, SMALL[1])

    assert server.http.get(url).status_code == 302
    assert server.http.get(url, follow_redirects=True).content == SMALL[1]


def test_files_below_the_size_that_is_set_come_from_here(object_store: Bucket, tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", blobs=object_store.url, downloads=1 << 20) as server:
        server.host(*BOTH.items())
        settled(server, object_store, *BOTH.values())
        assert server.http.get(url_of(server, SMALL[0])).content == SMALL[1]
        assert server.http.get(url_of(server, LARGE[0])).status_code == 302


def test_a_link_is_replaced_long_before_it_ends(object_store: Bucket, tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", blobs=object_store.url, downloads="redirect", download_life=6) as server:
        server.host(LARGE)
        url = url_of(server, LARGE[0])
        first = server.http.get(url).headers["location"]
        until(lambda: bool(server.http.get(url).headers["location"] != first))
        assert server.http.get(first).status_code == 200
        assert server.http.get(url, follow_redirects=True).content == LARGE[1]
        until(lambda: server.http.get(first).status_code == 403)
        assert server.http.get(url, follow_redirects=True).content == LARGE[1]


def test_with_a_public_url_nothing_is_signed(tmp_path: Path) -> None:
    """In front of the bucket, or of the data directory."""
    with LiveServer(tmp_path / "data", downloads="redirect", download_url="https://cdn.example/our/blobs/") as server:
        server.host(LARGE)
        answer = server.http.get(url_of(server, LARGE[0]))
        sha256 = digest(LARGE[1])
        assert answer.headers["location"] == f"https://cdn.example/our/blobs/{sha256[:2]}/{sha256[2:]}"
        assert answer.headers["cache-control"] == "public, max-age=3600"
        assert (server.data / "blobs" / sha256[:2] / sha256[2:]).read_bytes() == LARGE[1]


def test_a_file_that_is_gone_from_the_index_has_no_link(server: LiveServer) -> None:
    server.host(LARGE)
    url = url_of(server, LARGE[0])
    assert server.http.get(url).status_code == 302
    deleted = server.http.post(f"{server.url}api/projects/acme/delete", json={"version": "2.0"}, auth=("__token__", server.token))
    assert deleted.status_code == 200, deleted.text
    assert server.http.get(url).status_code == 404


def test_the_express_lane_answers_as_the_plain_read_path_does(server: LiveServer) -> None:
    server.host(LARGE)
    url = url_of(server, LARGE[0])
    with ServerBeside(server.data, blobs=server.environment["PURVEYOR_BLOBS"], downloads="redirect", express=False) as plain:
        for method, headers in (("GET", {}), ("HEAD", {}), ("GET", {"Range": "bytes=0-9"}), ("GET", {"If-None-Match": "*"})):
            answers = [one.http.request(method, url.replace(server.url, one.url), headers=headers) for one in (server, server, plain)]
            assert len({(answer.status_code, answer.text, _undated(answer)) for answer in answers}) == 1


def _undated(answer: httpx2.Response) -> tuple[tuple[str, str], ...]:
    """Without what belongs to one request; and of two links made in different seconds the signatures differ."""
    return tuple((name, value.partition("?")[0]) for name, value in answer.headers.items() if name not in ("date", "x-request-id"))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"downloads": "sometimes"}, "PURVEYOR_DOWNLOADS is 'sometimes'."),
        ({"downloads": "redirect"}, "Files of the data directory have no links to redirect to."),
        ({"download_url": "https://cdn.example/"}, "PURVEYOR_DOWNLOAD_URL says where redirects go, but there are none."),
        ({"accel": "files", "downloads": "redirect"}, "nginx can send files of the data directory only."),
        ({"accel": "files", "folder": "."}, "The files of a folder that is served are sent from here."),
        ({"blobs": "ftp://somewhere"}, "ftp://somewhere cannot be used as an object store."),
    ],
)
def test_settings_that_contradict_each_other_stop_the_start(settings: Mapping[str, str], sentence: str, tmp_path: Path) -> None:
    variables = {f"PURVEYOR_{name.upper()}": value for name, value in settings.items()}

    with pytest.raises(Misconfigured) as raised:
        assembly.application(Settings.from_environment(variables, data=tmp_path / "data"))

    assert raised.value.detail == sentence
