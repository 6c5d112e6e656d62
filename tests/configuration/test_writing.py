"""`purveyor config CLIENT --write`: what of a file changes, what stays, and when it is left alone."""

import tomllib
from pathlib import Path

import pytest

from tests.configuration.conftest import Config, answered
from tests.configuration.surroundings import plant

INDEX = "http://127.0.0.1:8080/simple/"
COMMENTED_PIP = """\
; the company's settings
[global]
timeout = 60
# where from
Index_URL: https://old.test/simple/
trusted-host =
    a.test
    b.test

[install]
no-compile = yes  # kept as it is
"""
COMMENTED_PYPROJECT = """\
# A project.
[project]
name = "app"   # its name
version = '1'
description = \"""
[[tool.poetry.source]]
name = "purveyor"
\"""

[[tool.poetry.source]]
name = "other"
url = "https://other.test/"   # keep
priority = "explicit"

[[ tool . poetry . source ]]
name = 'purveyor'
url = 'https://old.test/'   # changed
# the end of the sources

[tool.ruff]
line-length = 99
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_every_other_line_of_pip_conf_survives(config: Config, home: Path) -> None:
    path = plant(home / ".config" / "pip" / "pip.conf", COMMENTED_PIP)
    ran = config("pip", "--index-url", "http://index.test/simple/", "--write", "--yes")
    assert ran.code == 0, ran.err
    assert path.read_text() == COMMENTED_PIP.replace(
        "Index_URL: https://old.test/simple/", "index-url = http://index.test/simple/"
    ).replace("    b.test\n", "    b.test\n    index.test\n")
    assert "-Index_URL: https://old.test/simple/" in ran.err
    assert "+index-url = http://index.test/simple/" in ran.err


def test_what_was_there_is_kept_beside_it_each_time(config: Config, home: Path) -> None:
    path = plant(home / ".config" / "pip" / "pip.conf", COMMENTED_PIP)
    assert "What was there is in ~/.config/pip/pip.conf.bak." in config("pip", "--write", "--yes").out
    second = path.read_text()
    config("pip", "--index-url", "https://b.test/simple/", "--write", "--yes")
    assert (path.parent / "pip.conf.bak").read_text() == COMMENTED_PIP
    assert (path.parent / "pip.conf.bak1").read_text() == second


def test_every_other_line_of_pyproject_survives(config: Config, tmp_path: Path) -> None:
    path = plant(tmp_path / "project" / "pyproject.toml", COMMENTED_PYPROJECT)
    ran = config("poetry", "--project", path.parent, "--write", "--yes")
    assert ran.code == 0, ran.err
    assert path.read_text() == COMMENTED_PYPROJECT.replace(
        "url = 'https://old.test/'   # changed\n", f'url = "{INDEX}"   # changed\npriority = "primary"\n'
    )
    assert "Then: poetry config repositories.purveyor http://127.0.0.1:8080/legacy/" in ran.out


@pytest.mark.parametrize("client", ["pip", "uv", "poetry", "pdm", "twine", "hatch"])
@pytest.mark.parametrize("place", ["user", "project"])
def test_a_second_time_nothing_changes(config: Config, tmp_path: Path, client: str, place: str) -> None:
    if (client, place) in {("poetry", "user"), ("twine", "project")}:
        place = "project" if client == "poetry" else "user"
    project = tmp_path / "project"
    plant(project / "pyproject.toml", '[project]\nname = "app"\n')
    plant(project / ".venv" / "pyvenv.cfg", "")
    where = ("--user",) if place == "user" else ("--project", str(project))
    first = config(client, *where, "--write", "--yes", "--json").document
    content = Path(first["path"]).read_bytes()
    assert first["changed"] is True
    second = config(client, *where, "--write", "--yes")
    assert "is already so." in second.out
    assert Path(first["path"]).read_bytes() == content


def test_the_default_index_that_uv_has_gets_the_new_url_under_its_name(config: Config, home: Path) -> None:
    path = plant(home / ".config" / "uv" / "uv.toml", '# mine\n\n[[index]]\nname = "corp"\nurl = "https://c.test/"\ndefault = true\n')
    assert config("uv", "--write", "--yes").code == 0
    assert path.read_text() == (
        f'publish-url = "http://127.0.0.1:8080/legacy/"\ncheck-url = "{INDEX}"\n\n'
        f'# mine\n\n[[index]]\nname = "corp"\nurl = "{INDEX}"\ndefault = true\n'
    )


def test_uv_toml_of_a_project_is_written_rather_than_the_pyproject_that_it_hides(config: Config, tmp_path: Path) -> None:
    plant(tmp_path / "project" / "pyproject.toml", "[tool.uv]\n")
    path = plant(tmp_path / "project" / "uv.toml", "")
    assert config("uv", "--project", path.parent, "--write", "--yes").code == 0
    assert tomllib.loads(path.read_text())["index"] == [{"name": "purveyor", "url": INDEX, "default": True}]


def test_for_a_member_of_a_uv_workspace_the_file_at_its_root_is_written_because_uv_reads_no_other(config: Config, tmp_path: Path) -> None:
    root = plant(tmp_path / "all" / "pyproject.toml", '[tool.uv.workspace]\nmembers = ["one"]\n')
    member = plant(tmp_path / "all" / "one" / "pyproject.toml", '[project]\nname = "one"\n')
    assert config("uv", "--project", member.parent, "--write", "--yes").code == 0
    assert tomllib.loads(root.read_text())["tool"]["uv"]["index"][0]["url"] == INDEX
    assert member.read_text() == '[project]\nname = "one"\n'


def test_line_ends_and_a_missing_last_one_are_taken_as_they_are(config: Config, home: Path) -> None:
    path = home / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"[global]\r\ntimeout = 5")
    assert config("pip", "--write", "--yes").code == 0
    assert path.read_bytes() == f"[global]\r\ntimeout = 5\r\nindex-url = {INDEX}\r\n".encode()


def test_without_a_terminal_and_without_yes_nothing_is_written(config: Config, home: Path) -> None:
    path = plant(home / ".config" / "pip" / "pip.conf", COMMENTED_PIP)
    assert config("pip", "--write").code == 2
    assert config("pip", "--write", "--json").document["error"] == "misconfigured"
    assert path.read_text() == COMMENTED_PIP


@pytest.mark.parametrize(("answer", "code", "written"), [("y", 0, True), ("n", 1, False), ("", 1, False)])
def test_a_person_at_a_terminal_is_asked(home: Path, answer: str, code: int, *, written: bool) -> None:
    ran = answered(home, answer, "pip", "--write")
    assert ran.code == code, ran.err
    assert "Write this? [y/N]" in ran.err
    assert (home / ".config" / "pip" / "pip.conf").exists() is written


@pytest.mark.parametrize(
    ("client", "place", "content", "reason"),
    [
        ("pip", ".config/pip/pip.conf", b"index-url = http://u:hush@a.test/\n", "it is not a valid INI file"),
        ("pip", ".config/pip/pip.conf", b"[global]\ntimeout = \xff\n", "it is not UTF-8"),
        ("pip", ".config/pip/pip.conf", b"[global]\n[global]\n", "it is not a valid INI file"),
        ("uv", ".config/uv/uv.toml", b"index = [\n", "it is not valid TOML"),
        ("uv", ".config/uv/uv.toml", b'index = [{ url = "https://a.test/", default = true }]\n', "cannot be changed safely"),
        ("uv", ".config/uv/uv.toml", b'index = "https://a.test/"\n', "index is not a table"),
        ("uv", ".config/uv/uv.toml", b'[[index]]\nname = "purveyor"\nurl = "https://a.test/"\nexplicit = true\n', "needs another --name"),
        ("hatch", ".config/hatch/config.toml", b'[publish.index.repos]\npurveyor = "https://a.test/"\n', "is not a table"),
        ("hatch", ".config/hatch/config.toml", b'publish.index = { repo = "main" }\n', "publish.index.repos.purveyor is written in a way"),
        ("twine", ".pypirc", b"[distutils\n", "it is not a valid INI file"),
    ],
)
def test_a_file_that_is_broken_or_cannot_be_changed_safely_is_left_alone(  # noqa: PLR0917 - a fixture each, and a case
    config: Config, home: Path, client: str, place: str, content: bytes, reason: str
) -> None:
    path = plant(home / place, "")
    path.write_bytes(content)
    ran = config(client, "--write", "--yes")
    assert ran.code == 2
    assert "cannot be changed, and was left alone" in ran.err
    assert reason in ran.err
    assert f"`purveyor config {client}` shows" in ran.err
    assert "hush" not in ran.err
    assert path.read_bytes() == content
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_read_only_file_is_left_alone(config: Config, home: Path) -> None:
    path = plant(home / ".config" / "pip" / "pip.conf", COMMENTED_PIP)
    path.chmod(0o444)
    ran = config("pip", "--write", "--yes")
    assert ran.code == 2
    assert "is read-only, and was left alone" in ran.err
    assert "chmod u+w" in ran.err
    assert path.read_text() == COMMENTED_PIP


def test_a_directory_in_the_files_place_is_said(config: Config, home: Path) -> None:
    (home / ".pypirc").mkdir()
    ran = config("twine", "--write", "--yes")
    assert ran.code == 2
    assert ".pypirc cannot be read: Is a directory." in ran.err


def test_a_file_in_the_directorys_place_is_said(config: Config, home: Path) -> None:
    plant(home / ".config", "")
    ran = config("pip", "--write", "--yes")
    assert ran.code in {2, 6}
    assert "pip.conf" in ran.err
    assert "Traceback" not in ran.err


def test_the_file_behind_a_symbolic_link_is_changed_and_the_link_stays(config: Config, home: Path, tmp_path: Path) -> None:
    behind = plant(tmp_path / "dotfiles" / "pip.conf", COMMENTED_PIP)
    link = home / ".config" / "pip" / "pip.conf"
    link.parent.mkdir(parents=True)
    link.symlink_to(behind)
    ran = config("pip", "--write", "--yes")
    assert ran.code == 0, ran.err
    assert "is a link: the file behind it" in ran.err
    assert link.readlink() == behind
    assert INDEX in behind.read_text()
    assert (behind.parent / "pip.conf.bak").read_text() == COMMENTED_PIP


def test_a_link_that_leads_in_a_circle_is_said(config: Config, home: Path) -> None:
    (home / ".pypirc").symlink_to(home / ".pypirc")
    ran = config("twine", "--write", "--yes")
    assert ran.code == 2
    assert ".pypirc cannot be read" in ran.err


def test_permissions_stay_and_a_file_for_passwords_is_the_users_alone(config: Config, home: Path) -> None:
    pip_conf = plant(home / ".config" / "pip" / "pip.conf", COMMENTED_PIP)
    pip_conf.chmod(0o640)
    config("pip", "--write", "--yes")
    assert mode(pip_conf) == 0o640
    config("twine", "--write", "--yes")
    assert mode(home / ".pypirc") == 0o600


def test_the_token_is_written_only_when_asked_for_and_never_shown(config: Config, home: Path) -> None:
    path = plant(home / ".pypirc", "[distutils]\nindex-servers = corp\n\n[corp]\nrepository = https://c.test/\npassword = old-hush\n")
    path.chmod(0o644)
    without = config("twine", "--write", "--yes", PURVEYOR_TOKEN="new-hush")
    assert "new-hush" not in path.read_text()
    assert "TWINE_PASSWORD" in without.out
    with_token = config("twine", "--write", "--yes", "--with-token", PURVEYOR_TOKEN="new-hush")
    shown = config("twine", "--with-token", "--json", PURVEYOR_TOKEN="new-hush")
    assert "password = new-hush" in path.read_text()
    assert "password = old-hush" in path.read_text()
    assert "index-servers = corp purveyor\n" in path.read_text()
    assert mode(path) == 0o600
    assert mode(path.with_name(".pypirc.bak1")) == 0o600
    for ran in (without, with_token, shown):
        assert "hush" not in ran.out + ran.err


def test_a_token_that_will_travel_unencrypted_is_told(config: Config) -> None:
    ran = config("twine", "--index-url", "http://index.test/simple/", "--with-token", PURVEYOR_TOKEN="hush")
    assert "Note: The token travels unencrypted: http://index.test/legacy/ is http." in ran.out


def test_a_file_with_a_password_that_others_could_read_is_closed_even_if_nothing_else_changes(config: Config, home: Path) -> None:
    config("twine", "--write", "--yes", "--with-token", PURVEYOR_TOKEN="hush")
    (home / ".pypirc").chmod(0o644)
    ran = config("twine", "--write", "--yes", "--with-token", PURVEYOR_TOKEN="hush")
    assert "only its permissions change, to 600" in ran.err
    assert mode(home / ".pypirc") == 0o600


def test_a_password_for_one_index_is_not_turned_over_to_another(config: Config, home: Path) -> None:
    path = plant(home / ".pypirc", "[purveyor]\nrepository = https://c.test/legacy/\npassword = hush\n")
    ran = config("twine", "--write", "--yes")
    assert ran.code == 2
    assert "holds a password for another index, https://c.test/legacy/" in ran.err
    assert "https://c.test/legacy/" in path.read_text()
    assert config("twine", "--write", "--yes", "--name", "ours").code == 0


def test_a_token_that_is_nowhere_to_be_found_is_said(config: Config) -> None:
    ran = config("twine", "--with-token", "--index-url", "https://index.test/simple/")
    assert ran.code == 2
    assert "No token is known for https://index.test/legacy/." in ran.err


def test_after_writing_what_still_counts_before_the_file_is_named(config: Config, home: Path, tmp_path: Path) -> None:
    plant(tmp_path / "venv" / "pip.conf", "[global]\nindex-url = https://venv.test/simple/\n")
    ran = config("pip", "--write", "--yes")
    assert "venv/pip.conf, [global] index-url is https://venv.test/simple/, and pip uses that instead: take it out." in ran.out
    own = home / ".config" / "pip" / "pip.conf"
    own.write_text(own.read_text() + "[install]\nindex-url = https://install.test/simple/\n")
    ran = config("pip", "--write", "--yes")
    assert "~/.config/pip/pip.conf, [install] index-url is https://install.test/simple/, and pip uses that instead" in ran.out
