"""The bytes of an answer: in memory while small, in an unnamed file once large, so that no page is ever too long for the machine."""

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

# Above this the kernel sends a body from where it lies, without copying it out of ours first.
KERNEL_LIMIT = 64 << 10
# Above this a body leaves memory for a file on disk.
MEMORY_LIMIT = 2 << 20
_PIECE = 1 << 18
_DESCRIPTOR_COST = 64 << 10
# So much of a sha256, of which processors know more than of other digests, tells pages apart.
_TAG = 32


class Descriptor:
    """An open file that many answers read at once, each at a position of its own; closed when the last of them lets go of it.

    It takes the place of `file`, which is closed: of two objects that go together nobody knows which is finalised first.

    `cost` is what holding it counts for: the memory it lies in, and never less than a share of the descriptors, of which there are few.
    """

    __slots__ = ("cost", "number")

    def __init__(self, file: BinaryIO, memory: int = 0) -> None:
        self.number = os.dup(file.fileno())
        self.cost = max(memory, _DESCRIPTOR_COST)
        file.close()

    def __del__(self) -> None:
        os.close(self.number)


class Span(Struct, frozen=True):
    """`length` bytes of an open file from `offset`."""

    file: Descriptor
    offset: int
    length: int


Body = bytes | Span


def length(body: Body) -> int:
    return body.length if isinstance(body, Span) else len(body)


def cost(body: Body) -> int:
    """The bytes that holding the body counts for."""
    return body.file.cost if isinstance(body, Span) else len(body)


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


def part(body: Body, first: int, size: int) -> Body:
    """`size` bytes of the body from `first` on."""
    if isinstance(body, Span):
        return Span(body.file, body.offset + first, size)
    return body[first : first + size]


def collect(stream: Iterable[bytes], folder: Path) -> tuple[Body, str]:
    """The stream as a body, and a digest of it for its entity tag."""
    digest = hashlib.sha256()
    memory = bytearray()
    file: BinaryIO | None = None
    for piece in stream:
        digest.update(piece)
        memory += piece
        if len(memory) > MEMORY_LIMIT:
            file = file or _on_disk(folder)
            file.write(memory)
            memory.clear()
    if file is None and len(memory) <= KERNEL_LIMIT:
        return bytes(memory), digest.hexdigest()[:_TAG]
    in_memory = len(memory) if file is None else 0
    file = file or _in_memory(folder)
    file.write(memory)
    size = file.tell()
    return Span(Descriptor(file, in_memory), 0, size), digest.hexdigest()[:_TAG]


def _in_memory(folder: Path) -> BinaryIO:
    """A file without a disk, where the system has such a thing."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("page"), "w+b")
    return _on_disk(folder)


def _on_disk(folder: Path) -> BinaryIO:
    return tempfile.TemporaryFile(dir=folder)


class Growing:
    """A file of `size` bytes that is still being fetched: those before `ready` may be sent, the last once all are known to be right.

    One thread feeds it; any number of others look, and are told by a call when there is more. It ends with a `whole` body or an `error`.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.ready = 0
        self.file: Descriptor | None = None
        self.whole: Body | None = None
        self.digest = ""
        """The sha256 of what is whole, where nobody knew that before."""
        self.error: Exception | None = None
        self._listeners: list[Callable[[], None]] = []
        self._turn = threading.Lock()

    def listen(self, tell: Callable[[], None]) -> None:
        with self._turn:
            self._listeners.append(tell)

    def unlisten(self, tell: Callable[[], None]) -> None:
        with self._turn:
            self._listeners.remove(tell)

    def grow(self, file: Descriptor, ready: int) -> None:
        self.file, self.ready = file, ready
        self._tell()

    def finish(self, whole: Body, digest: str = "") -> None:
        self.size, self.digest = length(whole), digest
        self.ready = self.size
        self.whole = whole
        self._tell()

    def fail(self, error: Exception) -> None:
        """Nothing more will come; what is whole already stays so."""
        if self.whole is None:
            self.error = error
            self._tell()

    def wait(self) -> None:
        """Return once it has ended, one way or the other. Not for the event loop."""
        ended = threading.Event()

        def tell() -> None:
            if self.ended:
                ended.set()

        self.listen(tell)
        tell()
        ended.wait()
        self.unlisten(tell)

    @property
    def ended(self) -> bool:
        return self.whole is not None or self.error is not None

    def _tell(self) -> None:
        with self._turn:
            for tell in self._listeners:
                tell()
