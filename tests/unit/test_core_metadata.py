"""Core metadata as backends write it, and as no installer can use it."""

import pytest

from purveyor.errors import Refused
from purveyor.formats.core_metadata import CoreMetadata, certain_dependencies, read_core_metadata
from tests.distributions import core_metadata

VERSIONS = ["1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6"]


def read(*lines: str, name: str = "demo", version: str = "1.0", metadata_version: str = "2.4") -> CoreMetadata:
    return read_core_metadata(core_metadata(name, version, lines, metadata_version=metadata_version))


@pytest.mark.parametrize("metadata_version", [*VERSIONS, "2.7"])
def test_every_metadata_version_of_the_standard_and_a_newer_minor_one_is_read(metadata_version: str) -> None:
    assert read(metadata_version=metadata_version).metadata_version == metadata_version


@pytest.mark.parametrize("metadata_version", ["9.9", "3.0", "1.3", "2", "2.x", "", "\u0968.\u0967", "-2.1", "2.1.0"])
def test_an_unknown_metadata_version_is_refused(metadata_version: str) -> None:
    with pytest.raises(Refused, match="etadata"):
        read(metadata_version=metadata_version)


def test_what_an_index_uses_is_read_as_the_file_spells_it() -> None:
    found = read(
        "Summary: A demonstration",
        "Requires-Python: >=3.9, <4",
        "Requires-Dist: packaging>=20",
        "Requires-Dist: rich; extra == 'cli'",
        "License-File: LICENSE",
        "License-File: docs/NOTICE",
        "Dynamic: Requires-Dist",
        "Import-Name: demo",
        name="De.mo",
        version="1.0.0-RC.1",
        metadata_version="2.5",
    )
    assert found == CoreMetadata(
        metadata_version="2.5",
        name="De.mo",
        version="1.0.0-RC.1",
        requires_python=">=3.9, <4",
        summary="A demonstration",
        license_files=("LICENSE", "docs/NOTICE"),
        dynamic=("requires-dist",),
        import_names=("demo",),
        requires_dist=("packaging>=20", "rich; extra == 'cli'"),
    )


HONEST = {
    "unknown fields": ["Default-Extra: cli", "X-Kit: 1"],
    "empty values": ["Home-page: ", "License: ", "Requires-Python: "],
    "UNKNOWN": ["Home-page: UNKNOWN", "Platform: UNKNOWN"],
    "unlisted classifier": ["Classifier: Private :: Do Not Upload"],
    "several lines": ["License: one", "        two", "Description: first", "        second"],
    "non-ASCII": ["Author: A. Ünïcode", "Summary: größer 世界"],
    "direct reference": ["Requires-Dist: other @ https://example.com/other-1.0.zip"],
    "requirement with parentheses": ["Requires-Dist: other (>=1.0,<2)"],
    "field newer than the metadata version": ["License-Expression: MIT", "Provides-Extra: x"],
    "unnormalised extra": ["Provides-Extra: Some_Extra"],
    "empty import name": ["Import-Name: "],
    "long list": [f"Requires-Dist: other{number}" for number in range(2000)],
    "project URLs with one label": ["Project-URL: A, https://a.example", "Project-URL: A, https://b.example"],
}


@pytest.mark.parametrize("case", HONEST)
@pytest.mark.parametrize("metadata_version", ["1.1", "2.1", "2.6"])
def test_honest_oddities_are_no_fault(case: str, metadata_version: str) -> None:
    assert read(*HONEST[case], metadata_version=metadata_version).name == "demo"


def test_a_description_may_be_of_any_encoding_and_length() -> None:
    data = core_metadata("demo", "1.0", description="x")
    assert read_core_metadata(data + b"\xff\xfe latin-1 \xe9" * 100_000).version == "1.0"
    assert read_core_metadata(data.replace(b"\n", b"\r\n")).version == "1.0"


