"""`purveyor verify` against a fake index in which one fault at a time is planted."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from purveyor.errors import Misconfigured
from purveyor.testing.fake_index import Answer, FakeFile, FakeIndex
from purveyor.workbench.verifier import CheckResult, Verification, verify
from tests.distributions import core_metadata, sdist, wheel


@pytest.fixture
def index() -> Iterator[FakeIndex]:
    with FakeIndex() as fake:
        yield fake


@pytest.fixture
def file(index: FakeIndex) -> FakeFile:
    return index.add(*wheel("Acme-App", "1.0", metadata=["Requires-Python: >=3.9"]))


def look(index: FakeIndex, project: str | None = "acme-app", version: str | None = None) -> Verification:
    """Everything but the installation, which takes seconds."""
    return verify(index.url, project, version, lambda _result: None, install=False)


def the_only_failure(verification: Verification) -> CheckResult:
    failed = [result for result in verification.results if not result.passed and not result.skipped]
    assert len(failed) == 1, [(result.number, result.seen) for result in failed]
    assert failed[0].remedy
    assert not verification.ok
    return failed[0]


def seen(verification: Verification, number: int) -> str:
    return verification.results[number - 1].seen


# A healthy index


def test_a_healthy_index_passes_all_seven_checks_and_each_is_reported_as_it_ends(index: FakeIndex) -> None:
    index.add(*wheel("Acme-App", "1.0", {"acme_tool/__init__.py": "", "acme_space/part.py": ""}))
    index.add(*sdist("Acme-App", "1.0"))
    reported: list[CheckResult] = []
    verification = verify(index.url, "acme.app", None, reported.append)
    assert [(result.number, result.passed, result.remedy) for result in reported] == [(n, True, "") for n in range(1, 8)]
    assert verification.results == tuple(reported)
    assert (verification.ok, verification.project) == (True, "acme-app")
    assert "`import acme_tool` (of the project acme-app) works." in seen(verification, 6)
    assert "`import acme_space.part` (of the project acme-app) works." in seen(verification, 6)


def test_a_healthy_index_behind_a_path_prefix_has_no_finding() -> None:
    with FakeIndex(prefix="/team") as index:
        index.add(*wheel("acme-app", "1.0"))
        assert look(index).ok


def test_without_a_name_one_project_of_the_list_is_looked_at_and_named(index: FakeIndex, file: FakeFile) -> None:
    verification = look(index, None)
    assert (verification.ok, verification.project) == (True, "acme-app")
    assert "acme-app is looked at" in seen(verification, 2)


def test_an_empty_index_is_no_fault(index: FakeIndex) -> None:
    verification = look(index, None)
    assert (verification.ok, verification.project) == (True, None)
    assert [result.skipped for result in verification.results] == [False, False, True, True, True, True, True]


def test_an_index_that_lacks_what_is_optional_fails_only_where_clients_break(index: FakeIndex, file: FakeFile) -> None:
    index.json_served = False
    file.metadata = file.metadata_sha256 = file.requires_python = None
    verification = look(index)
    assert the_only_failure(verification).number == 7
    assert "does not speak JSON" in seen(verification, 2)
    assert "no .metadata is offered" in seen(verification, 4)


# Checks 1 and 2: the server and its list


def test_a_server_that_is_not_there_fails_the_first_check_and_the_rest_is_skipped() -> None:
    with FakeIndex() as index:
        url = index.url
    verification = verify(url, "acme-app", None, lambda _result: None)
    assert the_only_failure(verification).number == 1
    assert all(result.skipped for result in verification.results[1:])


def test_a_server_in_trouble_is_named_with_its_status(index: FakeIndex) -> None:
    index.answer("/", Answer(status=503))
    failure = the_only_failure(look(index))
    assert (failure.number, "answered 503 Service Unavailable" in failure.seen) == (1, True)


def test_a_list_without_a_doctype_is_named(index: FakeIndex, file: FakeFile) -> None:
    index.doctype = False
    verification = look(index)
    assert "does not begin with <!DOCTYPE html>" in seen(verification, 2)
    assert not verification.results[1].passed


def test_a_wrong_content_type_of_html_is_named(index: FakeIndex, file: FakeFile) -> None:
    index.html_type = "text/plain"
    verification = look(index)
    assert "has the Content-Type 'text/plain'" in seen(verification, 2)
    assert "has the Content-Type 'text/plain'" in seen(verification, 3)
    assert "text/html" in verification.results[2].remedy


def test_a_wrong_content_type_of_json_is_named(index: FakeIndex, file: FakeFile) -> None:
    index.json_type = "application/json"
    verification = look(index)
    assert "sends JSON with the Content-Type 'application/json'" in seen(verification, 3)
    assert "application/vnd.pypi.simple.v1+json" in verification.results[2].remedy


def test_a_major_version_that_clients_must_refuse_is_named(index: FakeIndex, file: FakeFile) -> None:
    index.api_version = "2.0"
    assert "version 2.0 of the Simple API; clients must refuse" in seen(look(index), 2)


def test_a_server_address_given_for_its_index_is_corrected(index: FakeIndex, file: FakeFile) -> None:
    verification = verify(index.root_url, "acme-app", None, lambda _result: None)
    assert f"--index-url {index.url}" in the_only_failure(verification).remedy


@pytest.mark.parametrize("status", [200, 401, 403])
def test_an_answer_for_unknown_projects_that_misleads_installers_is_named(index: FakeIndex, file: FakeFile, status: int) -> None:
    index.unknown = Answer(status=status)
    assert f"A project that does not exist answered {status}" in the_only_failure(look(index)).seen


def test_a_redirect_of_unknown_projects_to_another_host_is_told_and_not_followed(index: FakeIndex, file: FakeFile) -> None:
    with FakeIndex() as other:
        index.unknown = Answer(status=302, headers={"Location": f"{other.url}somewhere/"})
        verification = look(index)
        assert verification.ok
        assert f"redirected to {other.url}somewhere/: another host answers" in seen(verification, 2)
        assert other.requests == []


def test_a_list_of_many_megabytes_is_not_read_to_its_end(index: FakeIndex, file: FakeFile) -> None:
    head = b'<!DOCTYPE html><meta name="pypi:repository-version" content="1.4">'
    index.answer("/simple/", Answer(body=head + b'<a href="acme-app/">acme-app</a>\n' * 200_000))
    verification = look(index)
    assert "only the head was read" in seen(verification, 2)
    assert all(result.passed for result in verification.results[2:4])


# Check 3: the project page


def test_a_project_that_is_not_there_is_named(index: FakeIndex, file: FakeFile) -> None:
    failure = the_only_failure(look(index, "acme-other"))
    assert (failure.number, "/simple/acme-other/ answered 404 Not Found" in failure.seen) == (3, True)


def test_a_redirect_of_a_project_page_is_told_with_where_it_leads(index: FakeIndex, file: FakeFile) -> None:
    with FakeIndex() as other:
        gone = f"{other.url}acme-app/"
    index.answer("/simple/acme-app/", Answer(status=302, headers={"Location": gone}))
    assert f"after a redirect to {gone}" in the_only_failure(look(index)).seen


def test_a_version_that_is_not_there_is_named_with_those_that_are(index: FakeIndex, file: FakeFile) -> None:
    failure = the_only_failure(look(index, version="2.0"))
    assert "lists no file of acme-app 2.0. It has 1.0." in failure.seen


def test_a_version_without_its_file_is_an_unlisted_file(index: FakeIndex, file: FakeFile) -> None:
    index.versions["acme-app"] = ["1.0", "1.1"]
    assert "Version 1.1 is in `versions`, but no file of it is listed." in the_only_failure(look(index)).seen


def test_a_file_that_only_the_json_api_has_is_an_unlisted_file(index: FakeIndex, file: FakeFile) -> None:
    hidden = index.add(*sdist("acme-app", "1.0"))
    hidden.in_html = hidden.in_json = False
    index.json_api = True
    assert "acme_app-1.0.tar.gz is in the JSON API" in the_only_failure(look(index)).seen


@pytest.mark.parametrize(("form", "other"), [("HTML", "JSON"), ("JSON", "HTML")])
def test_a_file_in_one_form_of_the_page_only_is_named(index: FakeIndex, file: FakeFile, form: str, other: str) -> None:
    lonely = index.add(*sdist("acme-app", "1.0"))
    lonely.in_html, lonely.in_json = form == "HTML", form == "JSON"
    expected = f"acme_app-1.0.tar.gz is listed in the {form} page but not in the {other} page."
    assert expected in the_only_failure(look(index)).seen


def test_a_hash_that_html_and_json_disagree_about_is_named(index: FakeIndex, file: FakeFile) -> None:
    link = f'<!DOCTYPE html><a href="{file.href}#sha256={"1" * 64}" data-requires-python="&gt;=3.9">{file.filename}</a>'
    page = Answer(body=link.encode(), headers={"Vary": "Accept"})
    index.html_pages["acme-app"] = page
    assert f"disagree about the sha256 of {file.filename}" in the_only_failure(look(index)).seen


def test_a_root_relative_link_that_breaks_behind_a_prefix_is_named_with_its_cause() -> None:
    with FakeIndex(prefix="/team") as index:
        index.add(*wheel("acme-app", "1.0")).href = "/files/acme_app-1.0-py3-none-any.whl"
        verification = look(index)
        failure = verification.results[2]
        assert f"{index.root_url}/files/acme_app-1.0-py3-none-any.whl does answer" in failure.seen
        assert "misses the path prefix" in failure.seen
        assert "links relative to the page" in failure.remedy


def test_a_link_that_leads_nowhere_is_named(index: FakeIndex, file: FakeFile) -> None:
    file.href = "../../elsewhere/acme_app-1.0-py3-none-any.whl"
    assert "/elsewhere/acme_app-1.0-py3-none-any.whl, which answered 404" in seen(look(index), 3)


def test_a_file_of_another_project_is_named(index: FakeIndex, file: FakeFile) -> None:
    index.add(*wheel("acme-other", "1.0")).project = "acme-app"
    assert "'acme_other-1.0-py3-none-any.whl' is not the name of a wheel or sdist of acme-app" in seen(look(index), 3)


def test_files_of_a_quarantined_project_are_named(index: FakeIndex, file: FakeFile) -> None:
    index.status["acme-app"] = "quarantined"
    assert "quarantined, yet 1 file" in the_only_failure(look(index)).seen


def test_a_page_that_is_no_json_is_named(index: FakeIndex, file: FakeFile) -> None:
    index.answer("/simple/acme-app/", Answer(content_type="application/vnd.pypi.simple.v1+json", body=b'{"meta": '))
    assert "The body is not JSON" in seen(look(index), 3)


# Check 4: the bytes


def test_a_wrong_hash_is_named_with_both_digests(index: FakeIndex, file: FakeFile) -> None:
    right, file.sha256 = file.sha256, "0" * 64
    failure = the_only_failure(look(index))
    assert failure.number == 4
    assert f"{file.filename}: the page says sha256 {'0' * 64}, the bytes have {right}." in failure.seen


def test_a_wrong_size_is_named_with_both_sizes(index: FakeIndex, file: FakeFile) -> None:
    file.size = 7
    failure = the_only_failure(look(index))
    assert f"{file.filename}: the page says 7 bytes, {len(file.data)} came." in failure.seen


def test_metadata_that_is_promised_and_missing_is_named(index: FakeIndex, file: FakeFile) -> None:
    file.metadata = None
    failure = the_only_failure(look(index))
    assert f"{file.filename}.metadata answered 404 Not Found" in failure.seen
    assert "pip and uv stop" in failure.remedy


def test_metadata_that_is_not_that_of_the_wheel_is_named(index: FakeIndex, file: FakeFile) -> None:
    file.metadata = core_metadata("acme-app", "9.9")
    failure = the_only_failure(look(index))
    assert "does not have the sha256 that the page states" in failure.seen
    assert "is not the core metadata inside the file" in failure.seen


def test_a_requires_python_that_the_metadata_does_not_say_is_named(index: FakeIndex, file: FakeFile) -> None:
    file.requires_python = ">=3.12"
    assert "the page says requires-python '>=3.12', its metadata '>=3.9'" in the_only_failure(look(index)).seen


def test_a_body_that_breaks_off_is_named(index: FakeIndex, file: FakeFile) -> None:
    index.answer(file.path, Answer(content_type="application/octet-stream", body=file.data, cut_after=100))
    assert "broke off after 100 bytes" in the_only_failure(look(index)).seen


def test_a_file_in_a_content_encoding_is_named(index: FakeIndex, file: FakeFile) -> None:
    index.answer(file.path, Answer(body=file.data, headers={"Content-Encoding": "gzip"}))
    assert "is sent with Content-Encoding gzip" in the_only_failure(look(index)).seen


def test_an_index_that_is_too_slow_is_named_as_such(index: FakeIndex, file: FakeFile) -> None:
    index.answer("/simple/acme-app/", Answer(delay=1.5))
    verification = verify(index.url, "acme-app", None, lambda _result: None, install=False, timeout=0.3)
    assert "timed out" in the_only_failure(verification).seen


# Check 7: versions and cooldown


def test_a_missing_upload_time_is_named_with_the_file_and_who_breaks(index: FakeIndex, file: FakeFile) -> None:
    file.upload_time = None
    failure = the_only_failure(look(index))
    assert (failure.number, f"upload-time is missing from 1 of 1 files: {file.filename}" in failure.seen) == (7, True)
    assert "--uploaded-prior-to" in failure.remedy


@pytest.mark.parametrize("wrong", ["2026-01-02T03:04:05", "2026-01-02T03:04:05+01:00", "2 January", "2026-02-31T00:00:00Z"])
def test_an_upload_time_that_is_no_moment_in_utc_is_named(index: FakeIndex, file: FakeFile, wrong: str) -> None:
    file.upload_time = wrong
    assert file.filename in the_only_failure(look(index)).seen


def test_an_upload_time_in_the_future_is_named(index: FakeIndex, file: FakeFile) -> None:
    file.upload_time = "2999-01-01T00:00:00Z"
    assert "uploaded in the future, at 2999-01-01T00:00:00Z" in the_only_failure(look(index)).seen


def test_a_version_that_versions_leaves_out_is_named(index: FakeIndex, file: FakeFile) -> None:
    index.versions["acme-app"] = []
    assert "`versions` lacks 1.0" in the_only_failure(look(index)).seen


def test_a_project_of_yanked_files_only_is_named(index: FakeIndex, file: FakeFile) -> None:
    file.yanked = "broken on Tuesdays"
    expected = "Every file of acme-app is yanked: installers skip it unless pinned (broken on Tuesdays)."
    assert expected in the_only_failure(look(index)).seen


def test_a_project_of_pre_releases_only_is_named_and_no_fault(index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0rc1"))
    verification = look(index)
    assert verification.ok
    assert "has only pre-releases" in seen(verification, 7)


def test_an_empty_yank_reason_which_clients_read_differently_is_named(index: FakeIndex, file: FakeFile) -> None:
    file.yanked = ""
    assert "yanked to uv and not yanked to pip" in seen(look(index), 3)


# Checks 5 and 6: installing and importing. Each needs a virtual environment, so each test looks at several things.


def test_import_names_that_do_not_exist_or_do_not_import_are_named_each_with_its_cause(index: FakeIndex) -> None:
    modules = {
        "acme_real.py": "",
        "acme_app.py": "raise RuntimeError('no display')",
        "acme_crash.py": "import os; os._exit(3)",
    }
    index.add(*wheel("acme-app", "1.0", modules, dist_info={"top_level.txt": "acme_absent\nacme_real\n"}))
    failure = the_only_failure(verify(index.url, "acme-app", None, lambda _result: None))
    assert failure.number == 6
    missing = "offers the module 'acme_absent', but no such module is installed; there is acme_app, acme_crash, acme_real"
    assert missing in failure.seen
    assert "`import acme_real` (of the project acme-app) works." in failure.seen
    assert "`import acme_app` fails: RuntimeError: no display" in failure.seen
    assert "`import acme_crash` fails: crash: the interpreter ended with status 3" in failure.seen


def test_a_dependency_that_only_the_users_pip_configuration_knows_is_named_and_the_rest_still_looked_at(
    index: FakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filename, data = wheel("acme-elsewhere", "1.0")
    (tmp_path / filename).write_bytes(data)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    modules = {"acme_app/__init__.py": "import acme_elsewhere", "acme_sound.py": ""}
    index.add(*wheel("acme-app", "1.0", modules, metadata=["Requires-Dist: acme-elsewhere"]))
    verification = verify(index.url, "acme-app", None, lambda _result: None)
    assert [result.passed for result in verification.results] == [True, True, True, True, False, False, True]
    assert "depends on acme-elsewhere, and this index does not have" in seen(verification, 5)
    assert "With --no-deps it installs." in seen(verification, 5)
    assert "there is no module 'acme_elsewhere'" in seen(verification, 6)
    assert "`import acme_sound` (of the project acme-app) works." in seen(verification, 6)


def test_a_wheel_that_installs_nothing_is_named(index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0", {}))
    failure = the_only_failure(verify(index.url, "acme-app", None, lambda _result: None))
    assert "installs no module, no program and no data" in failure.seen


def test_a_python_that_cannot_be_run_is_a_finding(index: FakeIndex, file: FakeFile) -> None:
    verification = verify(index.url, "acme-app", None, lambda _result: None, python="no-such-python")
    assert "no-such-python cannot be run" in the_only_failure(verification).seen
    assert verification.results[5].skipped


# Arguments and credentials


@pytest.mark.parametrize("url", ["", "simple", "ftp://127.0.0.1/simple/", "http://", "http://[half/simple/"])
def test_what_is_no_index_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(Misconfigured, match="is no index URL"):
        verify(url, None, None, lambda _result: None)


@pytest.mark.parametrize(("project", "version"), [("no/name", None), ("acme-app", "no version"), (None, "1.0")])
def test_what_is_no_project_or_version_is_refused(project: str | None, version: str | None) -> None:
    with pytest.raises(Misconfigured):
        verify("http://127.0.0.1:8080/simple/", project, version, lambda _result: None, python=sys.executable)


def test_credentials_go_to_the_index_and_to_no_other_host_and_into_no_result(index: FakeIndex) -> None:
    with FakeIndex() as other:
        elsewhere = other.add(*wheel("acme-app", "1.0"))
        index.add(elsewhere.filename, elsewhere.data).href = f"{other.root_url}{elsewhere.path}"
        url = index.url.replace("http://", "http://someone:secret@")
        verification = verify(url, "acme-app", None, lambda _result: None, install=False)
        assert verification.ok
        assert all("Authorization" in request.headers for request in index.requests)
        assert other.requests
        assert not any("Authorization" in request.headers for request in other.requests)
        assert "secret" not in repr(verification)
