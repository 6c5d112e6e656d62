"""Reads a bundle from a seekable file and believes none of it: every byte is compared with what its manifest demands."""

import hashlib
import io
from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO

from purveyor.errors import Refused
from purveyor.formats.bundle_archive import BLOCK, END, MANIFEST, MANIFEST_LIMIT, header, length, members, padding, sums
from purveyor.formats.bundle_document import read_manifest
from purveyor.model.bundles import Bundle, Member

_PIECE = 1 << 20
_SIZE_FIELD = slice(124, 135)


class BundleReader:
    """`bundle` is what the manifest says, which agrees with itself and with the sums beside it; `verify` checks the rest.

    Raises `Refused` for what is not a bundle, naming the part that is wrong.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._size = source.seek(0, io.SEEK_END)
        self.manifest = self._read_manifest()
        self.bundle: Bundle = read_manifest(self.manifest)
        self._check_sums()
        self._check_length()
        self._offsets = {member.path: offset for member, offset in self._placed()}

    def verify(self, tell: Callable[[int], None] = lambda _count: None) -> None:
        """Read everything; `tell` is called with the number of bytes after each piece. Raises `Refused`."""
        for member, offset in self._placed():
            head = header(member.path, member.size)
            if self._at(offset - len(head), len(head)) != head:
                raise Refused(f"The archive's header of {member.path} is damaged, or somebody has changed it.")
            digest = hashlib.sha256()
            for piece in self.pieces(member):
                digest.update(piece)
                tell(len(piece))
            if digest.hexdigest() != member.sha256:
                raise Refused(f"{member.path} is damaged: its sha256 is {digest.hexdigest()}, not {member.sha256}.")
            filling = padding(member.size)
            if self._at(offset + member.size, len(filling)) != filling:
                raise Refused(f"There is something in the archive after {member.path} that does not belong there.")
        if self._at(self._size - len(END), len(END)) != END:
            raise Refused("The end mark of the archive is damaged.")

    def pieces(self, member: Member) -> Iterator[bytes]:
        offset, left = self._offsets[member.path], member.size
        while left:
            piece = self._at(offset, min(left, _PIECE))
            if not piece:
                raise Refused("The bundle has become shorter while it was read.")
            yield piece
            offset, left = offset + len(piece), left - len(piece)

    def window(self, member: Member) -> BinaryIO:
        """The member alone, as a seekable file."""
        return io.BufferedReader(_Window(self._source, self._offsets[member.path], member.size))

    def _at(self, offset: int, count: int) -> bytes:
        self._source.seek(offset)
        return self._source.read(count)

    def _read_manifest(self) -> bytes:
        block = self._at(0, BLOCK)
        field = block[_SIZE_FIELD]
        size = int(field, 8) if len(block) == BLOCK and field.isdigit() and not set(field) & set(b"89") else -1
        if size < 0 or block != header(MANIFEST, size):
            raise Refused("The file is not a bundle: it does not begin with a manifest.json as bundles do.")
        if size > MANIFEST_LIMIT:
            raise Refused(f"manifest.json has more than {MANIFEST_LIMIT >> 20} MiB, the most that is read.")
        return self._at(BLOCK, size)

    def _check_sums(self) -> None:
        """Beside the manifest stand its sums; where they differ, one of the two was changed."""
        expected = sums(self.bundle, self.manifest)
        _, (member, offset) = islice(self._placed(), 2)
        if self._at(offset, member.size) != expected:
            raise Refused("manifest.json is not what SHA256SUMS says of it: one of the two is damaged, or somebody has changed it.")

    def _check_length(self) -> None:
        expected = length(self.bundle, self.manifest)
        if self._size < expected:
            raise Refused(f"The bundle is cut off: it has {self._size} of {expected} bytes.")
        if self._size > expected:
            raise Refused(f"The bundle is followed by {self._size - expected} bytes that do not belong to it.")

    def _placed(self) -> Iterator[tuple[Member, int]]:
        """Every member and where its bytes begin."""
        end = 0
        for member in members(self.bundle, self.manifest):
            begin = end + len(header(member.path, member.size))
            yield member, begin
            end = begin + member.size + len(padding(member.size))


class _Window(io.RawIOBase):
    def __init__(self, source: BinaryIO, offset: int, size: int) -> None:
        self._source = source
        self._offset = offset
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise OSError("before the beginning of the file")
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: "memoryview | bytearray", /) -> int:  # type: ignore[override] # all that BufferedReader hands over
        self._source.seek(self._offset + self._position)
        piece = self._source.read(max(0, min(len(buffer), self._size - self._position)))
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)
