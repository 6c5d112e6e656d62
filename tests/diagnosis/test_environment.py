"""The environment: each fault is planted on the person's machine, found by the doctor, and mended by the command it prints."""

import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from purveyor.testing.fake_index import FakeIndex
from purveyor.workbench.diagnosis import machine
from tests.diagnosis.patient import Examined, Patient


def wrong(examined: Examined) -> list[str]:
    return [f["code"] for f in examined.document["findings"] if f["subject"] == "environment" and f["severity"] in ("warning", "fault")]


def test_a_machine_in_order_has_no_finding_to_mend(patient: Patient, index: FakeIndex) -> None:
    examined = patient.examined()
    assert (wrong(examined), examined.code) == ([], 0)
    assert f"Python {sys.version.split()[0]}" in examined["python-found"].what
    assert examined["tools-found"].what.startswith("pip ")


def test_a_machine_without_a_virtual_environment_is_told_how_to_make_one(patient: Patient, index: FakeIndex) -> None:
    seen = patient.examined("--python", "/usr/bin/env")
    assert "python-unusable" in seen
    patient.program("python3", f'exec {shlex.quote(base_python())} "$@"')
    told = patient.examined("--python", base_python())["virtual-environment-none"]
    after = told.command.replace("python3 -m venv", "python3 -m venv --without-pip")  # only to be quicker
    assert "virtual-environment-none" not in patient.examined(after=after)


def base_python() -> str:
    """The Python on which the environment of the tests was made."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


@pytest.mark.parametrize("script", ["exit 3", "echo hello", 'echo "{}"'])
def test_what_is_no_python_is_told_with_one_that_is(patient: Patient, index: FakeIndex, script: str) -> None:
    patient.program("python", script)
    patient.program("python3", f'exec {shlex.quote(sys.executable)} "$@"')
    seen = patient.examined()["python-unusable"]
    assert seen.command.startswith("purveyor doctor --python ")
    python = shlex.split(seen.command)[-1]
    assert "python-unusable" not in patient.examined("--python", python)


def test_a_virtual_environment_that_was_deleted_is_left(patient: Patient, index: FakeIndex) -> None:
    gone = patient.directory / "gone"
    patient.variables["VIRTUAL_ENV"] = str(gone)
    seen = patient.examined()["virtual-environment-gone"]
    assert str(gone) in seen.what
    assert "virtual-environment-gone" not in patient.examined(after=seen.command)


@pytest.fixture
def bare(patient: Patient) -> Path:
    """An environment without pip, as `uv venv` makes them, first on the person's PATH."""
    folder = patient.directory / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (patient.programs / "python").unlink()
    patient.variables["PATH"] = f"{folder}/bin:{patient.variables['PATH']}"
    # With PYTHONPATH every Python would have the pip of the tests' own; purveyor alone needs what it leads to.
    start = f"import sys; sys.path[:0] = {patient.variables.pop('PYTHONPATH').split(':')!r}; from purveyor.cli.main import main; main()"
    patient.program("purveyor", f'exec {shlex.quote(sys.executable)} -c {shlex.quote(start)} "$@"')
    return folder


@pytest.mark.slow
def test_a_pip_that_belongs_to_another_python_is_told(patient: Patient, index: FakeIndex, bare: Path) -> None:
    seen = patient.examined()["pip-of-another-python"]
    assert f"`python` is Python {sys.version.split()[0]} ({bare}/bin/python)" in seen.what
    assert "ensurepip" in seen.command
    assert "pip-of-another-python" not in patient.examined(after=seen.command)
    assert (bare / "bin" / "pip").exists()


@pytest.mark.slow
def test_a_pip_that_comes_later_on_the_path_is_put_first(patient: Patient, index: FakeIndex, bare: Path) -> None:
    subprocess.run([str(bare / "bin" / "python"), "-m", "ensurepip", "--default-pip"], check=True, capture_output=True)
    patient.variables["PATH"] = f"{patient.programs}:{patient.variables['PATH']}"
    seen = patient.examined()["pip-of-another-python"]
    assert seen.command == f"export PATH={shlex.quote(str(bare / 'bin'))}:$PATH"
    assert "pip-of-another-python" not in patient.examined(after=seen.command)


