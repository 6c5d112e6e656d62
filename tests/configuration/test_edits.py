"""Whatever stands in a file, a change to it reads back as that change, and leaves every other line where it was."""

import tomllib
from configparser import RawConfigParser

from hypothesis import given
from hypothesis import strategies as st

from purveyor.workbench.configuration.ini_edit import IniEdit
from purveyor.workbench.configuration.lines import NotEditable
from purveyor.workbench.configuration.toml_edit import TomlEdit

urls = st.from_regex(r"https?://[a-z0-9.-]{1,20}(:[0-9]{1,5})?/[!$-~]{0,30}", fullmatch=True).filter(lambda url: '"' not in url)
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


def is_kept(line: str) -> bool:
    return "index" not in line and "more" not in line and "tab" not in line


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
