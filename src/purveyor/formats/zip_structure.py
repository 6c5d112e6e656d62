"""The skeleton of a ZIP archive, read so strictly that every unpacker finds the same members (APPNOTE 4.3, 4.4, 4.5.3).

Parsers differ in whom they believe: the central directory, the local headers, or a scan from either end. So all of
them must agree: local records stand one after the other from the first byte to the central directory, each says what
its entry there says, and the end record closes the file.
"""

import stat
from struct import Struct
from typing import BinaryIO, NamedTuple

from purveyor.errors import Refused
from purveyor.formats.inspection import Inspection, shown

STORED, DEFLATED = 0, 8

END = Struct("<4s4H2LH")
_ZIP64_LOCATOR = Struct("<4sLQL")
_ZIP64_END = Struct("<4sQ2H2L4Q")
CENTRAL = Struct("<4s6H3L5H2L")
LOCAL = Struct("<4s5H3L2H")
_BLOCK = Struct("<2H")
_LONG = Struct("<Q")

_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF
_FLAG_ENCRYPTED, _FLAG_DESCRIPTOR, _FLAG_UTF8 = 1 << 0, 1 << 3, 1 << 11
# Bits 1 and 2 tell how hard the compressor tried.
_FLAGS_ALLOWED = _FLAG_UTF8 | 1 << 1 | 1 << 2
_EXTRA_ZIP64, _EXTRA_UNICODE_PATH = 0x0001, 0x7075
# APPNOTE 6.3, in tenths; the standard library opens no archive with a member that asks for more.
_NEWEST_FORMAT = 63
_DIRECTORY_LIMIT = 32 << 20
_COMMENT_LIMIT = _FULL_16


class Member(NamedTuple):
    """One entry on which the central directory and the local header agree. `start` is where its data begins."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int

    @property
    def is_directory(self) -> bool:
        return self.name.endswith("/")


class _Entry(NamedTuple):
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int


class _Directory(NamedTuple):
    start: int
    size: int
    entries: int


def read_members(source: BinaryIO, inspection: Inspection) -> list[Member]:
    """Every member in file order; complains of what can be read past, raises `Refused` where there are two readings."""
    directory = _find_directory(source, inspection.packed)
    inspection.check_entries(directory.entries)
    source.seek(directory.start)
    entries = _read_entries(source.read(directory.size), directory.entries)
    inspection.check_size(sum(entry.size for entry in entries))
    entries.sort(key=lambda entry: entry.offset)
    members, position = [], 0
    for entry in entries:
        _check_entry(entry, inspection)
        member = _read_local(source, entry, position)
        members.append(member)
        position = member.start + member.packed
    if position != directory.start:
        raise Refused("The archive has bytes between its last member and its central directory that belong to neither.")
    return members


def _find_directory(source: BinaryIO, length: int) -> _Directory:
    source.seek(max(0, length - END.size - _ZIP64_LOCATOR.size - _ZIP64_END.size))
    tail = source.read()
    if len(tail) < END.size or not tail[-END.size :].startswith(b"PK\5\6"):
        raise Refused(_why_no_end(source, length))
    _, disk, first_disk, entries_here, entries, size, start, comment = END.unpack(tail[-END.size :])
    if comment:
        raise Refused("The archive is cut off: its end record announces a comment that is not there.")
    if disk or first_disk or entries_here != entries:
        raise Refused("The archive is one part of several (a multi-disk ZIP), which no installer reads.")
    directory = _Directory(start, size, entries)
    end = length - END.size
    if tail[: -END.size][-_ZIP64_LOCATOR.size :].startswith(b"PK\6\7"):
        directory = _read_zip64_end(tail[: -END.size], end, directory)
        end -= _ZIP64_LOCATOR.size + _ZIP64_END.size
    if directory.start + directory.size != end:
        raise Refused("The archive's central directory does not end where its end record begins: bytes were added or removed.")
    if directory.size > _DIRECTORY_LIMIT:
        raise Refused(f"The archive's central directory has more than {_DIRECTORY_LIMIT} bytes.")
    return directory


def _why_no_end(source: BinaryIO, length: int) -> str:
    source.seek(max(0, length - _COMMENT_LIMIT - END.size))
    if b"PK\5\6" in source.read():
        return "The archive has a comment or other bytes after its end record, where another archive could hide."
    return "The file is not a ZIP archive, or it is cut off: it does not close with an end record."


def _read_zip64_end(tail: bytes, end: int, short: _Directory) -> _Directory:
    """The directory as the ZIP64 end record tells it: without extensible data, and no other than the short record's."""
    _, disk, offset, disks = _ZIP64_LOCATOR.unpack(tail[-_ZIP64_LOCATOR.size :])
    record = tail[: -_ZIP64_LOCATOR.size]
    expected = end - _ZIP64_LOCATOR.size - _ZIP64_END.size
    if len(record) < _ZIP64_END.size or offset != expected or not record.startswith(b"PK\6\6"):
        raise Refused("The archive's ZIP64 end record is not where its locator says, or it has extensible data.")
    _, rest, _, _, this_disk, first_disk, entries_here, entries, size, start = _ZIP64_END.unpack(record)
    if rest != _ZIP64_END.size - 12 or disk or this_disk or first_disk or disks != 1 or entries_here != entries:
        raise Refused("The archive's ZIP64 end record has extensible data or speaks of several disks.")
    for told, full, real in (
        (short.entries, _FULL_16, entries),
        (short.size, _FULL_32, size),
        (short.start, _FULL_32, start),
    ):
        if told not in (real, full):
            raise Refused("The archive's two end records, ZIP64 and short, contradict each other.")
    return _Directory(start, size, entries)