@pytest.mark.slow
def test_a_machine_without_pip_gets_one(patient: Patient, index: FakeIndex, bare: Path) -> None:
    (patient.programs / "pip").unlink()
    patient.variables["PATH"] = f"{bare}/bin:{patient.programs}"
    for program in ("sh", "env"):
        (patient.programs / program).symlink_to(str(shutil.which(program)))
    seen = patient.examined()["pip-missing"]
    assert "pip-missing" not in patient.examined(after=seen.command)


# What clients are set up for


def test_clients_that_are_set_up_for_nothing_are_a_note(patient: Patient, index: FakeIndex) -> None:
    seen = patient.examined()["client-default-index"]
    assert seen.what == "pip and uv are not set up for any index."
    after = patient.examined(after=seen.command)
    assert [after.codes.count(code) for code in ("client-default-index", "client-uses-this-index")] == [0, 2]


@pytest.mark.parametrize(("client", "variable"), [("pip", "PIP_INDEX_URL"), ("uv", "UV_DEFAULT_INDEX"), ("uv", "UV_INDEX_URL")])
def test_a_variable_that_names_another_index_is_named(patient: Patient, index: FakeIndex, client: str, variable: str) -> None:
    patient.variables[variable] = "http://ada:secret@127.0.0.1:9/simple/"
    seen = patient.examined()["client-other-index"]
    assert f"environment variable {variable}" in seen.what
    assert client in seen.what
    assert "secret" not in seen.what
    assert seen.command == f"export {variable}={index.url}"
    assert wrong(patient.examined(after=seen.command)) == []


def test_a_pip_conf_that_names_another_index_is_edited_by_pip(patient: Patient, index: FakeIndex) -> None:
    conf = patient.home / ".config" / "pip" / "pip.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text("[global]\nindex-url = http://127.0.0.1:9/simple/\n")
    seen = patient.examined()["client-other-index"]
    assert "~/.config/pip/pip.conf, [global] index-url" in seen.what
    assert seen.command == f"pip config --user set global.index-url {index.url}"
    assert wrong(patient.examined(after=seen.command)) == []


def test_a_uv_toml_that_names_another_index_is_named_with_what_to_write(patient: Patient, index: FakeIndex) -> None:
    conf = patient.home / ".config" / "uv" / "uv.toml"
    conf.parent.mkdir(parents=True)
    conf.write_text('[[index]]\nurl = "http://127.0.0.1:9/simple/"\ndefault = true\n')
    seen = patient.examined()["client-other-index"]
    assert seen.remedy == "Name this index in ~/.config/uv/uv.toml, [[index]] url."
    assert seen.command == f"purveyor config uv --user --write --yes --index-url {index.url}"
    assert wrong(patient.examined(after=seen.command)) == []


def test_a_project_that_names_another_index_for_pdm_is_changed(patient: Patient, index: FakeIndex) -> None:
    file = patient.project / "pyproject.toml"
    file.write_text('[[tool.pdm.source]]\nname = "pypi"\nurl = "http://127.0.0.1:9/simple/"\n')
    seen = patient.examined()["client-other-index"]
    assert "pyproject.toml, [[tool.pdm.source]] pypi" in seen.what
    assert wrong(patient.examined(after=seen.command)) == []


def test_a_project_that_names_another_index_for_poetry_is_named_with_what_to_write(patient: Patient, index: FakeIndex) -> None:
    file = patient.project / "pyproject.toml"
    file.write_text('[[tool.poetry.source]]\nname = "ours"\nurl = "http://127.0.0.1:9/simple/"\n')
    seen = patient.examined()["client-other-index"]
    assert (seen.remedy.startswith("Name this index in "), seen.command) == (True, "")
    file.write_text(f'[[tool.poetry.source]]\nname = "ours"\nurl = "{index.url}"\n')
    assert wrong(patient.examined()) == []


