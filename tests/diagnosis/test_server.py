"""The server behind the URL: each trouble is made with real processes, found by the doctor, and mended by the command it prints."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import purveyor
from tests.diagnosis.patient import Examined, Patient
from tests.diagnosis.web_server import WebServer, free_port
from tests.distributions import wheel
from tests.live_server import LiveServer


@pytest.fixture
def code(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is installed on the patient's machine: a copy, which nobody changes but the test."""
    installed = patient.directory / "installed" / "purveyor"
    shutil.copytree(Path(purveyor.__file__).parent, installed, ignore=shutil.ignore_patterns("__pycache__"))
    patient.variables["PYTHONPATH"] = os.pathsep.join((str(installed.parent), patient.variables["PYTHONPATH"]))
    monkeypatch.setenv("PYTHONPATH", patient.variables["PYTHONPATH"])
    return installed


@pytest.fixture
def own(patient: Patient, code: Path) -> Iterator[LiveServer]:
    """A server that the patient started, in the patient's run directory."""
    with LiveServer(patient.data, run_dir=patient.run_directory) as running:
        patient.index_url = running.simple_url
        running.http.get(running.simple_url).raise_for_status()
        yield running
        # Whatever a remedy put in its place.
        patient.shell("purveyor stop --all")


@pytest.fixture
def port(patient: Patient, code: Path) -> Iterator[int]:
    """A free port, which the patient asks about; what a remedy starts there is stopped."""
    free = free_port()
    patient.index_url = f"http://127.0.0.1:{free}/simple/"
    yield free
    patient.shell("purveyor stop --all")


def wrong(examined: Examined) -> list[str]:
    return [
        f["code"] for f in examined.document["findings"] if f["subject"] in ("server", "index") and f["severity"] in ("warning", "fault")
    ]


def test_a_server_in_order_is_told_with_its_process_and_data(patient: Patient, own: LiveServer) -> None:
    examined = patient.examined()
    assert (wrong(examined), examined.code) == ([], 0)
    assert f"process {own.pid} with its data in {patient.data}" in examined["server-answers"].what


def test_nothing_answers_until_the_command_that_is_printed_was_run(patient: Patient, port: int) -> None:
    examined = patient.examined()
    assert examined.code == 3
    assert examined["server-silent"].command == f"purveyor start --port {port}"
    mended = patient.examined(after=examined["server-silent"].command)
    assert (wrong(mended), mended.code) == ([], 0)


def test_a_server_on_another_port_is_named(patient: Patient, own: LiveServer) -> None:
    examined = patient.examined(index_url=f"http://127.0.0.1:{free_port()}/simple/")
    assert examined.code == 3
    seen = examined["server-elsewhere"]
    assert f"pid {own.pid} serves {own.url}" in seen.what
    assert seen.command == f"purveyor doctor --index-url {own.simple_url}"
    assert patient.shell(seen.command).returncode == 0


def test_a_web_server_on_the_port_is_named_with_its_directory(patient: Patient, port: int, tmp_path: Path) -> None:
    folder = tmp_path / "the wrong folder"
    folder.mkdir()
    with WebServer(folder, port) as web:
        examined = patient.examined()
        assert examined.code == 3
        seen = examined["port-held-by-another"]
        assert f"process {web.pid} " in seen.what
        assert f"-m http.server --bind 127.0.0.1 {port}" in seen.what
        assert str(folder) in seen.what
        mended = patient.examined(after=seen.command)
        assert (wrong(mended), mended.code) == ([], 0)


@pytest.mark.slow
def test_a_server_that_hangs_is_restarted(patient: Patient, own: LiveServer) -> None:
    own.host(wheel("acme-app", "1.0"))
    os.kill(own.pid, signal.SIGSTOP)
    examined = patient.examined()
    assert examined.code == 3
    assert f"pid {own.pid} listens at {own.url}, but gives no answer" in examined["server-hangs"].what
    mended = patient.examined("acme-app", after=examined["server-hangs"].command)
    assert (wrong(mended), mended.code) == ([], 0)


def test_a_server_that_was_killed_leaves_a_run_file_which_is_named(patient: Patient, own: LiveServer) -> None:
    own.kill()
    seen = patient.examined()["run-file-stale"]
    assert str(patient.run_directory) in seen.what
    assert "run-file-stale" not in patient.examined(after=seen.command)
    own.start()


def test_fix_removes_what_servers_left_behind(patient: Patient, own: LiveServer) -> None:
    (patient.run_directory / "1-abc.json").write_text("rubbish")
    examined = patient.examined("--fix")
    assert examined["run-file-stale"].fixed == f"{patient.run_directory / '1-abc.json'} is removed."
    assert (wrong(patient.examined()), examined.code) == ([], 0)
    assert len(list(patient.run_directory.iterdir())) == 1


def test_a_server_whose_data_directory_is_gone_is_told(patient: Patient, own: LiveServer) -> None:
    patient.data.rename(patient.directory / "moved away")
    seen = patient.examined()["server-data-gone"]
    assert str(patient.data) in seen.what
    mended = patient.examined(after=seen.command)
    assert (wrong(mended), mended.code) == ([], 0)


def test_a_server_that_runs_older_code_than_is_installed_is_restarted(patient: Patient, port: int, code: Path) -> None:
    assert patient.shell(f"purveyor start --port {port}").returncode == 0
    assert wrong(patient.examined()) == []
    with (code / "errors.py").open("a") as module:
        module.write("# a newer release\n")
    seen = patient.examined()["server-outdated"]
    assert seen.command == f"purveyor restart --port {port}"
    mended = patient.examined(after=seen.command)
    assert (wrong(mended), mended.code) == ([], 0)


def test_a_broken_file_in_a_served_folder_is_named_with_the_reason(patient: Patient, port: int, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    filename, content = wheel("acme-app", "1.0")
    (folder / filename).write_bytes(content[: len(content) // 2])
    assert patient.shell(f"purveyor start --port {port} '{folder}'").returncode == 0
    assert "folder-file-broken" in patient.examined()
    seen = patient.examined("acme-app")["folder-file-broken"]
    assert seen.what.startswith(f"{folder / filename} is not served: ")
    assert "folder-file-broken" not in patient.examined("other-project")
    assert wrong(patient.examined(after=seen.command)) == []
    (folder / filename).write_bytes(content)
    assert "folder-file-broken" not in patient.examined("acme-app")