HARMFUL = {
    "Requires-Python": (["Requires-Python: three"], "invalid Requires-Python"),
    "Requires-Dist": (["Requires-Dist: !other"], "invalid Requires-Dist"),
    "version in Requires-Dist": (["Requires-Dist: other>=one"], "invalid Requires-Dist"),
    "marker": (["Requires-Dist: other; python == 3"], "invalid Requires-Dist"),
    "nested marker": (["Requires-Dist: other; " + "(" * 1500 + "a" + ")" * 1500], "invalid Requires-Dist"),
    "long marker": (["Requires-Dist: other; " + "(" * 9000], "more than 4000"),
    "digits": (["Requires-Python: >=" + "1" * 100_000], "more than 4000"),
    "both licences": (["License: MIT", "License-Expression: MIT"], "both License and License-Expression"),
    "licence expression": (["License-Expression: free for all"], "invalid License-Expression"),
    "nested licence expression": (["License-Expression: " + "(" * 1800 + "MIT" + ")" * 1800], "invalid License"),
    "licence file outside": (["License-File: ../LICENSE"], "not a path inside"),
    "absolute licence file": (["License-File: /LICENSE"], "not a path inside"),
    "dynamic name": (["Dynamic: Name"], "declares Name as Dynamic"),
    "second name": (["Name: other"], "field Name twice"),
    "second version": (["Version: 2.0"], "field Version twice"),
    "second Requires-Python": (["Requires-Python: >=3", "Requires-Python: >=2"], "field Requires-Python twice"),
    "flood of fields": ([f"Classifier: {n}" for n in range(11_000)], "more than 10000 fields"),
    "flood of different fields": ([f"X-{n}: x" for n in range(300)], "more than 200 different"),
}


@pytest.mark.parametrize("case", HARMFUL)
def test_what_would_hurt_an_installer_is_refused(case: str) -> None:
    lines, words = HARMFUL[case]
    with pytest.raises(Refused) as caught:
        read(*lines)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["", "-bad-", "../x", "a b", "\u212aelvin", "x" * 300, "demo\x00"])
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(Refused, match=r"(?i)name"):
        read(name=name)


@pytest.mark.parametrize("version", ["", "one", "1.0-\u03b2", "1" * 10_000, "1.0 final", "\u0967.0"])
def test_an_invalid_version_is_refused(version: str) -> None:
    with pytest.raises(Refused, match=r"(?i)version"):
        read(version=version)


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff" * 1000, b"no header at all", b"\0" * 50, b": x\n", b"Name\n"])
def test_bytes_that_are_no_metadata_are_refused(data: bytes) -> None:
    with pytest.raises(Refused, match=r"missing|cannot be read"):
        read_core_metadata(data)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(Refused) as caught:
        read("Requires-Python: three", "Requires-Dist: !", "License: x", "License-Expression: MIT", "Dynamic: Version")
    assert len(caught.value.complaints) == 4
    with pytest.raises(Refused) as caught:
        read(name="-", version="one", metadata_version="7.0")
    assert len(caught.value.complaints) == 3


@pytest.mark.parametrize(
    ("metadata_version", "dynamic", "static"),
    [
        ("2.1", [], False),
        ("2.2", [], True),
        ("2.4", ["Description"], True),
        ("2.4", ["Requires-Dist"], False),
        ("2.2", ["requires-python"], False),
        ("2.3", ["Version-Scheme", "Provides-Extra"], False),
        ("2.10", [], True),
    ],
)
def test_an_sdist_promises_its_metadata_only_where_a_resolver_can_rely_on_it(
    metadata_version: str, dynamic: list[str], static: bool
) -> None:
    found = read(*(f"Dynamic: {field}" for field in dynamic), metadata_version=metadata_version)
    assert found.is_static_for_resolution is static


def test_dependencies_that_are_certain_have_neither_a_marker_nor_a_place_of_their_own() -> None:
    stated = [
        "First (>=1)",
        "second[more]~=2",
        "third ; python_version < '4'",
        "fourth @ https://f.example/f.whl",
        "-x",
        "",
        "a" * 300,
        "Fi_fth",
    ]
    lines = "".join(f"Requires-Dist: {each}\r\n" for each in stated)
    data = f"Metadata-Version: 2.1\r\n{lines}requires-dist:six\r\n\r\nRequires-Dist: not-in-the-head\r\n".encode()
    assert certain_dependencies(data) == ["first", "second", "fi-fth", "six"]


def test_a_long_line_is_no_dependency_and_takes_no_time() -> None:
    """Quadratic time would be minutes here."""
    assert certain_dependencies(b"Requires-Dist: " + b"a" * 3_000_000 + b"; x\n\n") == []
