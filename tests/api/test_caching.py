"""Entity tags, 304, Vary and content codings: what a cache may keep, and when it must ask again."""

import gzip
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from tests.api.conftest import Site
from tests.api.wire import Answer, ask
from tests.distributions import wheel
from tests.live_server import LiveServer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TYPES = ("application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html", "text/html")
DECODERS: dict[str, Callable[[bytes], bytes]] = {"identity": bytes, "gzip": gzip.decompress, "zstd": zstd.decompress}
PAGES = ("/simple/", "/simple/many/")


def get(site: Site | LiveServer, target: str, media_type: str = TYPES[0], coding: str = "identity", *more: str) -> Answer:
    return ask(site.url, target, "GET", f"Accept: {media_type}", f"Accept-Encoding: {coding}", *more)


def decoded(answer: Answer) -> bytes:
    return DECODERS[answer.get("content-encoding") or "identity"](answer.body)


@pytest.mark.parametrize("media_type", TYPES)
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_every_coding_decodes_to_the_same_bytes(site: Site, media_type: str, coding: str) -> None:
    plain, encoded = get(site, "/simple/many/", media_type), get(site, "/simple/many/", media_type, coding)
    assert encoded["content-encoding"] == coding
    assert "content-encoding" not in plain
    assert len(encoded.body) < len(plain.body)
    assert decoded(encoded) == plain.body


def test_what_would_hardly_become_smaller_is_not_encoded(site: Site) -> None:
    assert "content-encoding" not in get(site, "/simple/", TYPES[0], "gzip")


@pytest.mark.parametrize(
    ("field", "coding"),
    [
        ("gzip, deflate, zstd", "zstd"),
        ("gzip, deflate", "gzip"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("br", None),
        ("identity", None),
        ("gzip;q=0", None),
        ("*", "zstd"),
        ("*;q=0.1, zstd;q=0", "gzip"),
        ("", None),
    ],
)
def test_the_coding_is_one_that_the_client_accepts(site: Site, field: str, coding: str | None) -> None:
    answer = get(site, "/simple/many/", TYPES[0], field)
    assert answer.get("content-encoding") == coding


def test_every_representation_has_an_entity_tag_of_its_own_and_says_what_it_depends_on(site: Site) -> None:
    answers = [get(site, "/simple/many/", media_type, coding) for media_type, coding in product(TYPES[:2], DECODERS)]
    assert len({answer["etag"] for answer in answers}) == len(answers)
    for answer in answers:
        assert answer["etag"].startswith('"')
        assert answer["vary"] == "Accept, Accept-Encoding"
        assert answer["cache-control"] == "no-cache"


@pytest.mark.parametrize(("target", "media_type", "coding"), list(product(PAGES, TYPES, DECODERS)))
def test_who_has_the_representation_is_told_so_without_its_content(site: Site, target: str, media_type: str, coding: str) -> None:
    whole = get(site, target, media_type, coding)
    for tags in (whole["etag"], f"W/{whole['etag']}", f'"other", {whole["etag"]}', "*"):
        answer = get(site, target, media_type, coding, f"If-None-Match: {tags}")
        assert (answer.status, answer.body) == (304, b"")
        for field in ("etag", "vary", "cache-control"):
            assert answer[field] == whole[field]
        assert "content-length" not in answer


def test_the_entity_tag_of_another_representation_is_no_match(site: Site) -> None:
    other = get(site, "/simple/many/", TYPES[1])["etag"]
    assert get(site, "/simple/many/", TYPES[0], "identity", f"If-None-Match: {other}").status == 200


def test_a_missing_project_is_404_whatever_the_client_has(site: Site) -> None:
    assert get(site, "/simple/nothing-here/", TYPES[0], "identity", "If-None-Match: *").status == 404


def test_head_is_conditional_too(site: Site) -> None:
    tag = ask(site.url, "/simple/acme/")["etag"]
    assert ask(site.url, "/simple/acme/", "HEAD", f"If-None-Match: {tag}").status == 304


def test_every_upload_is_in_the_very_next_answer_under_a_new_entity_tag(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data") as server:
        seen: set[str] = set()
        for number in range(12):
            filename, content = wheel("acme", f"1.{number}")
            server.host((filename, content))
            for media_type, coding in product(TYPES[:2], DECODERS):
                for _ in range(2):  # made, and then held
                    answer = get(server, "/simple/acme/", media_type, coding)
                    assert filename.encode() in decoded(answer)
                stale = next(iter(seen), '"none"')
                assert get(server, "/simple/acme/", media_type, coding, f"If-None-Match: {stale}").status == 200
            tag = get(server, "/simple/acme/")["etag"]
            assert tag not in seen
            seen.add(tag)


def test_an_upload_to_one_project_leaves_the_pages_of_another_as_they_were(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data") as server:
        server.host(wheel("acme", "1.0"), wheel("bolt", "1.0"))
        before, listed = get(server, "/simple/acme/").undated, get(server, "/simple/").undated["etag"]
        server.host(wheel("bolt", "2.0"))
        assert get(server, "/simple/acme/").undated == before
        assert get(server, "/simple/")["etag"] == listed
        server.host(wheel("crane", "1.0"))
        assert get(server, "/simple/")["etag"] != listed


def test_equal_content_gives_equal_bytes_after_a_restart(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data") as server:
        server.host(*(wheel("acme", f"1.{number}") for number in range(20)))
        before = [get(server, "/simple/acme/", *variant).undated for variant in product(TYPES, DECODERS)]
        server.restart()
        assert [get(server, "/simple/acme/", *variant).undated for variant in product(TYPES, DECODERS)] == before
