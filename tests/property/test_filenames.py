"""Filenames: one identity for all spellings of a file, and `Refused` for everything else."""

import contextlib
from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.version import Version

from purveyor.errors import Refused
from purveyor.model.files import FILENAME_LIMIT, VERSION_LIMIT, Kind, parse_filename, parse_version
from purveyor.model.names import is_normalized

WORDS = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
NAMES = st.lists(WORDS, min_size=1, max_size=3).map("_".join)
VERSIONS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "1!"]),
    st.lists(st.integers(0, 2100), min_size=1, max_size=4).map(lambda numbers: ".".join(map(str, numbers))),
    st.sampled_from(["", "a1", "b2", "rc3", ".post4", ".dev5", "rc1.post2.dev3"]),
    st.sampled_from(["", "+cu121", "+abc.1"]),
)
BUILDS = st.sampled_from(["", "-1", "-2post", "-20200101_abc"])
TAGS = st.sampled_from(
    ["py3-none-any", "py2.py3-none-any", "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", "cp39-abi3-win_amd64"]
)


@given(NAMES, VERSIONS, BUILDS, TAGS)
def test_a_wheel_s_filename_says_project_version_and_python_tag(name: str, version: str, build: str, tags: str) -> None:
    parsed = parse_filename(f"{name}-{version}{build}-{tags}.whl")
    assert parsed.kind is Kind.WHEEL
    assert parsed.project == name.replace("_", "-")
    assert parsed.version == Version(version)
    assert parsed.pyversion == tags.partition("-")[0]


@given(NAMES, VERSIONS)
def test_an_sdist_s_filename_says_project_and_version(name: str, version: str) -> None:
    parsed = parse_filename(f"{name}-{version}.tar.gz")
    assert (parsed.kind, parsed.pyversion) == (Kind.SDIST, "source")
    assert parsed.project == name.replace("_", "-")
    assert parsed.version == Version(version)


@given(NAMES, VERSIONS, BUILDS, TAGS)
def test_all_spellings_of_a_wheel_have_one_identity(name: str, version: str, build: str, tags: str) -> None:
    identity = parse_filename(f"{name}-{version}{build}-{tags}.whl").identity
    assert parse_filename(f"{name.upper()}-{version}{build}-{tags}.whl").identity == identity
    assert parse_filename(f"{name.replace('_', '.')}-{version}{build}-{tags}.whl").identity == identity
    swapped = "-".join(".".join(reversed(part.split("."))) for part in tags.split("-"))
    assert parse_filename(f"{name}-{Version(version)}{build}-{swapped}.whl").identity == identity


FACTS = st.tuples(VERSIONS, BUILDS, TAGS)


@given(NAMES, FACTS, FACTS)
@example("demo", ("1.0", "", "py3-none-any"), ("1.0.0", "", "py3-none-any"))
def test_two_wheels_have_one_identity_if_and_only_if_they_say_the_same(
    name: str, one: tuple[str, str, str], two: tuple[str, str, str]
) -> None:
    identities = {parse_filename(f"{name}-{version}{build}-{tags}.whl").identity for version, build, tags in (one, two)}
    same = (Version(one[0]), *one[1:]) == (Version(two[0]), *two[1:])
    assert len(identities) == (1 if same else 2)


@given(NAMES, VERSIONS)
def test_all_spellings_of_an_sdist_have_one_identity(name: str, version: str) -> None:
    identity = parse_filename(f"{name}-{version}.tar.gz").identity
    for spelling in (name.upper(), name.replace("_", "-"), name.replace("_", ".")):
        assert parse_filename(f"{spelling}-{Version(version)}.tar.gz").identity == identity


ALMOST = st.builds("{}{}".format, st.text(alphabet="aA1.-_+!", max_size=60), st.sampled_from([".whl", ".tar.gz"]))


@given(st.text(max_size=300) | ALMOST)
@example("demo-1.0-py3-none-any.whl\n")
def test_any_text_is_a_filename_or_is_refused(text: str) -> None:
    with contextlib.suppress(Refused):
        parsed = parse_filename(text)
        assert text.isascii()
        assert "/" not in text
        assert is_normalized(parsed.project)


PLENTY = [f"p{letter}" for letter in "abcdefghijklmnopqrst"]
HOSTILE: Mapping[str, str] = {
    "parent directory": "../demo-1.0.tar.gz",
    "directory": "dir/demo-1.0.tar.gz",
    "absolute": "/demo-1.0.tar.gz",
    "backslash": "..\\demo-1.0.tar.gz",
    "NUL": "demo-1.0.tar.gz\0",
    "NUL before the suffix": "demo-1.0\0.tar.gz",
    "newline": "demo-1.0.tar.gz\n",
    "carriage return": "demo-1.0-py3-none-any.whl\r\nX: y",
    "space": "demo -1.0.tar.gz",
    "percent": "demo%2f-1.0.tar.gz",
    "right to left": "demo-1.0\u202e.tar.gz",
    "Kelvin sign": "\u212aelvin-1.0.tar.gz",
    "other digits": "demo-\u0967.0.tar.gz",
    "hidden": ".demo-1.0.tar.gz",
    "option": "-rf-1.0.tar.gz",
    "metadata sibling": "demo-1.0-py3-none-any.whl.metadata",
    "signature": "demo-1.0.tar.gz.asc",
    "page": "index.html",
    "empty": "",
    "suffix only": ".whl",
    "sdist suffix only": ".tar.gz",
    "no version": "demo.tar.gz",
    "no name": "-1.0.tar.gz",
    "no version in a wheel": "demo-py3-none-any.whl",
    "too few parts": "demo-1.0.whl",
    "too many parts": "demo-1.0-1-2-py3-none-any.whl",
    "build without a number": "demo-1.0-x1-py3-none-any.whl",
    "empty tag": "demo-1.0-py3--any.whl",
    "doubled underscore": "demo__app-1.0-py3-none-any.whl",
    "name that ends badly": "demo_-1.0-py3-none-any.whl",
    "bad version": "demo-one-py3-none-any.whl",
    "bad sdist version": "demo-one.tar.gz",
    "ten thousand digits": f"demo-{'1' * 10_000}.tar.gz",
    "long version": f"demo-{'1' * (VERSION_LIMIT + 1)}.tar.gz",
    "long name": f"{'d' * 201}-1.0.tar.gz",
    "long filename": f"demo-1.0-py3-none-{'a' * FILENAME_LIMIT}.whl",
    "flood of tags": f"demo-1.0-{'.'.join(PLENTY)}-{'.'.join(PLENTY)}-{'.'.join(PLENTY)}.whl",
    "zip": "demo-1.0.zip",
    "executable": "demo-1.0.win-amd64.exe",
    "egg": "demo-1.0-py3.11.egg",
    "text": "demo-1.0.txt",
    "upper-case suffix": "demo-1.0-py3-none-any.WHL",
    "bzip2": "demo-1.0.tar.bz2",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_filename_that_no_installer_should_meet_is_refused(case: str) -> None:
    with pytest.raises(Refused):
        parse_filename(HOSTILE[case])


@given(st.text())
def test_any_text_is_a_version_or_is_refused(text: str) -> None:
    with contextlib.suppress(Refused):
        assert parse_version(text) == Version(text)
