"""The bytes of an answer: in memory while small, in an unnamed file once large, so that no page is ever too long for the machine."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# Above this a body leaves memory; it is then sent by the kernel straight from the file.
MEMORY_LIMIT = 2 << 20
_PIECE = 1 << 18


class Descriptor:
    """An open file that many answers read at once, each at a position of its own; closed when the last of them lets go of it."""

    __slots__ = ("_file", "number")

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.number = file.fileno()

    def __del__(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Span:
    """`length` bytes of an open file from `offset`."""

    file: Descriptor
    offset: int
    length: int


Body = bytes | Span


def length(body: Body) -> int:
    return body.length if isinstance(body, Span) else len(body)


def pieces(body: Body) -> Iterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    position, end = body.offset, body.offset + body.length
    while position < end:
        piece = os.pread(body.file.number, min(_PIECE, end - position), position)
        if not piece:
            raise EOFError("the file is shorter than it was")
        position += len(piece)
        yield piece


def collect(stream: Iterable[bytes], folder: Path) -> tuple[Body, str]:
    """The stream as a body, and a digest of it for its entity tag."""
    digest = hashlib.blake2b(digest_size=16)
    memory = bytearray()
    file: BinaryIO | None = None
    for piece in stream:
        digest.update(piece)
        if file is None and len(memory) + len(piece) > MEMORY_LIMIT:
            file = _unnamed(folder)
            file.write(memory)
        if file is not None:
            file.write(piece)
        else:
            memory += piece
    if file is None:
        return bytes(memory), digest.hexdigest()
    file.flush()
    return Span(Descriptor(file), 0, file.tell()), digest.hexdigest()


def _unnamed(folder: Path) -> BinaryIO:
    return tempfile.TemporaryFile(dir=folder)
