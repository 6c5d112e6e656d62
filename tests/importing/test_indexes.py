"""`purveyor import URL`: what another index has, with all that its pages say."""

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from purveyor.model.files import Yanked
from purveyor.model.projects import ProjectStatus, Status
from purveyor.testing.fake_index import Answer, FakeIndex
from purveyor.workbench.importing.asking import netrc_credentials
from tests.distributions import sdist, wheel
from tests.importing.here import Here, imported, refused
from tests.importing.scripted import BusyIndex, endless_server
from tests.live_server import LiveServer
from tests.workbench.command import purveyor

WHEEL = wheel("acme-app", "1.0", metadata=["Requires-Python: >=3.9"])
NEWER = wheel("acme-app", "1.1")
SDIST = sdist("acme-app", "1.0")
OTHER = wheel("other", "2.0")


def test_a_whole_index_comes_with_upload_times_yanks_and_statuses(here: Here) -> None:
    with FakeIndex() as index:
        index.add(*WHEEL).upload_time = "2020-05-06T07:08:09.123456Z"
        index.add(*SDIST).yanked = "it deletes your files"
        index.add(*NEWER).yanked = True
        index.add(*OTHER)
        index.status["other"] = "archived"

        ran = here.bring(index.url)

    assert ran.code == 0, ran.out
    assert imported(ran) == sorted([WHEEL[0], SDIST[0], NEWER[0], OTHER[0]])
    files = here.files("acme-app")
    assert files[WHEEL[0]].uploaded_at == datetime(2020, 5, 6, 7, 8, 9, 123456, UTC)
    assert [files[name].yanked for name, _ in (WHEEL, SDIST, NEWER)] == [None, Yanked("it deletes your files"), Yanked()]
    assert files[WHEEL[0]].origin == f"{index_root(ran)}files/{WHEEL[0]}"
    assert here.status("other") == ProjectStatus(Status.ARCHIVED)
    assert ran.document["statuses"] == {"other": {"status": "archived", "reason": ""}}


def index_root(ran: Any) -> str:
    return str(ran.document["source"]).removesuffix("simple/")


def stated(server: LiveServer, project: str) -> dict[str, Any]:
    """All that the project's page says but for where its files lie."""
    page = server.project(project)
    page.pop("meta")
    return page


def test_the_pages_of_an_index_and_of_its_import_say_the_same(here: Here, tmp_path: Path) -> None:
    first = Here(tmp_path / "first")
    with FakeIndex() as index:
        index.add(*WHEEL).upload_time = "2020-05-06T07:08:09.123456Z"
        index.add(*SDIST).yanked = "broken"
        index.add(*OTHER)
        index.status["other"] = "deprecated"
        assert first.bring(index.url).code == 0
    with LiveServer(first.data) as there:
        assert here.bring(there.url).code == 0
        with LiveServer(here.data) as copy:
            for project in ("acme-app", "other"):
                assert stated(copy, project) == stated(there, project)
                assert copy.files(project) == there.files(project)


def test_an_archived_project_is_archived_here_once_all_of_its_files_are(here: Here) -> None:
    with FakeIndex() as index:
        index.add(*WHEEL)
        index.status["acme-app"] = "archived"
        file = index.add(*NEWER)
        index.answer(file.path, Answer(status=429, headers={"Retry-After": "86400"}))
        first = here.bring(index.url)
        assert [entry["outcome"] for entry in first.document["refused"]] == ["not-fetched"]
        assert here.status("acme-app") == ProjectStatus()

        index.answer(file.path, Answer(body=file.data))
        assert here.bring(index.url).code == 0

    assert here.status("acme-app") == ProjectStatus(Status.ARCHIVED)
    assert sorted(here.files("acme-app")) == [WHEEL[0], NEWER[0]]


def test_only_named_projects_are_asked_for_and_the_list_is_not(here: Here) -> None:
    with FakeIndex() as index:
        index.add(*WHEEL)
        index.add(*OTHER)

        ran = here.bring(index.url, "Other", "missing")

    assert imported(ran) == [OTHER[0]]
    assert refused(ran) == {"missing": "The index has no project of that name."}
    assert "/simple/" not in [request.path for request in index.requests]


