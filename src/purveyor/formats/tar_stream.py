"""A gzipped tar archive as a stream, read so strictly that every unpacker finds the same entries (pax, ustar, GNU).

The standard library's reader ends silently at a damaged header and hides what two headers of one entry say differently;
here either is a fault. It still decodes the single header blocks.
"""

import re
import tarfile
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from isal import isal_zlib

from purveyor.errors import Refused
from purveyor.formats.inspection import Inspection, shown

_BLOCK = 512
_PIECE = 256 << 10
_GZIP = 31
_EXTENSION_LIMIT = 1 << 20
# ustar's size field holds 11 octal digits; a larger entry says its size in the pax header only.
_USTAR_SIZE_END = 8 << 30
_NUMBER = re.compile(rb"[0-9]{1,19}\Z")
_PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_GNU_NAMES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_EXTENSIONS = (*_PAX, *_GNU_NAMES, tarfile.XGLTYPE)


class Entry(NamedTuple):
    """One entry after its extension headers are applied; `kind` is the ustar type flag."""

    name: str
    kind: bytes
    size: int
    link: str


class GunzippedStream:
    """The bytes of a file that is one gzip member and nothing else, strictly forward."""

    def __init__(self, source: BinaryIO, inspection: Inspection) -> None:
        self._source = source
        self._inspection = inspection
        self._engine = isal_zlib.decompressobj(_GZIP)
        self._buffer = memoryview(b"")
        self._unpacked = 0
        source.seek(0)

    @property
    def position(self) -> int:
        """How many unpacked bytes have been read."""
        return self._unpacked - len(self._buffer)

    def read(self, count: int) -> bytes:
        """That many bytes, or fewer where the stream ends."""
        return b"".join(self._pieces(count))

    def skip(self, count: int) -> None:
        for _ in self._pieces(count):
            pass

    def rest(self) -> Iterator[memoryview]:
        """Everything to the end, in pieces; then the file is checked to end there as well."""
        while self._buffer or self._fill():
            piece, self._buffer = self._buffer, memoryview(b"")
            yield piece
        self._check_end()

    def _pieces(self, count: int) -> Iterator[memoryview]:
        while count and (self._buffer or self._fill()):
            piece, self._buffer = self._buffer[:count], self._buffer[count:]
            count -= len(piece)
            yield piece

    def _fill(self) -> bool:
        """Unpack the next piece; False at the end. The trailer's CRC and length are checked by the decompressor."""
        piece = b""
        try:
            while not piece and not self._engine.eof:
                packed = self._engine.unconsumed_tail or self._source.read(_PIECE)
                piece = self._engine.decompress(packed, _PIECE)
                if not packed and not piece and not self._engine.eof:
                    raise Refused("The gzip stream is cut off.")
        except isal_zlib.error:  # type: ignore[misc] # the stub calls it an instance
            raise Refused("The file is not a gzip stream, or it is damaged: it cannot be inflated, or its CRC is wrong.") from None
        self._unpacked += len(piece)
        self._inspection.check_size(self._unpacked)
        self._buffer = memoryview(piece)
        return bool(piece)

    def _check_end(self) -> None:
        after = self._engine.unused_data or self._source.read(_PIECE)
        while after:
            if after.strip(b"\0"):
                raise Refused("The gzip stream is followed by other bytes, such as a second archive.")
            after = self._source.read(_PIECE)


