"""Which setting of which file or variable a client would use, as seen in planted surroundings."""

from pathlib import Path

import pytest

from purveyor.workbench.configuration.found import without_credentials
from purveyor.workbench.configuration.proxies import proxy_of
from purveyor.workbench.configuration.reading import default_index, read
from tests.configuration.surroundings import plant, planted


def test_nothing_configured_is_nothing_found(tmp_path: Path) -> None:
    reading = read(planted(tmp_path))
    assert reading.settings == ()
    assert reading.findings == ()
    assert default_index(planted(tmp_path)) is None


def test_pips_variable_counts_before_its_files(tmp_path: Path) -> None:
    here = planted(tmp_path, PIP_INDEX_URL="http://a.test/simple/")
    plant(here.home / ".config" / "pip" / "pip.conf", "[global]\nindex-url = http://b.test/simple/\n")
    reading = read(here, "pip")
    assert [(s.value, s.source, s.effective) for s in reading.settings] == [
        ("http://a.test/simple/", "environment variable PIP_INDEX_URL", True),
        ("http://b.test/simple/", "file ~/.config/pip/pip.conf, [global] index-url", False),
    ]
    assert [s.value for s in reading.of("pip", "index")] == ["http://a.test/simple/"]


def test_of_pips_files_the_virtual_environments_counts_before_the_users_before_the_systems(tmp_path: Path) -> None:
    here = planted(tmp_path)
    files = [
        here.etc / "xdg" / "pip" / "pip.conf",
        here.etc / "pip.conf",
        here.home / ".pip" / "pip.conf",
        here.home / ".config" / "pip" / "pip.conf",
        here.prefix / "pip.conf",
    ]
    for number, path in enumerate(files):
        plant(path, f"[global]\nindex-url = http://{number}.test/simple/\n")
        assert [s.value for s in read(here, "pip").of("pip", "index")] == [f"http://{number}.test/simple/"]


def test_pips_install_section_counts_before_the_global_one_of_any_file(tmp_path: Path) -> None:
    here = planted(tmp_path)
    plant(here.etc / "pip.conf", "[install]\nindex-url = http://install.test/\n[download]\nindex-url = http://download.test/\n")
    plant(here.prefix / "pip.conf", "[global]\nindex_url = http://global.test/\n")
    assert [s.value for s in read(here, "pip").of("pip")] == ["http://install.test/"]


def test_an_empty_setting_takes_away_what_files_below_say_in_its_section_alone(tmp_path: Path) -> None:
    here = planted(tmp_path)
    plant(here.etc / "pip.conf", "[global]\nfind-links = a\n[install]\nfind-links = b\n")
    plant(here.prefix / "pip.conf", "[install]\nfind-links =\n")
    assert [s.value for s in read(here, "pip").of("pip")] == ["a"]


def test_a_file_named_in_the_environment_hides_the_users_pip_conf(tmp_path: Path) -> None:
    named = plant(tmp_path / "named.conf", "[global]\nindex-url = http://named.test/\n")
    here = planted(tmp_path, PIP_CONFIG_FILE=str(named))
    plant(here.home / ".config" / "pip" / "pip.conf", "[global]\nextra-index-url = http://user.test/\n")
    assert [s.value for s in read(here, "pip").settings] == ["http://named.test/"]


def test_dev_null_as_pips_file_means_no_file_at_all(tmp_path: Path) -> None:
    here = planted(tmp_path, PIP_CONFIG_FILE="/dev/null")
    plant(here.etc / "pip.conf", "[global]\nindex-url = http://system.test/\n")
    assert read(here, "pip").settings == ()


def test_pips_lists_are_taken_apart_and_no_index_takes_indexes_out(tmp_path: Path) -> None:
    here = planted(tmp_path)
    plant(
        here.prefix / "pip.conf",
        "[global]\nextra-index-url =\n    http://a.test/\n    http://b.test/\nno-index = true\nfind-links = wheels\n",
    )
    reading = read(here, "pip")
    assert [(s.kind, s.value, s.effective) for s in reading.settings] == [
        ("extra-index", "http://a.test/", False),
        ("extra-index", "http://b.test/", False),
        ("no-index", "true", True),
        ("find-links", "wheels", True),
    ]