@pytest.mark.parametrize("path", ["", "simple", "simple/"])
def test_the_root_of_an_index_will_do_for_its_url(here: Here, path: str) -> None:
    with FakeIndex("/team") as index:
        index.add(*WHEEL)

        assert imported(here.bring(f"{index.root_url}/{path}")) == [WHEEL[0]]


def test_an_index_that_has_html_only_gives_what_html_can_say(here: Here) -> None:
    with FakeIndex() as index:
        index.json_served = False
        index.add(*WHEEL)
        index.add(*SDIST).yanked = "broken"

        assert here.bring(index.url).code == 0

    files = here.files("acme-app")
    assert files[SDIST[0]].yanked == Yanked("broken")
    assert files[WHEEL[0]].uploaded_at is None


def test_where_a_page_tells_no_upload_time_the_date_of_the_file_stands_for_it(here: Here) -> None:
    with FakeIndex() as index:
        file = index.add(*WHEEL)
        file.upload_time = None
        index.answer(file.path, Answer(body=file.data, headers={"Last-Modified": "Thu, 04 Mar 2021 05:06:07 GMT"}))

        here.bring(index.url)

    assert here.files("acme-app")[WHEEL[0]].uploaded_at == datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)


def test_what_is_here_is_not_fetched_again(here: Here) -> None:
    with FakeIndex() as index:
        index.add(*WHEEL)
        here.bring(index.url)
        serial = here.serial()
        index.add(*NEWER)
        index.requests.clear()

        ran = here.bring(index.url)

    assert [request.path for request in index.requests if "/files/" in request.path] == [f"/files/{NEWER[0]}"]
    assert (imported(ran), ran.document["counts"]["already_here"]) == ([NEWER[0]], 1)
    assert here.serial() == serial + 1


def test_a_yank_since_the_last_run_is_told(here: Here) -> None:
    with FakeIndex() as index:
        file = index.add(*WHEEL)
        here.bring(index.url)
        file.yanked = "broken"

        ran = here.bring(index.url)

    assert ran.document["already_here"][0]["notes"] == ["It is yanked there, and not here."]


def test_a_hash_that_the_bytes_do_not_have_is_refused_with_both(here: Here) -> None:
    with FakeIndex() as index:
        index.add(*WHEEL).sha256 = "0" * 64
        index.add(*OTHER)

        ran = here.bring(index.url)

    assert ran.code == 1
    assert imported(ran) == [OTHER[0]]
    assert "0" * 64 in refused(ran)[WHEEL[0]]


def test_a_file_that_breaks_off_each_time_is_refused_and_nothing_of_it_stays(here: Here) -> None:
    with FakeIndex() as index:
        file = index.add(*WHEEL)
        index.answer(file.path, Answer(body=file.data, cut_after=50))
        index.add(*OTHER)

        ran = here.bring(index.url)

    assert imported(ran) == [OTHER[0]]
    assert list(refused(ran)) == [WHEEL[0]]
    assert list((here.data / "staging").iterdir()) == []
    asked = [request.path for request in index.requests].count(file.path)
    assert asked > 1


def test_a_file_that_breaks_off_once_is_fetched_again(here: Here) -> None:
    path = f"/files/{WHEEL[0]}"
    with BusyIndex({path: [Answer(body=WHEEL[1], cut_after=50)]}) as index:
        index.add(*WHEEL)

        assert imported(here.bring(index.url)) == [WHEEL[0]]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_index_is_asked_again_when_it_says_so(here: Here, status: int) -> None:
    busy = Answer(status=status, headers={"Retry-After": "1"})
    with BusyIndex({"/simple/acme-app/": [busy], f"/files/{WHEEL[0]}": [busy]}) as index:
        index.add(*WHEEL)

        ran = here.bring(index.url)

    assert imported(ran) == [WHEEL[0]]
    assert [request.path for request in index.requests].count("/simple/acme-app/") == 2


