"""A named project: each fault is planted on an index, found by the doctor, and mended by what it says."""

import io
import shlex
import sys
import zipfile
from pathlib import Path

import pytest

from purveyor.testing.fake_index import Answer, FakeFile, FakeIndex
from tests.diagnosis.patient import Examined, Patient
from tests.distributions import core_metadata, sdist, wheel

THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
# A Python that claims to be older than it is: two real versions are not on every machine.
# A shell script and a Python program in one: the path of a shebang's interpreter may have no space in it.
_CLAIMS = """#!/bin/sh
'''exec' '{python}' "$0" "$@"
' '''
import platform, sys
platform.python_version = lambda: "3.9.1"
at = sys.argv.index("-c") if "-c" in sys.argv else 0
if not at:
    import os
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
sys.argv, code = sys.argv[at:], sys.argv[at + 1]
del sys.argv[1]
exec(code)
"""


def older_python(patient: Patient, name: str = "python") -> Path:
    path = patient.programs / name
    path.write_text(_CLAIMS.format(python=sys.executable))
    path.chmod(0o755)
    return path


def installed(patient: Patient, command: str) -> str:
    """The command as printed, into a directory that the shell can import from; its output."""
    target = patient.directory / "installed"
    patient.variables |= {"PIP_TARGET": str(target), "PIP_NO_DEPS": "1"}
    done = patient.shell(command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wrong(examined: Examined) -> list[str]:
    return [f["code"] for f in examined.document["findings"] if f["subject"] == "project" and f["severity"] in ("warning", "fault", "note")]


def test_a_project_in_order_is_only_told(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0"))
    examined = patient.examined("acme-app")
    assert wrong(examined) == []
    assert examined["project-found"].what == f"acme-app 1.0: Python {sys.version.split()[0]} installs acme_app-1.0-py3-none-any.whl."


def test_another_spelling_of_the_name_is_no_fault(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0"))
    examined = patient.examined("Acme_App")
    assert wrong(examined) == []
    assert "are the same project" in examined["project-spelled-otherwise"].what


def test_what_can_be_no_name_is_told_with_how_to_write_one(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0"))
    seen = patient.examined("acme app")["project-name-invalid"]
    assert (seen.remedy, seen.command) == ("Write NAME or NAME==VERSION.", "purveyor doctor NAME")
    assert "project-name-invalid" not in patient.examined("acme-app")


def test_a_name_like_one_that_is_there_is_suggested(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0"))
    seen = patient.examined("acme-apps")["project-missing"]
    assert "There is acme-app" in seen.why
    assert "acme_app-1.0" in installed(patient, seen.command)


def test_a_name_that_lacks_only_the_dash_is_another_project(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0"))
    seen = patient.examined("acmeapp")["project-name-differs"]
    assert "has no project acmeapp, but it has acme-app" in seen.what
    assert "acme_app-1.0" in installed(patient, seen.command)


def test_a_version_that_is_not_there_is_told_with_those_that_are(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0"))
    seen = patient.examined("acme-app==2.0")["version-missing"]
    assert seen.what == "acme-app has no version 2.0; it has 1.0."
    assert "acme_app-1.0" in installed(patient, seen.command)
    assert wrong(patient.examined("acme-app==1.0")) == []


def test_only_yanked_releases_install_when_asked_for_exactly(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0")).yanked = "it loses data"
    seen = patient.examined("acme-app")["project-only-yanked"]
    assert "yanked (it loses data)" in seen.what
    assert "acme_app-1.0" in installed(patient, seen.command)
    assert wrong(patient.examined("acme-app==1.0")) == []


def test_only_pre_releases_are_told_with_how_to_ask_for_one(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0a1"))
    seen = patient.examined("acme-app")["project-only-prereleases"]
    assert "acme_app-1.0a1" in installed(patient, seen.command)
    assert wrong(patient.examined("acme-app==1.0a1")) == []


def test_wheels_for_another_platform_only_are_told_with_the_tags_of_both(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0", tag="cp39-cp39-win_amd64"))
    seen = patient.examined("acme-app")["project-no-file-fits"]
    assert "only wheels for cp39-cp39-win_amd64, no sdist" in seen.what
    assert f"cp{THIS.replace('.', '')}-cp{THIS.replace('.', '')}-" in seen.why
    assert "py3-none-any" in seen.why
    assert "publish it" in seen.remedy
    index.add(*wheel("acme-app", "1.0"))
    assert wrong(patient.examined("acme-app")) == []


def test_a_python_that_requires_python_excludes_is_told_of_another_one_here(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0", metadata=["Requires-Python: >=3.10"]))
    older_python(patient)
    patient.program(f"python{THIS}", f'exec {shlex.quote(sys.executable)} "$@"')
    seen = patient.examined("acme-app")["project-requires-python"]
    assert seen.what == "acme-app 1.0 requires Python >=3.10; this is 3.9.1."
    done = patient.shell(seen.command)
    assert done.returncode == 0, done.stderr
    assert wrong(patient.examined("acme-app", "--python", ".venv/bin/python")) == []


def test_without_another_python_a_release_for_this_one_is_asked_for(patient: Patient, index: FakeIndex) -> None:
    file = index.add(*wheel("acme-app", "1.0", metadata=["Requires-Python: <3"]))
    assert file.requires_python == "<3"
    assert "publish a release that allows this one" in patient.examined("acme-app")["project-requires-python"].remedy
    index.add(*wheel("acme-app", "1.1", metadata=["Requires-Python: >=3"]))
    assert wrong(patient.examined("acme-app")) == []


def test_a_newer_release_that_this_python_does_not_get_is_told(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0"))
    index.add(*wheel("acme-app", "2.0", metadata=["Requires-Python: >=4"]))
    seen = patient.examined("acme-app")["project-newer-does-not-fit"]
    assert (seen.why, seen.what.endswith("gets 1.0.")) == ("2.0 requires Python >=4.", True)
    assert "acme_app-1.0" in installed(patient, seen.command)
    assert wrong(patient.examined("acme-app==1.0")) == []


def test_a_project_with_only_an_sdist_has_to_be_built(patient: Patient, index: FakeIndex) -> None:
    index.add(*sdist("acme-app", "1.0"))
    assert "has to be built at each install" in patient.examined("acme-app")["project-sdist-only"].what
    index.add(*wheel("acme-app", "1.0"))
    assert wrong(patient.examined("acme-app")) == []


def test_a_file_that_was_changed_does_not_have_the_hash_of_the_page(patient: Patient, index: FakeIndex) -> None:
    file = index.add(*wheel("acme-app", "1.0"))
    true, file.sha256 = file.sha256, "0" * 64
    seen = patient.examined("acme-app")["file-hash-differs"]
    assert f"the page says sha256 {'0' * 64}, the bytes have {true}" in seen.what
    assert "make the page anew from the file" in seen.remedy
    file.sha256 = true
    assert wrong(patient.examined("acme-app")) == []


def test_a_file_that_is_listed_and_not_there_is_named(patient: Patient, index: FakeIndex) -> None:
    file = index.add(*wheel("acme-app", "1.0"))
    right, file.href = file.href, "../../elsewhere/acme_app-1.0-py3-none-any.whl"
    assert "404" in patient.examined("acme-app")["file-missing"].what
    file.href = right
    assert wrong(patient.examined("acme-app")) == []


def damaged() -> bytes:
    """A wheel whose METADATA does not unpack."""
    content = bytearray(wheel("acme-app", "1.0", metadata=[f"Keywords: {'x' * 500}"])[1])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info = archive.getinfo("acme_app-1.0.dist-info/METADATA")
    start = info.header_offset + 30 + len(info.filename)
    content[start : start + 20] = b"\xff" * 20
    return bytes(content)


@pytest.mark.parametrize("content", [b"no zip archive", damaged()])
def test_a_wheel_that_cannot_be_read_is_named_and_a_new_version_mends_it(patient: Patient, index: FakeIndex, content: bytes) -> None:
    index.files.append(
        FakeFile("acme_app-1.0-py3-none-any.whl", content, "acme-app", "1.0", None, None, "../../files/acme_app-1.0-py3-none-any.whl")
    )
    assert "under a new version" in patient.examined("acme-app")["wheel-broken"].remedy
    index.add(*wheel("acme-app", "1.1"))
    assert wrong(patient.examined("acme-app")) == []


def test_the_import_name_is_shown_where_it_is_not_the_projects(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0", {"acme_tool/__init__.py": "", "acme_tool/part.py": ""}))
    seen = patient.examined("acme-app")["import-name-differs"]
    assert seen.what == "The project acme-app is imported as acme_tool."
    installed(patient, f"pip install --index-url {index.url} acme-app")
    patient.variables["PYTHONPATH"] = str(patient.directory / "installed")
    assert patient.shell("python -c 'import acme_app'").returncode == 1
    assert (seen.command, patient.shell(seen.command).returncode) == ("python -c 'import acme_tool'", 0)


def test_a_wheel_without_a_module_is_told_and_a_built_one_mends_it(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0", {}))
    assert "did not find the sources" in patient.examined("acme-app")["nothing-to-import"].why
    index.add(*wheel("acme-app", "1.1"))
    assert wrong(patient.examined("acme-app")) == []


@pytest.mark.parametrize("status", ["quarantined", "archived", "deprecated"])
def test_a_status_is_told_until_it_is_active_again(patient: Patient, index: FakeIndex, status: str) -> None:
    file = index.add(*wheel("acme-app", "1.0"))
    index.status["acme-app"] = status
    if status == "quarantined":
        index.files.remove(file)
        index.versions["acme-app"] = []
    seen = patient.examined("acme-app")[f"project-{status}"]
    assert seen.remedy
    index.status.clear()
    if status == "quarantined":
        index.files.append(file)
    assert wrong(patient.examined("acme-app")) == []


def test_a_page_without_a_file_that_installs_is_told(patient: Patient, index: FakeIndex) -> None:
    index.add("acme-app-1.0.exe", b"")
    index.files[0].project = "acme-app"
    assert "lists acme-app-1.0.exe" in patient.examined("acme-app")["project-without-files"].what
    index.add(*wheel("acme-app", "1.0"))
    assert "project-without-files" not in patient.examined("acme-app")


def test_a_page_that_fails_is_told_until_it_is_right_again(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0"))
    index.answer("/simple/acme-app/", Answer(status=503))
    assert "answered 503" in patient.examined("acme-app")["project-page-fails"].what
    index._answers.clear()
    assert wrong(patient.examined("acme-app")) == []


def test_files_without_an_upload_time_are_told(patient: Patient, index: FakeIndex) -> None:
    file = index.add(*wheel("acme-app", "1.0"))
    time, file.upload_time = file.upload_time, None
    assert "has no upload time" in patient.examined("acme-app")["upload-time-missing"].what
    file.upload_time = time
    assert wrong(patient.examined("acme-app")) == []


def test_a_file_too_large_to_be_downloaded_is_named(patient: Patient, index: FakeIndex) -> None:
    file = index.add(*wheel("acme-app", "1.0"))
    size, file.size = file.size, 1 << 30
    assert "`purveyor verify` downloads it" in patient.examined("acme-app")["file-not-compared"].remedy
    assert not any(request.path.endswith(".whl") for request in index.requests)
    file.size = size
    assert wrong(patient.examined("acme-app")) == []


def test_another_index_with_a_higher_version_shadows_the_project(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0"))
    with FakeIndex() as other:
        other.add(*wheel("acme-app", "99.0"))
        patient.variables |= {"PIP_INDEX_URL": index.url, "PIP_EXTRA_INDEX_URL": other.url}
        seen = patient.examined("acme-app")["project-shadowed"]
        assert seen.what == f"{other.url} has acme-app too: version 99.0, here it is 1.0."
        assert seen.command == "unset PIP_EXTRA_INDEX_URL"
        assert wrong(patient.examined("acme-app", after=seen.command)) == []


def test_another_index_with_a_lower_version_is_a_warning(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0"))
    with FakeIndex() as other:
        other.add(*wheel("acme-app", "0.1"))
        patient.variables |= {"PIP_INDEX_URL": index.url, "PIP_EXTRA_INDEX_URL": other.url}
        seen = patient.examined("acme-app")["project-also-elsewhere"]
        assert "as soon as it has a higher version" in seen.why
        assert wrong(patient.examined("acme-app", after=seen.command)) == []


def test_another_index_that_cannot_be_asked_is_told(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0"))
    patient.variables |= {"PIP_INDEX_URL": index.url, "PIP_EXTRA_INDEX_URL": "file:///srv/simple"}
    assert "it is no http or https URL" in patient.examined("acme-app")["other-index-not-asked"].what
    assert wrong(patient.examined("acme-app", after="unset PIP_EXTRA_INDEX_URL")) == []


def test_the_names_in_a_wheels_data_directory_are_importable_too(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0", {"acme_app-1.0.data/purelib/acme_app.py": ""}, core_metadata("acme-app", "1.0")))
    assert wrong(patient.examined("acme-app")) == []
