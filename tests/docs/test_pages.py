"""The pages themselves: links lead somewhere, and nothing in the files belongs to one machine or one registry."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.documents import ROOT, markdown_files

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# But for those of the example project.
_SOURCE = re.compile(r"`((?!src/acme_app/)(?:[a-z_]+/)+[a-z_]+\.py)`")
_TOPS = (ROOT, ROOT / "src" / "purveyor")
# Written so that this file is none of those it looks for. A path of a URL, after a host, is no path of a machine.
_FORBIDDEN = re.compile(r"(?<![\w.$}])/(?:work|tmp|root)/|pypi\.org|python[h]osted")
_PARTS = ("src", "tests", "docs", "benchmarks", "deploy", ".ci", "Makefile", "README.md", "CHANGELOG.md", "pyproject.toml")
_OURS = {".py", ".md", ".toml", ".typed", ".lua", ".service", ".yaml", ".conf", ".example", ""}


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as code hosts make them."""
    headings = _HEADING.findall(_FENCED.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", markdown_files(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_FENCED.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = page.parent / unquote(path) if path else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            broken.append(link)

    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    linked = {(ROOT / link).resolve() for link in _LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))}

    assert [str(page.relative_to(ROOT)) for page in markdown_files()[1:] if page.resolve() not in linked] == []


def test_every_source_file_that_a_page_names_is_there() -> None:
    named = {(page, name) for page in markdown_files() for name in _SOURCE.findall(page.read_text(encoding="utf-8"))}

    assert [(str(page.relative_to(ROOT)), name) for page, name in sorted(named) if not any((top / name).exists() for top in _TOPS)] == []


def our_files() -> Iterator[Path]:
    for part in _PARTS:
        top = ROOT / part
        found = sorted(top.rglob("*")) if top.is_dir() else [top]
        yield from (path for path in found if path.is_file() and path.suffix in _OURS and "results" not in path.parts)


def test_no_file_names_a_path_of_one_machine_or_the_host_of_a_registry() -> None:
    found = {str(path.relative_to(ROOT)): _FORBIDDEN.findall(path.read_text(encoding="utf-8")) for path in our_files()}

    assert {path: words for path, words in found.items() if words} == {}