def test_an_index_that_asks_for_hours_is_left_alone(here: Here) -> None:
    with FakeIndex() as index:
        file = index.add(*WHEEL)
        index.answer(file.path, Answer(status=429, headers={"Retry-After": "86400"}))

        ran = here.bring(index.url)

    assert "429" in refused(ran)[WHEEL[0]]


def test_a_file_that_is_gone_is_refused_and_its_project_gets_its_status_all_the_same(here: Here) -> None:
    with FakeIndex() as index:
        index.add(*WHEEL)
        index.status["acme-app"] = "archived"
        index.answer(index.add(*NEWER).path, Answer(status=404))

        ran = here.bring(index.url)

    assert [(entry["name"], entry["outcome"]) for entry in ran.document["refused"]] == [(NEWER[0], "refused")]
    assert here.status("acme-app") == ProjectStatus(Status.ARCHIVED)


@pytest.mark.parametrize("claimed", [None, 500])
def test_a_file_without_an_end_is_cut_off(here: Here, claimed: int | None) -> None:
    with endless_server() as url, FakeIndex() as index:
        file = index.add(*WHEEL)
        file.href, file.size, file.sha256 = url, claimed, None

        ran = here.bring(index.url, PURVEYOR_MAX_UPLOAD_SIZE="1000000")

    assert list(refused(ran)) == [WHEEL[0]]
    assert here.counts().files == 0


def test_fewer_bytes_than_stated_are_refused_where_no_hash_tells(here: Here) -> None:
    with FakeIndex() as index:
        file = index.add(*WHEEL)
        file.size, file.sha256 = len(WHEEL[1]) + 1, None

        ran = here.bring(index.url)

    assert f"states {len(WHEEL[1]) + 1} bytes" in refused(ran)[WHEEL[0]]


def test_a_size_above_the_largest_upload_is_refused_without_asking(here: Here) -> None:
    with FakeIndex() as index:
        file = index.add(*WHEEL)
        file.size = 1 << 40

        ran = here.bring(index.url)

    assert "at most" in refused(ran)[WHEEL[0]]
    assert file.path not in [request.path for request in index.requests]


def test_a_broken_wheel_and_a_broken_page_lose_nothing_else(here: Here) -> None:
    with FakeIndex() as index:
        index.add("broken-1.0-py3-none-any.whl", b"rubbish")
        index.add(*WHEEL)
        index.add(*OTHER)
        index.answer("/simple/other/", Answer(content_type="application/vnd.pypi.simple.v1+json", body=b"{"))

        ran = here.bring(index.url)

    assert imported(ran) == [WHEEL[0]]
    assert sorted(refused(ran)) == ["broken-1.0-py3-none-any.whl", "other"]


def test_an_index_that_is_not_there_is_told_in_a_sentence(here: Here) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    ran = here.bring(f"http://127.0.0.1:{port}/simple/")

    assert (ran.code, ran.document["error"]) == (3, "index-unreachable")
    assert f"http://127.0.0.1:{port}/simple/ does not answer" in ran.document["detail"]
    assert not here.data.exists()


def test_a_registry_is_not_taken_as_a_whole_by_mistake(here: Here) -> None:
    names = "".join(f'<a href="p{number}/">p{number}</a>' for number in range(20_001))
    with FakeIndex() as index:
        index.answer("/simple/", Answer(body=f"<!DOCTYPE html>{names}".encode()))
        index.add(*WHEEL)

        ran = here.bring(index.url)

    assert ran.code == 2
    assert "20,001 projects" in ran.document["detail"]
    assert [request.path for request in index.requests] == ["/simple/"]


def authorized(index: FakeIndex) -> dict[str, bool]:
    return {request.path: "Authorization" in request.headers for request in index.requests}


