"""Pages of the Simple API as other programs write them, and as they should not."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purveyor.formats import simple_html, simple_json
from purveyor.formats.project_list import ListForm, write_list
from purveyor.formats.simple_reader import (
    JSON_TYPE,
    Key,
    OfferedFile,
    ProjectPage,
    media_type,
    read_list,
    read_project,
)
from purveyor.model.files import DistributionFile, Kind, Yanked
from purveyor.model.names import normalize
from purveyor.model.projects import ProjectDetail, ProjectStatus, Status

PAGE = "http://127.0.0.1:8080/team/simple/acme-app/"


def from_json(document: Any) -> ProjectPage:
    return read_project(json.dumps(document).encode(), JSON_TYPE, PAGE)


def from_html(body: str) -> ProjectPage:
    return read_project(body.encode(), "text/html; charset=utf-8", PAGE)


def json_file(**values: Any) -> ProjectPage:
    entry = {"filename": "acme_app-1.0.tar.gz", "url": "../../files/acme_app-1.0.tar.gz", "hashes": {}, **values}
    return from_json({"meta": {"api-version": "1.4"}, "name": "acme-app", "versions": ["1.0"], "files": [entry]})


def keys(page: ProjectPage) -> list[Key]:
    return [fault.key for fault in page.faults]


# What both writers of this project write, the reader reads


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20).map(str.strip)
digests = st.integers(0, 2**256 - 1).map(lambda number: f"{number:064x}")
files = st.builds(
    DistributionFile,
    filename=st.integers(0, 99).map(lambda number: f"acme_app-1.{number}+local-py3-none-any.whl"),
    project=st.just(normalize("acme-app")),
    version=st.just("1.0"),
    kind=st.just(Kind.WHEEL),
    size=st.integers(0, 2**40),
    sha256=digests,
    uploaded_at=st.none() | st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    metadata_sha256=st.none() | digests,
    requires_python=st.none() | st.sampled_from([">=3.9", ">=3.9,<4", "!=3.0.*"]),
    yanked=st.none() | st.builds(Yanked, texts),
)
details = st.builds(
    ProjectDetail,
    name=st.just(normalize("acme-app")),
    display_name=st.just("Acme.App"),
    status=st.builds(ProjectStatus, st.sampled_from([Status.ACTIVE, Status.ARCHIVED, Status.DEPRECATED])),
    files=st.lists(files, max_size=4, unique_by=lambda file: file.filename).map(tuple),
)


def in_common(file: DistributionFile | OfferedFile) -> tuple[object, ...]:
    """What HTML and JSON both say."""
    if isinstance(file, OfferedFile):
        return file.filename, file.hashes["sha256"], file.requires_python, file.yanked, file.metadata_hashes.get("sha256")
    return file.filename, file.sha256, file.requires_python, file.yanked, file.metadata_sha256


@given(details)
def test_the_json_that_is_written_is_read_back_whole(detail: ProjectDetail) -> None:
    page = read_project(simple_json.write_detail(detail), simple_json.MEDIA_TYPE, PAGE)
    assert page.faults == ()
    assert (page.name, page.status, page.versions) == (detail.name, detail.status, tuple(detail.versions))
    assert [in_common(file) for file in page.files] == [in_common(file) for file in detail.files]
    assert [(file.size, file.uploaded_at) for file in page.files] == [(f.size or None, f.uploaded_at) for f in detail.files]


@given(details)
def test_the_html_that_is_written_is_read_back_as_far_as_html_says_it(detail: ProjectDetail) -> None:
    page = read_project(simple_html.write_detail(detail), simple_html.MEDIA_TYPE, PAGE)
    assert page.faults == ()
    assert (page.api_version, page.status) == ("1.4", detail.status)
    assert [in_common(file) for file in page.files] == [in_common(file) for file in detail.files]


@given(details)
def test_html_and_json_lead_to_the_same_urls(detail: ProjectDetail) -> None:
    html = read_project(simple_html.write_detail(detail), simple_html.MEDIA_TYPE, PAGE)
    as_json = read_project(simple_json.write_detail(detail), simple_json.MEDIA_TYPE, PAGE)
    assert [file.url for file in html.files] == [file.url for file in as_json.files]


def test_both_lists_that_are_written_are_read_back() -> None:
    names = [(normalize("Acme.App"), "Acme.App"), (normalize("other"), "other")]
    forms: tuple[tuple[ListForm, str], ...] = ((simple_html, "text/html"), (simple_json, JSON_TYPE))
    for form, kind in forms:
        page = read_list(b"".join(write_list(form, names)), kind, "http://127.0.0.1:8080/simple/")
        assert ([project.name for project in page.projects], page.faults) == (["Acme.App", "other"], ())


# HTML


def test_relative_links_are_resolved_against_the_page() -> None:
    page = from_html('<!DOCTYPE html><a href="../../files/acme_app-1.0.tar.gz#sha256=AB">acme_app-1.0.tar.gz</a>')
    assert [(file.url, file.hashes) for file in page.files] == [("http://127.0.0.1:8080/team/files/acme_app-1.0.tar.gz", {"sha256": "ab"})]


def test_a_base_element_is_heeded() -> None:
    page = from_html('<!DOCTYPE html><base href="/elsewhere/"><a href="a-1.tar.gz">a-1.tar.gz</a>')
    assert page.files[0].url == "http://127.0.0.1:8080/elsewhere/a-1.tar.gz"


def test_the_older_spelling_of_the_metadata_attribute_counts() -> None:
    page = from_html('<!DOCTYPE html><a href="a-1.tar.gz" data-dist-info-metadata="sha256=cd">a-1.tar.gz</a>')
    assert (page.files[0].metadata_offered, page.files[0].metadata_hashes) == (True, {"sha256": "cd"})


def test_metadata_without_a_hash_is_offered_all_the_same() -> None:
    page = from_html('<!DOCTYPE html><a href="a-1.tar.gz" data-core-metadata="true">a-1.tar.gz</a>')
    assert (page.files[0].metadata_offered, page.files[0].metadata_hashes) == (True, {})


def test_anchors_that_are_never_closed_are_read() -> None:
    page = from_html("<!doctype HTML><a href='a-1.tar.gz'>a-1.tar.gz\n<a href=b-1.tar.gz>b-1.tar.gz")
    assert [file.filename for file in page.files] == ["a-1.tar.gz", "b-1.tar.gz"]
    assert page.faults == ()


def test_a_missing_doctype_and_a_link_text_that_is_no_filename_are_faults() -> None:
    assert keys(from_html('<a href="a-1.tar.gz">download</a>')) == [Key.DOCTYPE, Key.URL]


# JSON


def test_a_size_or_hash_that_the_page_does_not_state_is_no_fault() -> None:
    page = json_file()
    assert (page.files[0].size, page.files[0].hashes, page.faults) == (None, {}, ())


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"hashes": None}, Key.HASHES),
        ({"hashes": "sha256"}, Key.HASHES),
        ({"size": "1337"}, Key.SIZE),
        ({"size": True}, Key.SIZE),
        ({"upload-time": "2026-01-02T03:04:05"}, Key.UPLOAD_TIME),
        ({"upload-time": "2026-01-02T03:04:05.1234567Z"}, Key.UPLOAD_TIME),
        ({"upload-time": "2026-02-31T03:04:05Z"}, Key.UPLOAD_TIME),
        ({"upload-time": 1767322800}, Key.UPLOAD_TIME),
        ({"requires-python": 3}, Key.REQUIRES_PYTHON),
        ({"yanked": ""}, Key.YANKED),
        ({"yanked": 1}, Key.YANKED),
        ({"core-metadata": "sha256=ab"}, Key.CORE_METADATA),
    ],
)
def test_each_wrong_value_of_a_file_is_one_fault_and_the_file_is_still_read(values: dict[str, Any], key: Key) -> None:
    page = json_file(**values)
    assert keys(page) == [key]
    assert page.faults[0].filename == page.files[0].filename == "acme_app-1.0.tar.gz"


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ([], Key.BODY),
        ({"name": "acme-app", "files": []}, Key.API_VERSION),
        ({"meta": {"api-version": 1.4}, "name": "acme-app", "files": []}, Key.API_VERSION),
        ({"meta": {"api-version": "1.4"}, "files": []}, Key.NAME),
        ({"meta": {"api-version": "1.4"}, "name": "acme-app"}, Key.FILES),
        ({"meta": {"api-version": "1.4"}, "name": "acme-app", "files": [{"url": "x"}]}, Key.FILES),
        ({"meta": {"api-version": "1.4"}, "name": "acme-app", "files": [], "versions": "1.0"}, Key.VERSIONS),
        ({"meta": {"api-version": "1.4"}, "name": "acme-app", "files": [], "versions": ["1", "1"]}, Key.VERSIONS),
        ({"meta": {"api-version": "1.4"}, "name": "acme-app", "files": [], "project-status": "active"}, Key.STATUS),
        (
            {"meta": {"api-version": "1.4"}, "name": "acme-app", "files": [], "project-status": {"status": "gone"}},
            Key.STATUS,
        ),
    ],
)
def test_each_wrong_value_of_a_page_is_one_fault(document: Any, key: Key) -> None:
    assert keys(from_json(document)) == [key]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"meta": ' + b"9" * 5000 + b"}"])
@pytest.mark.parametrize("kind", [JSON_TYPE, "text/html"])
def test_no_body_whatever_raises(body: bytes, kind: str) -> None:
    page = read_project(body, kind, PAGE)
    assert page.faults
    assert read_list(body, kind, PAGE).faults


@given(st.binary(max_size=200))
def test_no_random_body_raises(body: bytes) -> None:
    read_project(body, "text/html", PAGE)
    read_project(body, JSON_TYPE, PAGE)


def test_a_url_that_is_no_url_is_kept_as_it_is() -> None:
    page = json_file(url="http://[half/acme_app-1.0.tar.gz")
    assert page.files[0].url == "http://[half/acme_app-1.0.tar.gz"


def test_the_media_type_is_compared_without_case_and_parameters() -> None:
    assert media_type(" Text/HTML; charset=utf-8") == "text/html"
