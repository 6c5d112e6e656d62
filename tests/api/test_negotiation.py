"""Which representation a client gets over HTTP; the rules themselves have their tests in tests/unit/test_representation.py."""

import pytest

from tests.api.conftest import Site
from tests.api.wire import ask, request, send

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
LEGACY = "text/html; charset=utf-8"

CLIENTS = {
    "pip": (f"{JSON}, {HTML}; q=0.1, text/html; q=0.01", JSON),
    "uv": (f"{JSON}, {HTML};q=0.2, text/html;q=0.01", JSON),
    "poetry": (f"{JSON}, */*;q=0.1", JSON),
    "hatch": ("*/*", LEGACY),
    "a browser": ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", LEGACY),
    "who wants the newest": ("application/vnd.pypi.simple.latest+json", JSON),
    "who wants the newest HTML": ("application/vnd.pypi.simple.latest+html", HTML),
    "who likes all alike": (f"text/html, {HTML}, {JSON}", JSON),
    "who prefers HTML": (f"{JSON};q=0.5, {HTML}", HTML),
    "who refuses JSON": (f"{JSON};q=0, */*", LEGACY),
    "who shouts": (JSON.upper(), JSON),
}


@pytest.mark.parametrize("target", ["/simple/", "/simple/acme/"])
@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_gets_the_type_it_can_read(site: Site, client: str, target: str) -> None:
    accept, expected = CLIENTS[client]
    answer = ask(site.url, target, "GET", f"Accept: {accept}")
    assert (answer.status, answer["content-type"]) == (200, expected)


def test_who_says_nothing_gets_html(site: Site) -> None:
    assert ask(site.url, "/simple/acme/")["content-type"] == LEGACY


def test_accept_lines_are_one_list(site: Site) -> None:
    assert ask(site.url, "/simple/", "GET", "Accept: text/html;q=0.1", f"Accept: {JSON}")["content-type"] == JSON


@pytest.mark.parametrize("target", ["/simple/", "/simple/acme/"])
@pytest.mark.parametrize("accept", ["application/json", "image/png", f"{JSON};q=0", "*/*;q=0"])
def test_who_accepts_none_of_the_types_is_told_which_there_are(site: Site, accept: str, target: str) -> None:
    answer = ask(site.url, target, "GET", f"Accept: {accept}")
    assert answer.status == 406
    assert answer.text == f"None of the accepted types is served here; there are {JSON}, {HTML} and text/html.\n"


@pytest.mark.parametrize(("value", "expected"), [(JSON, JSON), (HTML, HTML), ("text/html", LEGACY)])
def test_the_format_in_the_url_goes_before_the_accept_field(site: Site, value: str, expected: str) -> None:
    answer = ask(site.url, f"/simple/acme/?format={value.replace('+', '%2B')}", "GET", "Accept: image/png")
    assert (answer.status, answer["content-type"]) == (200, expected)


def test_a_format_that_is_not_served_is_406(site: Site) -> None:
    assert ask(site.url, "/simple/acme/?format=application/xml").status == 406


def test_another_query_changes_nothing(site: Site) -> None:
    assert ask(site.url, "/simple/acme/?utm=1").undated == ask(site.url, "/simple/acme/").undated


def test_an_accept_field_of_fifty_thousand_characters_is_answered(site: Site) -> None:
    assert ask(site.url, "/simple/", "GET", "Accept: " + "a/b;q=0.1," * 5000 + "*/*").status in (200, 406)


def test_a_trailer_has_no_say(site: Site) -> None:
    chunked = request("/simple/acme/", "GET", "Transfer-Encoding: chunked") + f"0\r\nAccept: {JSON}\r\n\r\n".encode()
    assert send(site.url, chunked)["content-type"] == LEGACY