def test_an_extra_index_is_told_with_the_danger(patient: Patient, index: FakeIndex) -> None:
    patient.variables |= {"PIP_INDEX_URL": index.url, "PIP_EXTRA_INDEX_URL": "http://127.0.0.1:9/a/ http://127.0.0.1:9/b/"}
    seen = patient.examined()["client-extra-index"]
    assert "dependency confusion" in seen.why
    assert "http://127.0.0.1:9/a/, http://127.0.0.1:9/b/ for every name" in seen.what
    assert wrong(patient.examined(after=seen.command)) == []


def test_this_index_beside_another_one_is_told_to_become_the_only_one(patient: Patient, index: FakeIndex) -> None:
    conf = patient.home / ".config" / "pip" / "pip.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(f"[global]\nextra-index-url = {index.url}\n")
    seen = patient.examined()["client-extra-index"]
    assert seen.remedy.endswith("Make this the only index of pip.")
    assert wrong(patient.examined(after=seen.command)) == []


def test_a_pip_that_may_ask_no_index_is_told(patient: Patient, index: FakeIndex) -> None:
    patient.variables["PIP_NO_INDEX"] = "1"
    seen = patient.examined()["client-no-index"]
    assert (seen.command, wrong(patient.examined(after=seen.command))) == ("unset PIP_NO_INDEX", [])


def test_directories_that_pip_takes_files_from_are_a_note(patient: Patient, index: FakeIndex) -> None:
    patient.variables["PIP_FIND_LINKS"] = "/srv/wheels"
    assert "/srv/wheels (environment variable PIP_FIND_LINKS)" in patient.examined()["client-find-links"].what
    assert "client-find-links" not in patient.examined(after="unset PIP_FIND_LINKS")


def test_a_configuration_that_cannot_be_read_is_named(patient: Patient, index: FakeIndex) -> None:
    conf = patient.home / ".config" / "pip" / "pip.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text("no section\n")
    seen = patient.examined()["client-configuration-broken"]
    assert "~/.config/pip/pip.conf" in seen.what
    assert "move it away" in seen.remedy
    assert wrong(patient.examined(after=f"mv {shlex.quote(str(conf))} away")) == []


# Passwords, proxies, the clock, the disk, the data directory


def planted_netrc(patient: Patient) -> Path:
    path = patient.home / ".netrc"
    path.write_text("machine index.example login ada password secret\n")
    path.chmod(0o644)
    return path


def planted_pypirc(patient: Patient) -> Path:
    path = patient.home / ".pypirc"
    path.write_text("[ours]\nrepository = http://index.example/legacy/\nusername = ada\npassword = secret\n")
    path.chmod(0o644)
    return path


def planted_token(patient: Patient) -> Path:
    patient.data.mkdir()
    path = patient.data / "upload-token"
    path.write_text("secret")
    path.chmod(0o644)
    return path


SECRETS = [
    (planted_netrc, "credentials-readable-by-others"),
    (planted_pypirc, "credentials-readable-by-others"),
    (planted_token, "token-readable-by-others"),
]


@pytest.mark.parametrize(("plant", "code"), SECRETS)
def test_a_secret_that_others_can_read_is_told_and_closed(
    patient: Patient, index: FakeIndex, plant: Callable[[Patient], Path], code: str
) -> None:
    path = plant(patient)
    seen = patient.examined()[code]
    assert str(path) in seen.what
    assert wrong(patient.examined(after=seen.command)) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("plant", "code"), SECRETS)
def test_fix_closes_a_secret_and_says_so(patient: Patient, index: FakeIndex, plant: Callable[[Patient], Path], code: str) -> None:
    path = plant(patient)
    examined = patient.examined("--fix")
    assert examined[code].fixed == f"{path} now has mode 0600."
    assert examined.code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert wrong(patient.examined()) == []


def test_credentials_for_this_very_host_are_a_note(patient: Patient, index: FakeIndex) -> None:
    path = patient.home / ".netrc"
    path.write_text("machine 127.0.0.1 login ada password secret\n")
    path.chmod(0o600)
    seen = patient.examined()["credentials-for-this-host"]
    assert "~/.netrc, machine 127.0.0.1" in seen.what
    path.write_text("")
    assert "credentials-for-this-host" not in patient.examined()


