"""Project list and project pages, as PyPUG "Simple repository API" 1.4 describes them."""

import hashlib
import json
import re
from typing import Any
from urllib.parse import urljoin

import pytest

from purveyor.formats.simple_html_reader import read
from tests.api.conftest import Site
from tests.api.wire import Answer, Wire, ask, request

JSON = "Accept: application/vnd.pypi.simple.v1+json"
HTML = "Accept: application/vnd.pypi.simple.v1+html"


def page(site: Site, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ask(site.url, f"/simple/{name}/", "GET", JSON).body)
    return document


def test_the_project_list_in_json_names_every_project(site: Site) -> None:
    answer = ask(site.url, "/simple/", "GET", JSON)
    assert json.loads(answer.body) == {
        "meta": {"api-version": "1.4"},
        "projects": [{"name": "acme"}, {"name": "Big.Project"}, {"name": "many"}],
    }
    assert answer["content-type"] == "application/vnd.pypi.simple.v1+json"


def test_the_project_list_in_html_links_every_project_by_its_normalised_name(site: Site) -> None:
    listed = read(ask(site.url, "/simple/", "GET", HTML).body)
    assert listed.has_doctype
    assert listed.meta["pypi:repository-version"] == "1.4"
    assert [(anchor.href, anchor.text) for anchor in listed.anchors] == [
        ("acme/", "acme"),
        ("big-project/", "Big.Project"),
        ("many/", "many"),
    ]


def test_a_project_page_in_json_has_every_key_of_the_standard_and_no_other(site: Site) -> None:
    document = page(site, "acme")
    assert document.keys() == {"meta", "name", "versions", "files"}
    assert document["meta"] == {"api-version": "1.4"}
    assert document["name"] == "acme"
    assert document["versions"] == ["1.0", "1.9+local.1", "1.10"]
    for file in document["files"]:
        optional = {"requires-python"} if "requires-python" in file else set()
        assert file.keys() - optional == {"filename", "url", "hashes", "size", "upload-time", "core-metadata", "yanked"}
        content = site.hosted[file["filename"]]
        assert file["hashes"] == {"sha256": hashlib.sha256(content).hexdigest()}
        assert file["size"] == len(content)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", file["upload-time"])
        assert file["yanked"] is False


def test_requires_python_is_what_the_file_says_or_absent(site: Site) -> None:
    said = {file["filename"]: file.get("requires-python") for file in page(site, "acme")["files"]}
    assert said["acme-1.0-py3-none-any.whl"] == ">=3.9,<4"
    assert said["acme-1.0.tar.gz"] is None


def test_a_project_page_in_html_has_an_anchor_a_file_with_its_attributes_escaped(site: Site) -> None:
    answer = ask(site.url, "/simple/acme/", "GET", HTML)
    anchors = {anchor.text: anchor for anchor in read(answer.body).anchors}
    assert anchors.keys() == {name for name in site.hosted if name.startswith("acme-")}
    wheel = anchors["acme-1.0-py3-none-any.whl"].attributes
    assert wheel["data-requires-python"] == ">=3.9,<4"
    assert wheel["data-core-metadata"] == wheel["data-dist-info-metadata"]
    assert wheel["data-core-metadata"].startswith("sha256=")
    assert b'data-requires-python="&gt;=3.9,&lt;4"' in answer.body
    assert "data-yanked" not in wheel


def test_each_anchor_stands_on_a_line_of_its_own_with_single_spaces(site: Site) -> None:
    lines = ask(site.url, "/simple/acme/", "GET", HTML).text.splitlines()
    anchors = [line for line in lines if "<a " in line]
    assert len(anchors) == 5
    assert all(re.fullmatch(r'    <a href="[^" ]+"( [a-z-]+="[^"]*")*>[^<]+</a><br>', line) for line in anchors)


def test_html_and_json_say_the_same_of_every_file(site: Site) -> None:
    in_json = {file["filename"]: f"{file['url']}#sha256={file['hashes']['sha256']}" for file in page(site, "acme")["files"]}
    in_html = {anchor.text: anchor.href for anchor in read(ask(site.url, "/simple/acme/").body).anchors}
    assert in_json == in_html


@pytest.mark.parametrize("name", ["acme", "big-project", "many"])
def test_links_are_relative_and_lead_to_the_bytes_from_below_any_prefix(site: Site, name: str) -> None:
    for file in page(site, name)["files"]:
        assert file["url"].startswith("../../packages/")
        resolved = urljoin(f"{site.url}simple/{name}/", file["url"])
        assert ask(site.url, resolved.removeprefix(site.url.rstrip("/"))).body == site.hosted[file["filename"]]
        assert urljoin(f"http://proxy.example/team/simple/{name}/", file["url"]).startswith("http://proxy.example/team/packages/")


def test_a_plus_in_a_filename_is_encoded_in_its_link_and_found_under_both_spellings(site: Site) -> None:
    path = site.path("acme-1.9+local.1-py3-none-any.whl")
    assert path.endswith("acme-1.9%2Blocal.1-py3-none-any.whl")
    assert ask(site.url, path).body == ask(site.url, path.replace("%2B", "+")).body == site.hosted["acme-1.9+local.1-py3-none-any.whl"]


