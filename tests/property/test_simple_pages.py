"""Whatever a project is, its pages say it: reading what was written gives it back, as far as each format can carry it."""

import json
import string
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from purveyor.formats import simple_html, simple_json
from purveyor.formats.project_list import write_list
from purveyor.formats.pulled_json import read_plain
from purveyor.formats.pulled_page import read_detail
from purveyor.formats.simple_reader import ListedProject, OfferedFile, read_list, read_project
from purveyor.formats.snapshot_document import read_snapshot, same, write_snapshot
from purveyor.model.files import DistributionFile, Kind, Yanked, parse_filename
from purveyor.model.names import normalize
from purveyor.model.projects import ProjectDetail, ProjectStatus, Status

URL = "http://index.example/team/simple/acme/"
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
# What HTML cannot carry in an attribute (NUL, surrogates, carriage returns) is not text that the index accepts either.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
PARTS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=6)
VERSIONS = st.from_regex(r"(0|[1-9][0-9]{0,3})(\.(0|[1-9][0-9]{0,2})){0,3}(rc[0-9])?(\+[a-z]{1,5})?", fullmatch=True)
FILENAMES = st.one_of(
    VERSIONS.map(lambda version: f"acme-{version}.tar.gz"),
    st.tuples(VERSIONS, PARTS).map(lambda pair: f"acme-{pair[0]}-1{pair[1]}-py3-none-any.whl"),
)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the bounds must be naive


@st.composite
def files(draw: st.DrawFn) -> DistributionFile:
    parsed = parse_filename(draw(FILENAMES))
    metadata = draw(st.none() | DIGESTS)
    return DistributionFile(
        filename=parsed.filename,
        project=parsed.project,
        version=str(parsed.version),
        kind=parsed.kind,
        size=draw(st.integers(0, 1 << 40)),
        sha256=draw(DIGESTS),
        uploaded_at=draw(st.none() | MOMENTS),
        metadata_sha256=metadata,
        metadata_on_demand=metadata is None and parsed.kind is Kind.WHEEL and draw(st.booleans()),
        requires_python=draw(st.none() | st.sampled_from([">=3.9", ">=3.9,<4,!=3.10.*", "~=3.11"])),
        yanked=draw(st.none() | TEXTS.map(Yanked)),
        provenance_url=draw(st.none() | st.just("https://index.example/integrity/acme/1/acme-1.tar.gz/provenance?a=1&b=2")),
    )


STATUSES = st.one_of(
    st.just(ProjectStatus()), st.builds(ProjectStatus, st.sampled_from([s for s in Status if s is not Status.ACTIVE]), TEXTS)
)
DETAILS = st.builds(
    lambda status, offered: ProjectDetail(normalize("acme"), "Acme & <Sons>", status, tuple(offered)),
    STATUSES,
    st.lists(files(), max_size=8, unique_by=lambda file: file.filename),
)


def offered(file: DistributionFile, *, html: bool) -> OfferedFile:
    """What a reader must find of the file. HTML has neither size nor time."""
    path = f"packages/{file.sha256[:2]}/{file.sha256[2:4]}/{file.sha256[4:]}/{file.filename.replace('+', '%2B')}"
    return OfferedFile(
        filename=file.filename,
        url=f"http://index.example/team/{path}",
        href=f"../../{path}",
        hashes={"sha256": file.sha256},
        size=None if html else file.size or None,
        uploaded_at=None if html else file.uploaded_at,
        requires_python=file.requires_python,
        yanked=file.yanked,
        metadata_offered=file.metadata_sha256 is not None or file.metadata_on_demand,
        metadata_hashes={"sha256": file.metadata_sha256} if file.metadata_sha256 else {},
        provenance=file.provenance_url,
    )


@given(DETAILS)
def test_a_json_page_read_again_is_the_project(detail: ProjectDetail) -> None:
    page = read_project(simple_json.write_detail(detail), simple_json.MEDIA_TYPE, URL)
    shown = detail.files if detail.status.status.offers_files else ()
    assert page.faults == ()
    assert (page.name, page.api_version, page.status) == (detail.name, "1.4", detail.status)
    assert page.versions == tuple(detail.versions)
    assert page.files == tuple(offered(file, html=False) for file in shown)


@given(DETAILS)
def test_an_html_page_read_again_is_the_project_without_sizes_and_times(detail: ProjectDetail) -> None:
    page = read_project(simple_html.write_detail(detail), simple_html.MEDIA_TYPE, URL)
    shown = detail.files if detail.status.status.offers_files else ()
    assert page.faults == ()
    assert (page.api_version, page.status) == ("1.4", detail.status)
    assert page.files == tuple(offered(file, html=True) for file in shown)


@given(st.lists(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True), max_size=30))
def test_a_list_read_again_names_the_same_projects(names: list[str]) -> None:
    pairs = [(normalize(name), name) for name in names]
    url = "http://index.example/team/simple/"
    in_json = read_list(b"".join(write_list(simple_json, pairs)), simple_json.MEDIA_TYPE, url)
    in_html = read_list(b"".join(write_list(simple_html, pairs)), simple_html.MEDIA_TYPE, url)
    assert in_json.projects == tuple(ListedProject(name) for name in names)
    assert in_html.projects == tuple(ListedProject(name, f"{url}{normalize(name)}/") for name in names)
    assert in_json.faults == in_html.faults == ()