def _read_entries(raw: bytes, count: int) -> list[_Entry]:
    entries, position = [], 0
    for _ in range(count):
        if raw[position : position + 4] != b"PK\1\2" or len(raw) - position < CENTRAL.size:
            raise Refused("The archive's central directory is damaged, or has fewer entries than its end record says.")
        fields = CENTRAL.unpack_from(raw, position)
        name_size, extra_size, comment_size = fields[10:13]
        name_end = position + CENTRAL.size + name_size
        name, extra = raw[name_end - name_size : name_end], raw[name_end : name_end + extra_size]
        if fields[2] & 0xFF > _NEWEST_FORMAT:
            raise Refused(f"The member {shown(name)} asks for a newer version of ZIP than installers know.")
        if comment_size or fields[13]:
            raise Refused(f"The member {shown(name)} has a comment or lies on another disk in the central directory.")
        size, packed, offset = _widen(name, extra, (fields[9], fields[8], fields[16]))
        entries.append(_Entry(name, fields[3], fields[4], fields[7], packed, size, offset, fields[15] >> 16))
        position = name_end + extra_size
    if position != len(raw):
        raise Refused("The archive's central directory has more entries or bytes than its end record says.")
    return entries


def _widen(name: bytes, extra: bytes, values: tuple[int, ...]) -> tuple[int, ...]:
    """The values, with those that did not fit into 32 bits taken from the ZIP64 extra field (4.5.3).

    The field holds just these, in this order; or, as some builders write it, it repeats what the header says already.
    """
    if not extra and _FULL_32 not in values:
        return values
    zip64 = _zip64_field(name, extra)
    told = [number for (number,) in _LONG.iter_unpack(zip64)] if len(zip64) % _LONG.size == 0 else None
    left_out = values.count(_FULL_32)
    if told is not None and len(told) == left_out:
        wide = iter(told)
        return tuple(next(wide) if value == _FULL_32 else value for value in values)
    if told is None or left_out or told != [*values[: len(told)]]:
        raise Refused(f"The member {shown(name)} has a ZIP64 field that contradicts its header.")
    return values