@pytest.mark.parametrize(
    "variables", [{"http_proxy": "http://proxy.example:3128"}, {"ALL_PROXY": "http://proxy.example:3128", "NO_PROXY": "a.example"}]
)
def test_a_proxy_that_swallows_this_machine_is_told(patient: Patient, index: FakeIndex, variables: dict[str, str]) -> None:
    patient.variables |= variables
    examined = patient.examined()
    assert "index-answers" in examined
    seen = examined["proxy-swallows-index"]
    assert "the proxy http://proxy.example:3128" in seen.what
    assert wrong(patient.examined(after=seen.command)) == []


def test_a_clock_from_before_this_program_was_written_is_told() -> None:
    (finding,) = machine.clock(datetime(1970, 1, 1, tzinfo=UTC), None)
    assert (finding.code, finding.command) == ("clock-wrong", "sudo timedatectl set-ntp true")
    assert list(machine.clock(datetime(2026, 11, 1, tzinfo=UTC), None)) == []


def test_a_server_whose_clock_differs_is_told() -> None:
    now = datetime(2026, 11, 1, 12, tzinfo=UTC)
    (finding,) = machine.clock(now, "Sun, 01 Nov 2026 11:00:00 GMT")
    assert finding.code == "clock-differs"
    assert "11:00:00 UTC, this machine's 2026-11-01 12:00:00" in finding.what
    assert list(machine.clock(now - timedelta(hours=1), "Sun, 01 Nov 2026 11:00:00 GMT")) == []
    assert list(machine.clock(now, "no date")) == []


def test_a_disk_that_is_nearly_full_is_told_until_there_is_room(tmp_path: Path) -> None:
    filling = tmp_path / "filling"
    with filling.open("wb") as file:
        file.write(b"x")
        _take(file.fileno(), 1 << 27)
    least = shutil.disk_usage(tmp_path).free + (1 << 26)
    (finding,) = machine.disk([tmp_path, tmp_path / "not" / "there"], least)
    assert (finding.code, finding.command) == ("disk-nearly-full", "purveyor clean")
    filling.unlink()
    assert list(machine.disk([tmp_path], least)) == []


def _take(descriptor: int, size: int) -> None:
    import os  # noqa: PLC0415 - not on every system

    os.posix_fallocate(descriptor, 0, size)


def test_a_data_directory_that_cannot_be_written_to_is_told(patient: Patient, index: FakeIndex) -> None:
    patient.data.mkdir(mode=0o500)
    seen = patient.examined()["data-directory-not-writable"]
    assert str(patient.data) in seen.what
    assert wrong(patient.examined(after=seen.command)) == []


def test_a_user_without_a_home_is_told_to_name_a_data_directory(patient: Patient, index: FakeIndex) -> None:
    # As in a container that runs as a user whom the system does not know.
    unknown = "import pwd; pwd.getpwuid = lambda uid: {}[uid]; from purveyor.cli.main import main; main()"
    patient.program("purveyor", f'exec {shlex.quote(sys.executable)} -c {shlex.quote(unknown)} "$@"')
    for name in ("HOME", "PURVEYOR_DATA", "PURVEYOR_RUN_DIR"):
        del patient.variables[name]
    seen = patient.examined()["data-directory-unknown"]
    assert wrong(patient.examined(after=seen.command)) == []


def test_fix_makes_a_data_directory_writable(patient: Patient, index: FakeIndex) -> None:
    patient.data.mkdir(mode=0o500)
    assert patient.examined("--fix")["data-directory-not-writable"].fixed == f"{patient.data} now has mode 0700."
    assert wrong(patient.examined()) == []


def test_people_read_what_why_and_the_command_without_colours(patient: Patient, index: FakeIndex) -> None:
    planted_netrc(patient)
    done = patient.shell(f"purveyor doctor --index-url {index.url}")
    assert done.returncode == 1
    assert f"  $ chmod 600 {patient.home}/.netrc\n" in done.stdout
    assert done.stdout.endswith("1 thing to mend.\n`purveyor doctor --fix` mends 1 of them.\n")
    assert "\x1b" not in done.stdout