def test_uvs_default_index_comes_from_the_environment_the_project_the_user_and_the_system_in_this_order(tmp_path: Path) -> None:
    table = '[[index]]\nurl = "http://{}.test/"\ndefault = true\n'
    here = planted(tmp_path)
    plant(here.etc / "uv" / "uv.toml", table.format("system"))
    assert [s.value for s in read(here, "uv").of("uv", "index")] == ["http://system.test/"]
    plant(here.home / ".config" / "uv" / "uv.toml", table.format("user"))
    assert [s.value for s in read(here, "uv").of("uv", "index")] == ["http://user.test/"]
    plant(here.cwd / "pyproject.toml", f"[tool.uv]\n{table.format('project').replace('[[index', '[[tool.uv.index')}")
    assert [s.value for s in read(here, "uv").of("uv", "index")] == ["http://project.test/"]
    plant(here.cwd / "uv.toml", table.format("beside"))
    assert [s.source for s in read(here, "uv").of("uv", "index")] == ["file ~/project/uv.toml, [[index]] url"]
    with_variable = planted(tmp_path, UV_DEFAULT_INDEX="ours=http://variable.test/")
    assert [s.value for s in read(with_variable, "uv").of("uv", "index")] == ["http://variable.test/"]


def test_uv_looks_for_its_project_upwards_and_passes_over_a_pyproject_that_does_not_speak_of_it(tmp_path: Path) -> None:
    here = planted(tmp_path)
    plant(here.cwd / "pyproject.toml", "[project]\nname = 'x'\n")
    plant(here.home / "uv.toml", 'index-url = "http://above.test/"\n')
    assert [s.source for s in read(here, "uv").settings] == ["file ~/uv.toml, index-url"]


def test_uv_begins_at_the_root_of_the_workspace_that_the_project_is_a_member_of(tmp_path: Path) -> None:
    here = planted(tmp_path)
    plant(here.home / "pyproject.toml", '[tool.uv.workspace]\nmembers = ["proj*"]\n[tool.uv]\nindex-url = "http://root.test/"\n')
    plant(here.cwd / "uv.toml", 'index-url = "http://member.test/"\n')
    member = plant(here.cwd / "pyproject.toml", "[project]\nname = 'x'\n")
    assert [s.value for s in read(here, "uv").settings] == ["http://root.test/"]
    member.write_text("[project]\nname = 'x'\n[tool.uv]\nmanaged = false\n")
    assert [s.value for s in read(here, "uv").settings] == ["http://member.test/"]


def test_uv_begins_at_the_project_that_the_current_directory_is_in(tmp_path: Path) -> None:
    here = planted(tmp_path)
    plant(here.home / "pyproject.toml", "[project]\nname = 'x'\n[tool.uv]\nindex-url = 'http://project.test/'\n")
    plant(here.cwd / "uv.toml", 'index-url = "http://below.test/"\n')
    assert [s.value for s in read(here, "uv").settings] == ["http://project.test/"]


def test_uvs_section_for_pip_comes_first_in_any_file_and_a_nearer_no_wins(tmp_path: Path) -> None:
    here = planted(tmp_path)
    plant(here.cwd / "uv.toml", 'index-url = "http://a.test/"\nno-index = false\n')
    plant(here.home / ".config" / "uv" / "uv.toml", 'no-index = true\n[pip]\nindex-url = "http://b.test/"\n')
    assert [s.value for s in read(here, "uv").of("uv", "index")] == ["http://b.test/"]


def test_uv_joins_further_indexes_of_all_files_and_knows_explicit_ones(tmp_path: Path) -> None:
    here = planted(tmp_path, UV_INDEX="http://a.test/ b=http://b.test/")
    plant(here.cwd / "uv.toml", '[[index]]\nurl = "http://c.test/"\n[[index]]\nname = "d"\nurl = "http://d.test/"\nexplicit = true\n')
    plant(here.home / ".config" / "uv" / "uv.toml", 'extra-index-url = ["http://e.test/"]\n')
    reading = read(here, "uv")
    assert [s.value for s in reading.of("uv", "extra-index")] == ["http://a.test/", "http://b.test/", "http://c.test/", "http://e.test/"]
    assert [s.value for s in reading.of("uv", "explicit-index")] == ["http://d.test/"]