def test_credentials_go_to_the_index_and_to_no_other_host_and_are_never_shown(here: Here) -> None:
    with FakeIndex() as index, FakeIndex() as elsewhere:
        moved = elsewhere.add(*OTHER)
        index.add(*WHEEL)
        index.add(*OTHER).href = f"{elsewhere.root_url}{moved.path}"
        redirected = index.add(*SDIST)
        elsewhere.add(*SDIST)
        index.answer(redirected.path, Answer(status=302, headers={"Location": f"{elsewhere.root_url}{redirected.path}?key=secret"}))

        ran = here.bring(index.url.replace("//", "//reader:s3cret@"))

    assert ran.code == 0, ran.out
    assert set(authorized(index).values()) == {True}
    assert set(authorized(elsewhere).values()) == {False}
    assert "s3cret" not in ran.out + ran.err
    assert b"s3cret" not in b"".join(path.read_bytes() for path in here.data.glob("purveyor.sqlite*"))


def test_credentials_are_found_in_a_netrc_file(here: Here, tmp_path: Path) -> None:
    kept = tmp_path / "netrc"
    kept.write_text("machine 127.0.0.1 login reader password s3cret\n")
    kept.chmod(0o600)
    with FakeIndex() as index:
        index.add(*WHEEL)

        assert here.bring(index.url, NETRC=str(kept)).code == 0

    assert set(authorized(index).values()) == {True}


def test_an_index_that_wants_credentials_says_so(here: Here) -> None:
    with FakeIndex() as index:
        index.answer("/simple/", Answer(status=401))

        ran = here.bring(index.url)

    assert (ran.code, ran.document["error"]) == (4, "not-authenticated")


NO_ADDRESSES = ("http://", "http://[", "//", "data:,x", "http://127.0.0.1:99999/x", "http://127.0.0.1:0/x", "http://two..dots/x")


@pytest.mark.parametrize("href", ["file:///etc/hostname", "ftp://127.0.0.1/x", "javascript:1", *NO_ADDRESSES])
def test_no_link_is_followed_that_is_no_web_address(here: Here, href: str) -> None:
    with FakeIndex() as index:
        file = index.add(*WHEEL)
        file.href = href
        index.add(*OTHER)

        ran = here.bring(index.url)

    assert imported(ran) == [OTHER[0]]
    assert list(refused(ran)) == [WHEEL[0]]


def test_pages_are_read_from_the_index_itself_only(here: Here) -> None:
    with FakeIndex() as index, FakeIndex() as elsewhere:
        elsewhere.add(*WHEEL)
        index.add(*WHEEL)
        index.answer("/simple/acme-app/", Answer(status=302, headers={"Location": f"{elsewhere.url}acme-app/"}))

        ran = here.bring(index.url)

    assert "another server" in refused(ran)["acme-app"]
    assert elsewhere.requests == []


def test_a_redirect_to_no_address_costs_its_project_only(here: Here) -> None:
    with FakeIndex() as index:
        index.add(*WHEEL)
        index.add(*OTHER)
        index.answer("/simple/acme-app/", Answer(status=302, headers={"Location": "http://127.0.0.1:99999/"}))

        ran = here.bring(index.url)

    assert imported(ran) == [OTHER[0]]
    assert "is no http or https URL" in refused(ran)["acme-app"]


def test_a_user_without_a_home_has_no_netrc_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    assert netrc_credentials("http://127.0.0.1:8080/simple/") is None


def test_redirects_without_end_are_told(here: Here) -> None:
    with FakeIndex() as index:
        file = index.add(*WHEEL)
        index.answer(file.path, Answer(status=302, headers={"Location": file.path}))

        assert "without end" in refused(here.bring(index.url))[WHEEL[0]]


def test_a_dry_run_downloads_nothing(here: Here) -> None:
    with FakeIndex() as index:
        index.add(*WHEEL)

        ran = here.bring(index.url, "--dry-run")

    assert imported(ran) == [WHEEL[0]]
    assert not here.data.exists()
    assert [request.path for request in index.requests] == ["/simple/", "/simple/acme-app/"]


def test_many_files_of_many_projects_all_arrive(here: Here) -> None:
    with FakeIndex() as index:
        files = [wheel(f"project-{number % 30}", f"1.{number}") for number in range(90)]
        for file in files:
            index.add(*file)

        ran = purveyor("import", index.url, "--data", here.data)

    assert ran.code == 0
    assert ran.out.splitlines()[-1].startswith("Imported 90 files")
    assert here.counts().files == 90
