"""METADATA out of a wheel's end: the same as out of the whole wheel, or nothing."""

import io
import zipfile

import pytest

from purveyor.formats.wheel_metadata import wheel_metadata
from purveyor.formats.wheel_parts import Missing, WheelParts
from tests.distributions import wheel

SIZES = (22, 60, 200, 1000, 1 << 20)


def read(data: bytes, end: int) -> bytes | None:
    """As somebody would who fetches what is missing."""
    parts = WheelParts(len(data), data[-end:])
    for _ in range(4):
        found = parts.metadata()
        if not isinstance(found, Missing):
            return found
        assert 0 <= found.start < len(data)
        parts.add(found.start, data[found.start : found.start + found.length])
    raise AssertionError("it never ends")


@pytest.mark.parametrize("end", SIZES)
@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_the_metadata_is_that_of_the_whole_wheel(end: int, *, stored: bool, last: bool) -> None:
    members = {"acme/__init__.py": b"x = 1\n" * 300, "acme-1.0.dist-info/METADATA": b"Name: acme\n" * 50, "acme-1.0.dist-info/RECORD": b""}
    names = [*members] if last else [*reversed(members)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, members[name])
    data = buffer.getvalue()
    assert read(data, end) == members["acme-1.0.dist-info/METADATA"] == wheel_metadata(io.BytesIO(data))


@pytest.mark.parametrize("end", SIZES)
def test_a_wheel_that_is_damaged_gives_nothing_wrong(end: int) -> None:
    _, data = wheel("acme", "1.0")
    right = wheel_metadata(io.BytesIO(data))
    assert read(data, end) == right
    for position in range(0, len(data), 7):
        damaged = data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]
        assert read(damaged, end) in (right, None)


def test_two_metadata_files_or_none_are_nothing() -> None:
    for names in ((), ("a-1.dist-info/METADATA", "b-1.dist-info/METADATA"), ("deep/a-1.dist-info/METADATA",)):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in names:
                archive.writestr(name, b"Name: a\n")
        assert read(buffer.getvalue(), 1000) is None
    assert WheelParts(4, b"none").metadata() is None