def read_entries(stream: GunzippedStream, inspection: Inspection) -> Iterator[Entry]:
    """Every entry in order. While one is at hand, its content may be read from the stream; the rest is skipped."""
    count = 0
    extensions: dict[bytes, bytes] = {}
    while (info := _read_header(stream)) is not None:
        count += 1
        inspection.check_entries(count)
        if info.type in _EXTENSIONS:
            _keep_extension(info, stream, extensions)
            continue
        entry = _apply(info, extensions)
        extensions = {}
        end = stream.position + _padded(entry.size)
        yield entry
        stream.skip(end - stream.position)
    if extensions:
        raise Refused("The tar archive ends with an extension header that belongs to no entry.")
    if any(bytes(piece).strip(b"\0") for piece in stream.rest()):
        raise Refused("The tar archive is followed by other bytes, such as a second archive.")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _read_header(stream: GunzippedStream) -> tarfile.TarInfo | None:
    block = stream.read(_BLOCK)
    if len(block) < _BLOCK:
        raise Refused("The tar archive is cut off: it has no end mark.")
    if not block.strip(b"\0"):
        return None
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        raise Refused("The file is not a tar archive, or one of its headers is damaged.") from None
    if info.size < 0:
        raise Refused(f"The entry {shown(info.name)} has a negative size.")
    return info


def _keep_extension(info: tarfile.TarInfo, stream: GunzippedStream, extensions: dict[bytes, bytes]) -> None:
    """Pax and GNU headers speak of the next entry. Unpackers disagree on which of two kinds wins: one is accepted."""
    if info.size > _EXTENSION_LIMIT:
        raise Refused(f"An extension header of the tar archive has more than {_EXTENSION_LIMIT} bytes.")
    data = stream.read(_padded(info.size))
    if len(data) < _padded(info.size):
        raise Refused("The tar archive is cut off in an extension header.")
    data = data[: info.size]
    if info.type == tarfile.XGLTYPE:
        _check_global(_pax_records(data))
        return
    pax_and_gnu = (info.type in _PAX) != all(kind in _PAX for kind in extensions) and extensions
    if info.type in extensions or pax_and_gnu:
        raise Refused("An entry of the tar archive has two extension headers that say the same thing.")
    extensions[info.type] = data


def _pax_records(data: bytes) -> dict[bytes, bytes]:
    """The records of a pax header, each "LENGTH KEY=VALUE" and a newline."""
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(data):
        length, space, _ = data[position : position + 20].partition(b" ")
        end = position + int(length) if space and _NUMBER.match(length) else 0
        key, equals, value = data[position + len(length) + 1 : end].partition(b"=")
        if not key or not equals or not value.endswith(b"\n") or end > len(data) or key in records:
            raise Refused("A pax header of the tar archive is damaged, or says something twice.")
        records[key] = value[:-1]
        position = end
    return records


def _check_global(records: dict[bytes, bytes]) -> None:
    """Git writes its commit into one; values for one entry have no place there."""
    if records.keys() & {b"path", b"linkpath", b"size"} or any(key.startswith(b"GNU.sparse") for key in records):
        raise Refused("The tar archive has a global pax header that names a path, a link or a size for all entries.")


def _apply(info: tarfile.TarInfo, extensions: dict[bytes, bytes]) -> Entry:
    records: dict[bytes, bytes] = {}
    for kind in _PAX:
        records.update(_pax_records(extensions.get(kind, b"")))
    long_name, long_link = (extensions.get(kind, b"").removesuffix(b"\0") for kind in _GNU_NAMES)
    name = _text(records.get(b"path") or long_name) or info.name
    link = _text(records.get(b"linkpath") or long_link) or info.linkname
    if info.type == tarfile.GNUTYPE_SPARSE or any(key.startswith(b"GNU.sparse") for key in records):
        raise Refused(f"The entry {shown(name)} is sparse: unpackers disagree on where it ends.")
    return Entry(name, info.type, _size(name, info.size, records.get(b"size")), link)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _size(name: str, told: int, pax: bytes | None) -> int:
    """The entry's size; where two headers give two, a smuggled archive appears to those that believe the other one."""
    if pax is None:
        return told
    size = int(pax) if _NUMBER.match(pax) else -1
    if size != told and (told != 0 or size < _USTAR_SIZE_END):
        raise Refused(f"The entry {shown(name)} has two sizes, one in its pax header and one in its tar header.")
    return size