@pytest.mark.parametrize("environ", [{"UV_NO_CONFIG": "1"}, {"UV_CONFIG_FILE": "other.toml"}])
def test_uvs_files_are_not_read_when_the_environment_says_so(tmp_path: Path, environ: dict[str, str]) -> None:
    here = planted(tmp_path, **environ)
    plant(here.home / ".config" / "uv" / "uv.toml", 'index-url = "http://user.test/"\n')
    assert read(here, "uv").settings == ()


@pytest.mark.parametrize(
    ("client", "place", "content"),
    [
        ("pip", ".config/pip/pip.conf", "index-url = http://user:hush@a.test/\n"),
        ("pip", ".config/pip/pip.conf", "[global]\nindex-url = a\nindex-url = b\n"),
        ("uv", ".config/uv/uv.toml", "index-url = http://user:hush@a.test/\n"),
        ("netrc", ".netrc", "machine a.test login x password hush oops\n"),
        ("twine", ".pypirc", "[pypi\npassword = hush\n"),
        ("poetry", "project/pyproject.toml", "[tool.poetry\n"),
        ("pdm", ".config/pdm/config.toml", "= 1\n"),
        ("hatch", ".config/hatch/config.toml", "x = [\n"),
    ],
)
def test_a_broken_file_is_a_finding_that_names_it_and_keeps_its_secrets(tmp_path: Path, client: str, place: str, content: str) -> None:
    here = planted(tmp_path)
    plant(here.home / place, content)
    reading = read(here, client)
    assert reading.settings == ()
    [finding] = reading.findings
    assert f"~/{place} cannot be read: it is not valid" in finding.detail
    assert finding.remedy == f"Mend ~/{place}, or move it away."
    assert "hush" not in repr(finding)


def test_a_directory_and_bytes_that_are_no_text_in_a_files_place_are_findings(tmp_path: Path) -> None:
    here = planted(tmp_path)
    (here.home / ".config" / "pip" / "pip.conf").mkdir(parents=True)
    (here.home / ".pypirc").write_bytes(b"[pypi]\nusername = \xff\n")
    reading = read(here)
    assert {finding.path.name for finding in reading.findings} == {"pip.conf", ".pypirc"}
    assert "~/.pypirc cannot be read: it is not valid UTF-8." in [finding.detail for finding in reading.findings]


def test_credentials_are_hidden_where_settings_are_shown(tmp_path: Path) -> None:
    here = planted(tmp_path, PIP_INDEX_URL="https://ada:hush@a.test/simple/")
    [setting] = read(here, "pip").settings
    assert setting.shown == "https://***@a.test/simple/"
    assert "hush" not in repr(setting)
    assert default_index(here) == ("https://ada:hush@a.test/simple/", "environment variable PIP_INDEX_URL")


def test_whose_passwords_netrc_and_pypirc_hold_is_read_and_others_readers_are_a_finding(tmp_path: Path) -> None:
    here = planted(tmp_path)
    plant(here.home / ".netrc", "machine a.test login ada password hush\n").chmod(0o600)
    plant(here.home / ".pypirc", "[ours]\nrepository = http://a.test/legacy/\nusername = __token__\npassword = hush\n").chmod(0o644)
    reading = read(here)
    assert [(s.client, s.kind, s.value) for s in reading.settings] == [
        ("twine", "upload", "http://a.test/legacy/"),
        ("twine", "credentials", "__token__@[ours]"),
        ("netrc", "credentials", "ada@a.test"),
    ]
    assert [finding.remedy for finding in reading.findings] == ["Run `chmod 600 ~/.pypirc`."]


