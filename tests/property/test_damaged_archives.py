"""Whatever happens to an archive's bytes, the answer is its metadata or `Refused`: never another exception."""

import contextlib
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from purveyor.errors import Refused
from purveyor.formats.archives import Limits, read_archive
from purveyor.formats.core_metadata import read_core_metadata
from purveyor.model.files import parse_filename
from tests.distributions import core_metadata, sdist, wheel
from tests.unit.hostile import SDIST_NAME, WHEEL_NAME, sdist_entries, tar_gz, wheel_entries, zip_bytes

LIMITS = Limits(unpacked_size=1 << 24, entries=50, ratio=100)
POINTS = "[console_scripts]\nrun = demo:main\n"
WHEELS = (zip_bytes(wheel_entries()), zip_bytes(wheel_entries(), zip64={}), wheel("demo", "1.0", dist_info={"entry_points.txt": POINTS})[1])
SDISTS = (sdist("demo", "1.0")[1], tar_gz(sdist_entries()))
METADATA = core_metadata(
    "demo", "1.0", ["Requires-Python: >=3", "Requires-Dist: a>1; b < 'c'", "License-Expression: MIT", "Dynamic: License"]
)
# Positions count from the end where they are negative: that is where a ZIP keeps what matters.
FLIPS = st.lists(st.tuples(st.integers(-400, 3000), st.integers(0, 255)), max_size=4)
CUTS = st.none() | st.integers(-400, 3000)


def damaged(data: bytes, flips: list[tuple[int, int]], cut: int | None) -> bytes:
    out = bytearray(data)
    for position, value in flips:
        if -len(out) <= position < len(out):
            out[position] = value
    return bytes(out[:cut])


def read(data: bytes, filename: str) -> None:
    with contextlib.suppress(Refused):
        read_core_metadata(read_archive(io.BytesIO(data), parse_filename(filename), LIMITS).metadata)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(WHEELS), FLIPS, CUTS)
def test_a_damaged_wheel_is_read_or_refused(data: bytes, flips: list[tuple[int, int]], cut: int | None) -> None:
    read(damaged(data, flips, cut), WHEEL_NAME)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SDISTS), FLIPS, CUTS)
def test_a_damaged_sdist_is_read_or_refused(data: bytes, flips: list[tuple[int, int]], cut: int | None) -> None:
    read(damaged(data, flips, cut), SDIST_NAME)


@settings(max_examples=400, deadline=None)
@given(FLIPS, CUTS)
def test_a_damaged_tar_archive_in_a_whole_gzip_stream_is_read_or_refused(flips: list[tuple[int, int]], cut: int | None) -> None:
    read(tar_gz([damaged(b"".join(sdist_entries()), flips, cut)]), SDIST_NAME)


@settings(max_examples=400, deadline=None)
@given(FLIPS, CUTS)
def test_damaged_metadata_is_read_or_refused(flips: list[tuple[int, int]], cut: int | None) -> None:
    with contextlib.suppress(Refused):
        assert read_core_metadata(damaged(METADATA, flips, cut)).name


@settings(max_examples=300, deadline=None)
@given(st.text() | st.from_regex(r"(Requires-Dist|Requires-Python|License-Expression|Dynamic|Provides-Extra): .*"))
def test_any_field_is_read_or_refused(line: str) -> None:
    with contextlib.suppress(Refused, UnicodeEncodeError):
        read_core_metadata(core_metadata("demo", "1.0", [line]))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2000))
def test_any_record_is_right_or_refused(record: bytes) -> None:
    read(wheel("demo", "1.0", record=record)[1], WHEEL_NAME)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_are_refused(data: bytes) -> None:
    read(data, WHEEL_NAME)
    read(data, SDIST_NAME)
    read(tar_gz([data]), SDIST_NAME)
