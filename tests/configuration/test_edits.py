"""Whatever stands in a file, a change to it reads back as that change, and leaves every other line where it was."""

import tomllib
from configparser import RawConfigParser
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from purveyor.workbench.configuration.ini_edit import IniEdit
from purveyor.workbench.configuration.lines import NotEditable
from purveyor.workbench.configuration.reading import read
from purveyor.workbench.configuration.recipes import CLIENTS, Target, recipe
from purveyor.workbench.configuration.toml_edit import TomlEdit
from purveyor.workbench.destination import Destination
from tests.configuration.surroundings import plant, planted

urls = st.from_regex(r"https?://[a-z0-9.-]{1,20}(:[1-9][0-9]{0,3})?/[!$-~]{0,30}", fullmatch=True).filter(lambda url: '"' not in url)
ini_lines = st.sampled_from(
    [
        "",
        "[global]",
        "[install]",
        "[ global ]",
        "# note",
        "; note",
        "timeout = 5",
        "index-url = http://old.test/",
        "index_url: x",
        "    more",
        "a",
        "\ttab = 1",
    ]
)
toml_lines = st.sampled_from(
    ["", "# note", "a = 1", "[tool]", "[tool.uv]", "[[tool.uv.index]]", "[[index]]", 'name = "purveyor"', "url = 'x' # c", "default = true",
     's = """', '"""', "[x.y]", "b = [", "[1],", "]", 'index = [{name = "x"}]', "tool.uv.a = 1"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(ini_lines, max_size=12), st.booleans(), urls)
def test_an_ini_value_reads_back_and_nothing_else_changes(lines: list[str], ended: bool, url: str) -> None:
    text = "\n".join(lines) + ("\n" if ended else "")
    try:
        after = IniEdit("global", {"index-url": url}).applied(text)
    except NotEditable:
        return
    parser = RawConfigParser()
    parser.read_string(after)
    assert parser.get("global", "index-url") == url
    assert is_subsequence([line for line in lines if is_kept(line)], after.split("\n"))
    assert IniEdit("global", {"index-url": url}).applied(after) == after


@settings(deadline=None)
@given(urls, st.sampled_from(CLIENTS), st.booleans())
def test_what_is_written_for_a_client_is_read_back_as_its_one_index(url: str, client: str, user: bool) -> None:
    assume(client in {"pip", "uv", "pdm"} or (client in {"poetry", "hatch"} and not user))
    target = Target(Destination.of(url))
    with TemporaryDirectory() as root:
        here = planted(Path(root))
        plant(here.cwd / "pyproject.toml", "")
        plant(here.cwd / "pyvenv.cfg", "")
        plan = recipe(client, target, replace(here, prefix=here.cwd), None if user else here.cwd, user=user)
        plant(plan.path, plan.applied(plan.path.read_text() if plan.path.exists() else ""))
        found = read(replace(here, prefix=here.cwd), client)
    assert {(s.value, s.path) for s in found.of(client, "index")} == {(target.simple, plan.path)}
    assert found.findings == ()
    assert found.of(client, "extra-index") == []


def is_kept(line: str) -> bool:
    return "index" not in line and "more" not in line and "tab" not in line


@settings(deadline=None)
@given(st.lists(toml_lines, max_size=12), st.booleans(), urls, st.sampled_from([(), ("tool", "uv"), ("tool", "new"), ("x", "y")]))
def test_a_toml_value_reads_back_and_nothing_else_changes(lines: list[str], ended: bool, url: str, names: tuple[str, ...]) -> None:
    text = "\n".join(lines) + ("\n" if ended else "")
    try:
        after = TomlEdit(names, {"url": url}).applied(text)
    except NotEditable:
        return
    content = tomllib.loads(after)
    for name in names:
        content = content[name]
    assert content["url"] == url
    assert is_subsequence([line for line in lines if not line.startswith("url")], after.split("\n"))
    assert TomlEdit(names, {"url": url}).applied(after) == after


@settings(deadline=None)
@given(st.lists(toml_lines, max_size=12), urls)
def test_an_entry_of_a_toml_array_reads_back_and_nothing_else_changes(lines: list[str], url: str) -> None:
    edit = TomlEdit(("tool", "uv", "index"), {"name": "purveyor", "url": url}, lambda entry: entry.get("name") == "purveyor")
    text = "\n".join(lines)
    try:
        after = edit.applied(text)
    except NotEditable:
        return
    assert {"name": "purveyor", "url": url}.items() <= next(
        entry for entry in tomllib.loads(after)["tool"]["uv"]["index"] if entry.get("name") == "purveyor"
    ).items()
    assert is_subsequence([line for line in lines if not line.startswith("url")], after.split("\n"))
    assert edit.applied(after) == after


def is_subsequence(wanted: list[str], given_lines: list[str]) -> bool:
    rest = iter(given_lines)
    return all(line in rest for line in wanted)