def test_the_metadata_beside_a_wheel_has_the_hash_that_the_page_states(site: Site) -> None:
    for file in page(site, "acme")["files"]:
        if file["filename"].endswith(".whl"):
            content = ask(site.url, site.path(file["filename"]) + ".metadata").body
            assert file["core-metadata"] == {"sha256": hashlib.sha256(content).hexdigest()}
            assert content.startswith(b"Metadata-Version: 2.4\nName: acme\n")


def test_an_sdist_has_metadata_beside_it_if_and_only_if_nothing_in_it_is_dynamic(site: Site) -> None:
    offered = {file["filename"]: file["core-metadata"] for file in page(site, "acme")["files"]}
    static = ask(site.url, site.path("acme-1.0.tar.gz") + ".metadata")
    assert offered["acme-1.0.tar.gz"] == {"sha256": hashlib.sha256(static.body).hexdigest()}
    assert offered["acme-1.10.tar.gz"] is False
    assert ask(site.url, site.path("acme-1.10.tar.gz") + ".metadata").status == 404


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/simple", "simple/"),
        ("/simple/acme", "../simple/acme/"),
        ("/simple/Acme/", "../../simple/acme/"),
        ("/simple/Big.Project/", "../../simple/big-project/"),
        ("/simple/BIG__project", "../simple/big-project/"),
        ("/simple//acme/", "../../../simple/acme/"),
        ("//simple/acme/", "../../../simple/acme/"),
        ("/simple/acme//", "../../../simple/acme/"),
    ],
)
def test_another_spelling_of_a_page_is_redirected_for_now_and_relatively(site: Site, target: str, location: str) -> None:
    answer = ask(site.url, target)
    assert (answer.status, answer["location"]) == (302, location)
    assert ask(site.url, urljoin(f"http://index.example{target}", location).removeprefix("http://index.example")).status == 200


@pytest.mark.parametrize(
    "target",
    [
        "/simple/nothing-here/",
        "/simple/acme/1.0/",
        "/simple/-acme/",
        "/simple/acme%2f",
        "/simple%2Facme/",
        "/simple/%C3%A9/",
        f"/simple/{'a' * 201}/",
        "/packages/",
        "/packages/acme-1.0.tar.gz",
        "/nowhere",
        "/simple/../health/x",
    ],
)
def test_what_is_not_there_is_404_in_plain_words(site: Site, target: str) -> None:
    answer = ask(site.url, target)
    assert answer.status == 404
    assert answer["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.endswith("\n")
    assert "<" not in answer.text


def test_a_file_is_found_only_under_its_own_hash_and_its_own_name(site: Site) -> None:
    one, other = site.path("acme-1.0-py3-none-any.whl"), site.path("acme-1.0.tar.gz")
    assert ask(site.url, one.rpartition("/")[0] + "/acme-1.0.tar.gz").status == 404
    assert ask(site.url, other.rpartition("/")[0] + "/acme-1.0-py3-none-any.whl").status == 404
    assert ask(site.url, one + ".metadata.metadata").status == 404


@pytest.mark.parametrize("target", ["/simple/", "/simple/acme/"])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "PROPFIND", "TRACE"])
def test_a_page_takes_no_other_method(site: Site, target: str, method: str) -> None:
    answer = ask(site.url, target, method)
    assert (answer.status, answer["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert answer.text == "Only GET and HEAD are possible here.\n"


def test_an_upload_to_the_install_url_is_405_and_names_the_right_one(site: Site) -> None:
    answer = ask(site.url, "/simple/", "POST", "Content-Length: 0")
    assert answer.status == 405
    assert "upload to /legacy/" in answer.text


def test_options_says_what_is_possible(site: Site) -> None:
    answer = ask(site.url, "/simple/acme/", "OPTIONS")
    assert (answer.status, answer["allow"], answer.body) == (204, "GET, HEAD, OPTIONS", b"")


@pytest.mark.parametrize("what", ["list", "page", "file", "large file", "metadata", "redirect", "nothing"])
def test_head_says_what_get_would_say_without_the_content(site: Site, what: str) -> None:
    wheel = site.path("acme-1.0-py3-none-any.whl")
    targets = {
        "list": "/simple/",
        "page": "/simple/acme/",
        "file": wheel,
        "large file": site.path("big_project-2.0.tar.gz"),
        "metadata": wheel + ".metadata",
        "redirect": "/simple/Acme",
        "nothing": "/simple/nothing-here/",
    }
    with Wire(site.url) as wire:
        wire.send(request(targets[what], "HEAD"))
        head = wire.answer(to_head=True).undated
        wire.send(request(targets[what]))  # on the same connection: not one byte of content was sent before
        whole = wire.answer().undated
    assert head == Answer(whole.status, whole.reason, whole.fields, b"")
    assert int(head["content-length"]) == len(whole.body)


def test_the_question_hatch_asks_below_the_upload_url_is_answered_for_any_spelling_of_a_name(site: Site) -> None:
    for name in ("big-project", "Big.Project"):
        answer = ask(site.url, f"/legacy/%2Bsimple/{name}/")
        assert answer.status == 200
        assert {anchor.text for anchor in read(answer.body).anchors} == {name for name in site.hosted if name.startswith("big_project-")}
    assert ask(site.url, "/legacy/%2Bsimple/nothing-here/").status == 404


def test_no_answer_lets_a_browser_guess_its_type(site: Site) -> None:
    for target in ("/simple/", "/simple/acme/", "/simple/nothing-here/", "/simple/Acme", site.path("acme-1.0.tar.gz"), "/nowhere"):
        assert ask(site.url, target)["x-content-type-options"] == "nosniff"
