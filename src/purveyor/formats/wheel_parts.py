"""The core metadata of a wheel of which only parts are at hand: its end, where the directory is, and whatever that says is missing.

A wheel's `.dist-info` stands at the archive's end (PyPUG "Binary distribution format", recommended archiver features), so its last 64 KiB
are nearly always enough. Whatever is unusual is left to `wheel_metadata`, which takes the whole file.
"""

import zlib
from collections.abc import Iterator
from struct import error

from msgspec import Struct

from purveyor.formats.wheel_metadata import is_metadata
from purveyor.formats.zip_structure import CENTRAL, DEFLATED, END, LOCAL, STORED
from purveyor.model.files import METADATA_LIMIT

# Of a local header as much as any program writes; its own lengths say the rest.
_LONGEST_EXTRA = 1024
_DIRECTORY_LIMIT = 16 << 20
_METADATA = b".dist-info/METADATA"


class Missing(Struct, frozen=True):
    """`length` bytes from `start` on are needed as well."""

    start: int
    length: int


class _Entry(Struct, frozen=True):
    method: int
    crc: int
    packed: int
    size: int
    name_length: int
    offset: int


class WheelParts:
    """A wheel of `size` bytes, with the last of them."""

    def __init__(self, size: int, end: bytes) -> None:
        self._size = size
        self._parts = [(size - len(end), end)]

    def add(self, start: int, data: bytes) -> None:
        self._parts.append((start, data))

    def metadata(self) -> bytes | Missing | None:
        """What METADATA holds; what is missing to tell; None where it cannot be told in this way."""
        try:
            return self._metadata()
        except (error, zlib.error):
            return None

    def _metadata(self) -> bytes | Missing | None:
        start, end = self._parts[0]
        at = end.rfind(b"PK\x05\x06")
        if at < 0:
            return None
        _, disk, first_disk, here, count, length, offset, _ = END.unpack_from(end, at)
        if disk or first_disk or here != count or offset + length > start + at or length > _DIRECTORY_LIMIT:
            return None
        directory = self._read(offset, length)
        if directory is None:
            return Missing(offset, length)
        found = list(_entries(directory, count))
        return self._content(found[0]) if len(found) == 1 else None

    def _content(self, entry: _Entry) -> bytes | Missing | None:
        if entry.size > METADATA_LIMIT or entry.packed > METADATA_LIMIT or entry.method not in (STORED, DEFLATED):
            return None
        longest = LOCAL.size + entry.name_length + _LONGEST_EXTRA + entry.packed
        length = min(longest, self._size - entry.offset)
        whole = self._read(entry.offset, length)
        if whole is None:
            return Missing(entry.offset, length)
        signature, *_, name_length, extra_length = LOCAL.unpack_from(whole)
        begin = LOCAL.size + name_length + extra_length
        packed = whole[begin : begin + entry.packed]
        if signature != b"PK\x03\x04" or len(packed) < entry.packed:
            return None
        content = packed if entry.method == STORED else zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, METADATA_LIMIT)
        return content if len(content) == entry.size and zlib.crc32(content) == entry.crc else None

    def _read(self, start: int, length: int) -> bytes | None:
        for first, data in self._parts:
            if first <= start and start + length <= first + len(data):
                return data[start - first : start - first + length]
        return None


def _entries(directory: bytes, count: int) -> Iterator[_Entry]:
    """Those of METADATA in a `.dist-info` at the top."""
    only = _only(directory)
    at, count = (0, count) if only is None else (only, 1)
    for _ in range(count):
        fields = CENTRAL.unpack_from(directory, at)
        name_length, extra_length, comment_length = fields[10:13]
        name = directory[at + CENTRAL.size : at + CENTRAL.size + name_length]
        if name.endswith(_METADATA) and is_metadata(name.decode("utf-8", "replace")):
            yield _Entry(fields[4], fields[7], fields[8], fields[9], name_length, fields[16])
        at += CENTRAL.size + name_length + extra_length + comment_length


def _only(directory: bytes) -> int | None:
    """Where the one entry begins that can be it; None where there may be several, or none. Some wheels have thousands of entries."""
    if directory.count(_METADATA) != 1:
        return None
    end = directory.find(_METADATA) + len(_METADATA)
    at = directory.rfind(b"PK\x01\x02", 0, end)
    if at < 0 or at + CENTRAL.size > end or at + CENTRAL.size + CENTRAL.unpack_from(directory, at)[10] != end:
        return None
    return at