@given(DETAILS)
def test_equal_projects_have_equal_pages(detail: ProjectDetail) -> None:
    again = ProjectDetail(detail.name, detail.display_name, detail.status, detail.files, serial=detail.serial + 1)
    assert simple_json.write_detail(detail) == simple_json.write_detail(again)
    assert simple_html.write_detail(detail) == simple_html.write_detail(again)


@given(DETAILS)
def test_a_project_pulled_from_our_own_page_is_the_project(detail: ProjectDetail) -> None:
    """As it arrives at another server; its files then come from here."""
    pulled, left_out = read_detail(simple_json.write_detail(detail), simple_json.MEDIA_TYPE, URL, detail.name)
    shown = detail.files if detail.status.status.offers_files else ()
    assert left_out == 0
    assert pulled.status == detail.status
    wheels = [file.kind is Kind.WHEEL and file.metadata_sha256 is None for file in shown]
    assert [file.metadata_on_demand for file in pulled.files] == wheels
    assert [_here(file) for file in pulled.files] == [_here(file) for file in shown]
    assert [file.origin for file in pulled.files] == [offered(file, html=False).url for file in shown]


def _here(file: DistributionFile) -> DistributionFile:
    """Without what only a server that pulls it says of it."""
    return replace(file, origin=None, metadata_on_demand=False)


ODD = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["", "x", ">=3.9", "https://x.example/", "2026-08-01T10:00:00Z", "A" * 64])
)
HREFS = st.sampled_from(
    [
        "../../a.whl",
        "/a/b.whl",
        "a.whl",
        "../x/../a.whl",
        "https://f.example/a",
        "https://f.example/../a",
        "HTTPS://F.example/a",
        "//h/a",
        "file:///a",
        "http://[::1]/a",
    ]
)
ENTRIES = st.fixed_dictionaries(
    {
        "filename": FILENAMES
        | st.sampled_from(
            [
                "other-1.0.tar.gz",
                "acme-1.0-py3-none-.whl",
                "acme--1.0-py3-none-any.whl",
                "acme-x.zip",
                ".a",
                "acme-1.0.zip",
                "acme-01.0.zip",
                "acme-1.0-1-py3-none-any.whl",
                "acme-1.0-py3-none-any-.whl",
            ]
        ),
        "url": HREFS,
    },
    optional={
        "hashes": st.fixed_dictionaries({}, optional={"sha256": DIGESTS | ODD, "md5": ODD}) | ODD,
        "size": ODD,
        "upload-time": ODD,
        "requires-python": ODD,
        "core-metadata": st.fixed_dictionaries({}, optional={"sha256": DIGESTS | ODD}) | ODD,
        "dist-info-metadata": st.fixed_dictionaries({}, optional={"sha256": DIGESTS}) | ODD,
        "yanked": ODD,
        "provenance": ODD,
    },
)


@given(st.lists(ENTRIES, max_size=4), st.sampled_from(["1.0", "1.4", "1.x"]), ODD)
def test_the_quick_reader_of_pulled_pages_finds_nothing_that_the_lenient_one_does_not(
    entries: list[dict[str, object]], version: str, status: object
) -> None:
    page = {"meta": {"api-version": version}, "name": "Acme", "files": entries}
    if status is not None:
        page["project-status"] = {"status": status}
    body = json.dumps(page).encode()
    quick = read_plain(body, URL, normalize("acme"))
    if quick is not None:
        detail, left_out = quick
        found = replace(detail, files=tuple(detail.files)), left_out
        assert found == read_detail(body, "application/json", URL, normalize("acme"))


@given(st.lists(st.tuples(FILENAMES, DIGESTS, DIGESTS | st.none(), MOMENTS), max_size=6, unique_by=lambda entry: entry[0]))
def test_a_pulled_page_is_the_same_from_its_snapshot(entries: list[tuple[str, str, str | None, datetime]]) -> None:
    files = [
        {"filename": name, "url": f"https://f.example/{name}", "hashes": {"sha256": sha256}, "upload-time": at.isoformat()}
        | ({"core-metadata": {"sha256": metadata}} if metadata else {})
        for name, sha256, metadata, at in entries
    ]
    page = {"meta": {"api-version": "1.4"}, "name": "acme", "files": files}
    quick = read_plain(json.dumps(page).encode(), URL, normalize("acme"))
    assert quick is not None
    again = read_snapshot(write_snapshot(quick[0]), normalize("acme"), 0)
    assert same(quick[0], again)
    for write in (simple_json.write_detail, simple_html.write_detail):
        assert write(quick[0]) == write(again)


@given(DETAILS, st.integers(0, 1 << 60))
def test_a_snapshot_read_again_is_the_project(detail: ProjectDetail, serial: int) -> None:
    assert read_snapshot(write_snapshot(detail), detail.name, serial) == replace(detail, serial=serial)
