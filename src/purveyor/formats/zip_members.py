"""The bytes of a ZIP archive's members, inflated in pieces and checked against what their headers promise."""

from collections.abc import Iterator
from typing import BinaryIO

from isal import isal_zlib

from purveyor.errors import Refused
from purveyor.formats.inspection import shown
from purveyor.formats.zip_structure import STORED, Member

_PIECE = 256 << 10
_RAW_DEFLATE = -15


def contents(source: BinaryIO, member: Member) -> Iterator[bytes]:
    """The member's bytes; raises `Refused` once they are more than promised, or at the end if not as promised."""
    source.seek(member.start)
    pieces = _packed(source, member.packed) if member.method == STORED else _inflated(source, member)
    size = crc = 0
    for piece in pieces:
        size += len(piece)
        if size > member.size:
            break
        crc = isal_zlib.crc32(piece, crc)
        yield piece
    if size != member.size:
        raise Refused(f"The member {shown(member.name)} has more or fewer bytes than its header says.")
    if crc != member.crc:
        raise Refused(f"The member {shown(member.name)} is damaged: its checksum (CRC-32) is wrong.")


def _packed(source: BinaryIO, count: int) -> Iterator[bytes]:
    while count and (piece := source.read(min(count, _PIECE))):
        count -= len(piece)
        yield piece


def _inflated(source: BinaryIO, member: Member) -> Iterator[bytes]:
    engine = isal_zlib.decompressobj(_RAW_DEFLATE)
    unread = member.packed
    try:
        for packed in _packed(source, member.packed):
            unread -= len(packed)
            piece = engine.decompress(packed, _PIECE)
            while piece:
                yield piece
                piece = b"" if engine.eof else engine.decompress(engine.unconsumed_tail, _PIECE)
            if engine.eof:
                break
    except isal_zlib.error:  # type: ignore[misc] # the stub calls it an instance
        raise Refused(f"The member {shown(member.name)} is damaged: it cannot be inflated.") from None
    if not engine.eof or unread or engine.unused_data:
        raise Refused(f"The member {shown(member.name)} ends before or after its compressed data does.")