def test_the_projects_sources_of_poetry_pdm_and_hatch_are_read(tmp_path: Path) -> None:
    here = planted(tmp_path, POETRY_REPOSITORIES_OURS_URL="http://a.test/legacy/", PDM_PYPI_URL="http://b.test/simple/")
    plant(
        here.cwd / "pyproject.toml",
        '[[tool.poetry.source]]\nname = "ours"\nurl = "http://c.test/"\n'
        '[[tool.pdm.source]]\nname = "pypi"\nurl = "http://d.test/"\n'
        '[tool.hatch.envs.default.env-vars]\nPIP_INDEX_URL = "http://e.test/"\n',
    )
    plant(here.home / ".config" / "hatch" / "config.toml", '[publish.index.repos]\nours = "http://f.test/"\n')
    reading = read(here)
    assert [s.value for s in reading.of("poetry")] == ["http://c.test/", "http://a.test/legacy/"]
    assert [s.value for s in reading.of("pdm")] == ["http://d.test/"]
    assert [s.value for s in reading.of("hatch")] == ["http://e.test/", "http://f.test/"]


def test_the_machines_index_is_looked_for_in_variables_then_pip_conf_then_uv_toml(tmp_path: Path) -> None:
    here = planted(tmp_path)
    plant(here.home / ".config" / "uv" / "uv.toml", 'index-url = "http://d.test/"\n')
    assert default_index(here) == ("http://d.test/", "file ~/.config/uv/uv.toml, index-url")
    plant(here.home / ".config" / "pip" / "pip.conf", "[global]\nindex-url = http://c.test/\n")
    assert default_index(here) == ("http://c.test/", "file ~/.config/pip/pip.conf, [global] index-url")
    assert default_index(planted(tmp_path, UV_DEFAULT_INDEX="http://b.test/")) == (
        "http://b.test/",
        "environment variable UV_DEFAULT_INDEX",
    )
    both = planted(tmp_path, UV_DEFAULT_INDEX="http://b.test/", PIP_INDEX_URL="http://a.test/")
    assert default_index(both) == ("http://a.test/", "environment variable PIP_INDEX_URL")


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://p.test:1"}, "HTTP_PROXY"),
        ({"HTTP_PROXY": "http://p.test:1", "http_proxy": "http://q.test:1"}, "http_proxy"),
        ({"HTTPS_PROXY": "http://p.test:1"}, None),
        ({"ALL_PROXY": "http://p.test:1"}, "ALL_PROXY"),
        ({"HTTP_PROXY": "http://p.test:1", "NO_PROXY": "localhost"}, "HTTP_PROXY"),
        ({"HTTP_PROXY": "http://p.test:1", "NO_PROXY": "localhost, 127.0.0.1"}, None),
        ({"HTTP_PROXY": "http://p.test:1", "NO_PROXY": "127.0.0.0/8"}, None),
        ({"HTTP_PROXY": "http://p.test:1", "no_proxy": "*"}, None),
    ],
)
def test_a_proxy_swallows_a_loopback_address_unless_it_is_exempt(environ: dict[str, str], variable: str | None) -> None:
    proxy = proxy_of("http://127.0.0.1:8080/simple/", environ)
    assert (proxy.source if proxy else None) == (f"environment variable {variable}" if variable else None)


def test_a_domain_is_exempt_with_everything_below_it() -> None:
    environ = {"HTTPS_PROXY": "http://p.test:1", "NO_PROXY": ".example.test"}
    assert proxy_of("https://index.example.test/simple/", environ) is None
    assert proxy_of("https://example.test/simple/", environ) is None
    assert proxy_of("https://notexample.test/simple/", environ) is not None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ada:hush@a.test:81/simple/", "https://***@a.test:81/simple/"),
        ("https://hush@a.test/", "https://***@a.test/"),
        ("https://ada:hu/sh@a.test/", "https://***@a.test/"),
        ("ada:hush@proxy.test:3128", "***@proxy.test:3128"),
        ("-index-url=ada:hush@a.test", "-index-url=***@a.test"),
        ("https://a.test/@scope/simple/", "https://a.test/@scope/simple/"),
        ("__token__@[ours]", "__token__@[ours]"),
    ],
)
def test_a_password_is_hidden_however_it_was_written(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
