"""Files and parts of files (RFC 9110 13 and 14)."""

import hashlib

import pytest

from tests.api.conftest import Site
from tests.api.wire import Answer, Wire, ask, request

SMALL = "acme-1.0-py3-none-any.whl"
LARGE = "big_project-2.0.tar.gz"
EITHER = pytest.mark.parametrize("filename", [SMALL, LARGE])


def part(site: Site, filename: str, field: str, *more: str) -> Answer:
    return ask(site.url, site.path(filename), "GET", f"Range: {field}", *more)


@EITHER
def test_a_file_arrives_as_it_was_uploaded_and_may_be_kept_for_ever(site: Site, filename: str) -> None:
    answer = ask(site.url, site.path(filename))
    assert answer.body == site.hosted[filename]
    assert answer["content-type"] == "application/octet-stream"
    assert answer["content-length"] == str(len(site.hosted[filename]))
    assert answer["accept-ranges"] == "bytes"
    assert answer["etag"] == f'"{hashlib.sha256(answer.body).hexdigest()}"'
    assert answer["cache-control"] == "public, max-age=31536000, immutable"


@EITHER
def test_a_file_is_never_encoded_whatever_the_client_accepts(site: Site, filename: str) -> None:
    answer = ask(site.url, site.path(filename), "GET", "Accept-Encoding: gzip, zstd, br")
    assert "content-encoding" not in answer
    assert answer.body == site.hosted[filename]


def test_core_metadata_is_text_that_is_not_rendered(site: Site) -> None:
    answer = ask(site.url, site.path(SMALL) + ".metadata")
    assert answer["content-type"] == "text/plain; charset=utf-8"
    assert b"Summary: <b>&\"'" in answer.body


@EITHER
@pytest.mark.parametrize(
    ("field", "cut"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=0-99", slice(0, 100)),
        ("bytes=100-199", slice(100, 200)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-1", slice(-1, None)),
        ("bytes=-22", slice(-22, None)),
        ("bytes=0-999999999", slice(0, None)),
        ("bytes=-999999999", slice(0, None)),
        ("Bytes=1-5", slice(1, 6)),
    ],
)
def test_one_range_is_cut_out_of_a_file(site: Site, filename: str, field: str, cut: slice) -> None:
    content = site.hosted[filename]
    answer = part(site, filename, field)
    first, last, size = cut.indices(len(content))[0], cut.indices(len(content))[1] - 1, len(content)
    assert (answer.status, answer["content-range"]) == (206, f"bytes {first}-{last}/{size}")
    assert answer.body == content[cut]
    assert answer["etag"] == ask(site.url, site.path(filename), "HEAD")["etag"]


@EITHER
@pytest.mark.parametrize("field", ["bytes=999999999-", "bytes=999999999-9999999999", "bytes=-0"])
def test_a_range_outside_a_file_is_416_and_says_how_long_the_file_is(site: Site, filename: str, field: str) -> None:
    answer = part(site, filename, field)
    assert (answer.status, answer["content-range"], answer.body) == (416, f"bytes */{len(site.hosted[filename])}", b"")


@EITHER
@pytest.mark.parametrize(
    "field",
    [
        "bytes=5-2",
        "bytes=-",
        "bytes=",
        "bytes=a-b",
        "bytes=0-0,2-2",
        "bytes=" + ",".join(f"{n}-{n}" for n in range(5000)),
        f"bytes={'9' * 5000}-",
        "lines=0-5",
        "bytes",
        "bytes=\u0663-\u0665".encode().decode("latin-1"),
    ],
)
def test_a_range_that_cannot_be_read_or_is_not_one_is_ignored(site: Site, filename: str, field: str) -> None:
    answer = part(site, filename, field)
    assert (answer.status, answer.body) == (200, site.hosted[filename])


@EITHER
def test_if_range_gives_the_part_only_of_the_very_same_file(site: Site, filename: str) -> None:
    tag = ask(site.url, site.path(filename), "HEAD")["etag"]
    assert part(site, filename, "bytes=0-9", f"If-Range: {tag}").status == 206
    for other in ('"other"', f"W/{tag}", "Sun, 22 Nov 2026 10:00:00 GMT"):
        assert part(site, filename, "bytes=0-9", f"If-Range: {other}").status == 200


@EITHER
def test_who_has_the_file_is_told_so_before_any_range_is_looked_at(site: Site, filename: str) -> None:
    tag = ask(site.url, site.path(filename), "HEAD")["etag"]
    answer = part(site, filename, "bytes=0-9", f"If-None-Match: {tag}")
    assert (answer.status, answer.body) == (304, b"")


@EITHER
def test_head_ignores_ranges(site: Site, filename: str) -> None:
    answer = ask(site.url, site.path(filename), "HEAD", "Range: bytes=0-9")
    assert (answer.status, answer["content-length"]) == (200, str(len(site.hosted[filename])))


@pytest.mark.parametrize("target", ["/simple/", "/simple/acme/"])
def test_pages_know_no_ranges(site: Site, target: str) -> None:
    assert ask(site.url, target, "GET", "Range: bytes=0-9").undated == ask(site.url, target).undated


def test_a_file_takes_no_other_method(site: Site) -> None:
    for method in ("POST", "PUT", "DELETE"):
        answer = ask(site.url, site.path(SMALL), method, "Content-Length: 0")
        assert (answer.status, answer["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_many_files_over_one_connection_arrive_whole_and_in_order(site: Site) -> None:
    wanted = [SMALL, LARGE, SMALL, LARGE, LARGE, SMALL]
    paths = {filename: site.path(filename) for filename in (SMALL, LARGE)}
    with Wire(site.url) as wire:
        wire.send(b"".join(request(paths[filename]) for filename in wanted))
        for filename in wanted:
            assert wire.answer().body == site.hosted[filename]


def test_a_client_that_reads_slowly_gets_the_whole_file(site: Site) -> None:
    with Wire(site.url, receive_buffer=4096) as wire:
        wire.send(request(site.path(LARGE)))
        assert wire.answer().body == site.hosted[LARGE]
