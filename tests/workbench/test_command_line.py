"""The frame around every command: help, version, errors and exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from purveyor import __version__
from purveyor.cli.main import COMMANDS
from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.workbench.command import environment, purveyor
from tests.workbench.fake_uploads import UploadIndex


def test_the_help_names_every_command_in_the_order_of_a_projects_life() -> None:
    text = purveyor("--help").out
    commands = [line.split()[0] for line in text.split("Commands:")[1].split("Options:")[0].splitlines() if line.strip()]
    assert commands == list(COMMANDS)


def test_without_a_command_the_help_is_shown() -> None:
    assert purveyor().out == purveyor("--help").out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    shown = purveyor(command, "--help")
    assert shown.code == 0
    assert shown.out.startswith(f"Usage: purveyor {command} ")


def test_the_version_is_told() -> None:
    assert purveyor("--version").out == f"purveyor {__version__}\n"


def test_the_help_loads_none_of_the_heavy_modules() -> None:
    code = (
        "import sys\nfrom purveyor.cli.main import main\n"
        "try:\n    main(['--help'])\n"
        "finally:\n    print(sorted({'httpx2', 'build', 'uvicorn', 'sqlite3', 'psutil'} & set(sys.modules)), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert ran.stderr == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("no-such-command",), 2),
        (("new",), 2),
        (("new", "class"), 2),
        (("build", "--no-such-flag"), 2),
        (("build", "no such directory"), 2),
        (("publish", "no-such-file-1.0.tar.gz"), 2),
        (("publish", "--index-url", "ftp://127.0.0.1/"), 2),
    ],
)
def test_what_cannot_be_run_is_a_sentence_and_an_exit_code(arguments: tuple[str, ...], code: int, tmp_path: Path) -> None:
    ran = purveyor(*arguments, cwd=tmp_path, PYTHONPATH=_python_path())
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("Error: ")
    assert "Traceback" not in ran.err


def test_with_json_an_error_is_an_object(tmp_path: Path) -> None:
    ran = purveyor("build", tmp_path, "--json")
    assert ran.code == 2
    assert ran.document["error"] == "misconfigured"
    assert ran.document["detail"] == f"{tmp_path} is not a Python project: it has no pyproject.toml."
    assert ran.document["remedy"]


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    ran = subprocess.run(
        f'"{sys.executable}" -m purveyor --help | head -n 1',
        shell=True,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("Usage: purveyor [OPTIONS] [COMMAND] [ARGS]...\n", "")


def test_a_directory_that_may_not_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = purveyor("new", "acme-app", tmp_path / "file" / "acme")
    assert ran.code == 6
    assert ran.err == f"Error: The system refused: Not a directory ({tmp_path / 'file' / 'acme'}).\n"


def _python_path() -> str:
    """What this process finds Purveyor by, whatever directory a command is started in."""
    return ":".join(str(Path(entry).resolve()) for entry in sys.path if entry)


def test_verifying_where_no_server_answers_is_told_apart() -> None:
    with UploadIndex() as gone:
        pass
    ran = purveyor("verify", "acme-app", "--index-url", gone.url, "--json")
    assert ran.code == 3
    assert ran.document["ok"] is False
    assert [check["skipped"] for check in ran.document["checks"]] == [False, *[True] * 6]


def test_verifying_an_index_without_the_project_fails_with_the_check_that_found_it(server: LiveServer) -> None:
    server.host(wheel("acme-app", "1.0"))
    ran = purveyor("verify", "another", "--index-url", server.simple_url)
    assert ran.code == 1
    assert "FAIL" in ran.out
    assert ran.out.endswith(f"{server.simple_url} has faults.\n")


def test_a_released_project_is_verified_without_installing_it(server: LiveServer) -> None:
    server.host(wheel("acme-app", "1.0"))
    ran = purveyor("verify", "acme-app==1.0", "--index-url", server.url, "--no-install", "--json")
    assert ran.code == 0, ran.out
    assert {check["number"]: check["skipped"] for check in ran.document["checks"] if check["skipped"]} == {5: True, 6: True}


@pytest.mark.usefixtures("started_by_command")
def test_a_server_on_a_taken_port_says_who_has_it(server: LiveServer, tmp_path: Path) -> None:
    port = server.url.rstrip("/").rpartition(":")[2]
    ran = purveyor("serve", "--port", port, "--data", tmp_path / "other")
    assert ran.code == 5
    assert f"is taken by another Purveyor, process {server.pid} " in ran.err
    assert f"with its data in {server.data}." in ran.err
