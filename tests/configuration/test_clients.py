"""The clients themselves, with nothing but the file that `purveyor config` wrote: they install from, and publish to, the index in it."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.clients.publishers import called
from tests.clients.tools import HATCH, NEWEST_PIP, PDM, POETRY, TWINE, UV
from tests.configuration.conftest import Config
from tests.configuration.surroundings import plant
from tests.distributions import wheel
from tests.live_server import LiveServer

TILL = wheel("till", "1.2", {"till.py": "def total():\n    return 42\n"})
CONSUMER = '[project]\nname = "consumer"\nversion = "0"\nrequires-python = ">=3.9"\ndependencies = ["till"]\n'


@pytest.fixture
def home(client_environment: Mapping[str, str]) -> Path:
    """The home directory of the clients."""
    return Path(client_environment["HOME"])


@pytest.fixture
def alone(tmp_path: Path, client_environment: Mapping[str, str]) -> Mapping[str, str]:
    """An environment in which clients read the files in their home directory, and none of this machine's."""
    kept = {name: value for name, value in client_environment.items() if name not in {"PIP_CONFIG_FILE", "UV_NO_CONFIG"}}
    return {**kept, "XDG_CONFIG_DIRS": str(tmp_path / "no-such-directory")}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that needs `till`."""
    return plant(tmp_path / "project" / "pyproject.toml", CONSUMER).parent


def set_up(config: Config, client: str, server: LiveServer, *arguments: str | Path, **environ: str) -> None:
    ran = config(client, "--index-url", server.simple_url, "--write", "--yes", *arguments, **environ)
    assert ran.code == 0, ran.err


def installed_into(place: Path) -> bool:
    return (place / "till.py").exists()


def site_packages(project: Path) -> Path:
    return project / ".venv" / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def with_virtual_environment(project: Path, environment: Mapping[str, str]) -> Mapping[str, str]:
    made = called(UV, ["uv", "venv", "--python", sys.executable, ".venv"], project, environment)
    assert made.returncode == 0, made.stdout
    return {**environment, "VIRTUAL_ENV": str(project / ".venv")}


def test_pip_installs(config: Config, server: LiveServer, tmp_path: Path, alone: Mapping[str, str]) -> None:
    server.host(TILL)
    set_up(config, "pip", server)
    listed = called(NEWEST_PIP, ["pip", "config", "list"], tmp_path, alone)
    assert f"global.index-url='{server.simple_url}'" in listed.stdout
    done = called(NEWEST_PIP, ["pip", "install", "--no-cache-dir", "--target", "here", "till"], tmp_path, alone)
    assert done.returncode == 0, done.stdout
    assert installed_into(tmp_path / "here")


def test_pip_of_a_virtual_environment_installs(config: Config, server: LiveServer, project: Path, alone: Mapping[str, str]) -> None:
    server.host(TILL)
    with_virtual_environment(project, alone)
    set_up(config, "pip", server, "--project", project)
    done = called(NEWEST_PIP, ["pip", "--python", ".venv", "install", "--no-cache-dir", "till"], project, alone)
    assert done.returncode == 0, done.stdout
    assert installed_into(site_packages(project))


def test_uv_installs_and_publishes(config: Config, server: LiveServer, tmp_path: Path, alone: Mapping[str, str]) -> None:
    set_up(config, "uv", server)
    filename, content = TILL
    (tmp_path / filename).write_bytes(content)
    publish = ["uv", "publish", "--trusted-publishing", "never", filename]
    for _ in range(2):  # the second time check-url shows that the file is there already
        sent = called(UV, publish, tmp_path, {**alone, "UV_PUBLISH_TOKEN": server.token})
        assert sent.returncode == 0, sent.stdout
    done = called(UV, ["uv", "pip", "install", "--python", sys.executable, "--target", "here", "till"], tmp_path, alone)
    assert done.returncode == 0, done.stdout
    assert installed_into(tmp_path / "here")


def test_uv_syncs_a_project(config: Config, server: LiveServer, project: Path, alone: Mapping[str, str]) -> None:
    server.host(TILL)
    set_up(config, "uv", server, "--project", project)
    done = called(UV, ["uv", "sync", "--python", sys.executable], project, alone)
    assert done.returncode == 0, done.stdout
    assert installed_into(site_packages(project))


def test_twine_uploads_with_the_token_of_its_file(config: Config, server: LiveServer, tmp_path: Path, alone: Mapping[str, str]) -> None:
    set_up(config, "twine", server, "--with-token", PURVEYOR_TOKEN=server.token)
    filename, content = TILL
    (tmp_path / filename).write_bytes(content)
    done = called(TWINE, ["twine", "upload", "--non-interactive", "-r", "purveyor", filename], tmp_path, alone)
    assert done.returncode == 0, done.stdout
    assert server.files("till") == {filename: content}


def test_the_token_is_that_of_the_server_at_the_url(config: Config, home: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with LiveServer(tmp_path / "data", run_dir=runs) as own:
        set_up(config, "twine", own, "--with-token", PURVEYOR_RUN_DIR=str(runs))
        assert f"password = {own.token}\n" in (home / ".pypirc").read_text()


def test_hatch_publishes(config: Config, server: LiveServer, tmp_path: Path, project: Path, alone: Mapping[str, str]) -> None:
    set_up(config, "hatch", server)
    filename, content = TILL
    (tmp_path / filename).write_bytes(content)
    publish = ["hatch", "publish", "--no-prompt", "-r", "purveyor", str(tmp_path / filename)]
    done = called(HATCH, publish, project, {**alone, "HATCH_INDEX_AUTH": server.token})
    assert done.returncode == 0, done.stdout
    assert server.files("till") == {filename: content}


def test_hatch_gives_its_environments_the_index(config: Config, server: LiveServer, project: Path, alone: Mapping[str, str]) -> None:
    set_up(config, "hatch", server, "--project", project)
    done = called(HATCH, ["hatch", "env", "show", "--json"], project, alone)
    assert done.returncode == 0, done.stdout
    assert server.simple_url in done.stdout


def test_poetry_installs(config: Config, server: LiveServer, project: Path, alone: Mapping[str, str]) -> None:
    server.host(TILL)
    path = project / "pyproject.toml"
    path.write_text(f"{CONSUMER}\n[tool.poetry]\npackage-mode = false\n")
    set_up(config, "poetry", server, "--project", project)
    done = called(POETRY, ["poetry", "install"], project, with_virtual_environment(project, alone))
    assert done.returncode == 0, done.stdout
    assert installed_into(site_packages(project))


@pytest.mark.parametrize("place", ["project", "user"])
def test_pdm_installs(config: Config, server: LiveServer, project: Path, alone: Mapping[str, str], place: str) -> None:
    server.host(TILL)
    path = project / "pyproject.toml"
    path.write_text(f"{CONSUMER}\n[tool.pdm]\ndistribution = false\n")
    set_up(config, "pdm", server, *(["--project", project] if place == "project" else ["--user"]))
    active = with_virtual_environment(project, alone)
    for step in ("lock", "sync"):
        done = called(PDM, ["pdm", step], project, active)
        assert done.returncode == 0, done.stdout
    assert installed_into(site_packages(project))


def test_the_commands_that_are_shown_tell_poetry_and_pdm_where_to_publish(
    config: Config, server: LiveServer, project: Path, alone: Mapping[str, str]
) -> None:
    for tool, question in ((POETRY, ["poetry", "config", "--list"]), (PDM, ["pdm", "config"])):
        shown = config(tool.name, "--index-url", server.simple_url, "--project", project, "--json").document
        for command in shown["commands"]:
            assert called(tool, command.split(), project, alone).returncode == 0
        assert server.upload_url in called(tool, question, project, alone).stdout