def _zip64_field(name: bytes, extra: bytes) -> bytes:
    zip64, position = b"", 0
    while position < len(extra):
        kind, size = _BLOCK.unpack_from(extra, position) if len(extra) - position >= _BLOCK.size else (0, _FULL_16)
        block = extra[position + _BLOCK.size : position + _BLOCK.size + size]
        if len(block) < size:
            raise Refused(f"The member {shown(name)} has a damaged extra field.")
        if kind == _EXTRA_UNICODE_PATH or (kind == _EXTRA_ZIP64 and zip64):
            raise Refused(f"The member {shown(name)} has a second name, or two ZIP64 fields, in its extra field.")
        zip64 = block if kind == _EXTRA_ZIP64 else zip64
        position += _BLOCK.size + size
    return zip64


def _check_entry(entry: _Entry, inspection: Inspection) -> None:
    if fault := _unreadable(entry):
        raise Refused(f"The member {shown(entry.raw_name)} {fault}.")
    if fault := _unwanted(entry):
        inspection.complain(f"The member {shown(entry.raw_name)} {fault}.")


def _unreadable(entry: _Entry) -> str | None:
    """What keeps installers from reading the member, or from agreeing on it; to follow "The member ... "."""
    if entry.flags & _FLAG_ENCRYPTED:
        return "is encrypted"
    if entry.flags & _FLAG_DESCRIPTOR:
        return "is followed by a data descriptor, so that its header does not tell its size"
    if entry.flags & ~_FLAGS_ALLOWED:
        return f"uses features of ZIP (flags {entry.flags:#06x}) that installers do not know"
    if entry.method not in (STORED, DEFLATED):
        return f"is neither stored nor deflated (compression method {entry.method})"
    if entry.method == STORED and entry.packed != entry.size:
        return "is stored, but has two different sizes"
    return None


def _unwanted(entry: _Entry) -> str | None:
    """What a wheel's member must not be, though it can be read; to follow "The member ... "."""
    kind, is_directory = stat.S_IFMT(entry.mode), entry.raw_name.endswith(b"/")
    if not entry.flags & _FLAG_UTF8 and not entry.raw_name.isascii():
        return "has a name that is not ASCII and not marked as UTF-8"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a symbolic link, a device or another special file"
    if (kind == stat.S_IFDIR and not is_directory) or (is_directory and entry.size):
        return "is a file and a directory at once"
    return None


def _read_local(source: BinaryIO, entry: _Entry, position: int) -> Member:
    if entry.offset != position:
        raise Refused(_why_misplaced(entry, position))
    source.seek(position)
    head = source.read(LOCAL.size)
    if len(head) < LOCAL.size or not head.startswith(b"PK\3\4"):
        raise Refused(f"The member {shown(entry.raw_name)} has no local header where the central directory says.")
    _, _, flags, method, _, _, crc, packed, size, name_size, extra_size = LOCAL.unpack(head)
    text = source.read(name_size + extra_size)
    raw_name = text[:name_size]
    size, packed = _widen(raw_name, text[name_size:], (size, packed))
    if (raw_name, flags, method, crc, packed, size) != entry[:6]:
        raise Refused(f"The local header of {shown(raw_name)} contradicts the central directory's entry {shown(entry.raw_name)}.")
    try:
        name = raw_name.decode()
    except UnicodeDecodeError:
        raise Refused(f"The name of the member {shown(raw_name)} is not UTF-8.") from None
    return Member(name, method, crc, packed, size, position + LOCAL.size + name_size + extra_size)


def _why_misplaced(entry: _Entry, position: int) -> str:
    name = shown(entry.raw_name)
    if entry.offset < position:
        return f"The member {name} overlaps another: two entries of the central directory share bytes."
    if position == 0:
        return "The archive has bytes before its first member, where another file could hide."
    return f"The archive has bytes before the member {name} that belong to no member."
