"""`purveyor config CLIENT`: what it shows, what it warns of, and that it changes nothing."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.configuration.conftest import Config
from tests.configuration.surroundings import plant
from tests.workbench.command import environment

INDEX = "http://127.0.0.1:8080/simple/"


def test_pips_file_and_lines_are_shown_and_nothing_is_written(config: Config, home: Path) -> None:
    ran = config("pip")
    assert ran.code == 0
    assert ran.out == (
        f"~/.config/pip/pip.conf:\n\n  [global]\n  index-url = {INDEX}\n\nWith --write it is put there, once you have seen what changes.\n"
    )
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("client", "path", "line"),
    [
        ("uv", ".config/uv/uv.toml", f'url = "{INDEX}"'),
        ("twine", ".pypirc", "repository = http://127.0.0.1:8080/legacy/"),
        ("hatch", ".config/hatch/config.toml", 'url = "http://127.0.0.1:8080/legacy/"'),
    ],
)
def test_each_client_has_a_file_in_the_home_directory(config: Config, home: Path, client: str, path: str, line: str) -> None:
    document = config(client, "--json").document
    assert document["path"] == str(home / path)
    assert line in document["content"].splitlines()
    assert document["changed"] is False


def test_an_index_on_another_machine_without_tls_is_trusted_and_this_is_said(config: Config) -> None:
    document = config("pip", "--index-url", "http://index.test:8080/simple/", "--json").document
    assert "trusted-host = index.test:8080" in document["content"]
    assert "trusted" in document["notes"][0]
    assert "trusted-host" not in config("pip", "--index-url", "https://index.test/simple/", "--json").document["content"]


def test_credentials_of_the_url_are_neither_shown_nor_taken_over(config: Config) -> None:
    ran = config("pip", "--index-url", "https://ada:hush@index.test/simple/")
    assert "hush" not in ran.out + ran.err
    assert "  index-url = https://index.test/simple/\n" in ran.out
    assert "not written: they belong into ~/.netrc" in ran.out


def test_what_counts_before_the_file_is_named(config: Config, home: Path) -> None:
    plant(home / ".config" / "pip" / "pip.conf", "[global]\nextra-index-url = https://u:hush@other.test/simple/\n")
    ran = config("pip", PIP_INDEX_URL="https://corp.test/simple/", HTTP_PROXY="http://proxy.test:1", NO_PROXY="")
    assert "Note: The environment variable PIP_INDEX_URL is https://corp.test/simple/, and pip uses that instead: take it out." in ran.out
    assert "[global] extra-index-url has pip ask https://***@other.test/simple/ too" in ran.out
    assert "HTTP_PROXY sends even this machine's own addresses to a proxy: set NO_PROXY=localhost,127.0.0.1,::1." in ran.out


def test_a_variable_that_publishes_elsewhere_is_named(config: Config) -> None:
    ran = config("uv", UV_PUBLISH_URL="https://corp.test/legacy/")
    assert "The environment variable UV_PUBLISH_URL is https://corp.test/legacy/, and uv publishes there instead: take it out." in ran.out


def test_without_a_home_and_without_a_current_directory_it_still_answers(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"cd {shlex.quote(str(gone))} && rmdir {shlex.quote(str(gone))} && {shlex.quote(sys.executable)} -m purveyor config pip"
    done = subprocess.run(["sh", "-c", command], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "index-url" in done.stdout


@pytest.mark.parametrize("client", ["pip", "uv", "poetry", "pdm", "twine", "hatch"])
def test_no_further_index_beside_others_is_ever_proposed(config: Config, tmp_path: Path, client: str) -> None:
    plant(tmp_path / "project" / "pyproject.toml", "")
    document = config(client, "--json", cwd=tmp_path / "project").document
    assert "extra" not in document["content"]
    assert "supplemental" not in document["content"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pip", "--index-url", "nowhere"), "'nowhere' is not an http or https URL."),
        (("pip", "--name", "Our Index"), "'Our Index' cannot be the index's name."),
        (("twine", "--name", "pypi"), "'pypi' cannot be the index's name."),
        (("pip", "--project", ".", "--user"), "--project and --user exclude each other."),
        (("pip", "--project", "."), "pip has no configuration for projects, only for virtual environments"),
        (("twine", "--project", "."), "twine has no configuration for projects."),
        (("poetry", "--user"), "poetry has sources in projects only."),
        (("poetry",), "There is no pyproject.toml in"),
        (("uv", "--with-token"), "--with-token is for twine"),
        (("pip", "--write"), "There is no terminal on which the change could be confirmed."),
        (("conda",), "'conda' is not one of"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_next_step(config: Config, arguments: tuple[str, ...], said: str) -> None:
    ran = config(*arguments)
    assert ran.code == 2
    assert said in ran.err
    assert len(ran.err.strip().splitlines()) == 2
