"""Writers of ZIP and tar archives in which every header can be made to lie; what is not changed is right."""

import base64
import gzip
import hashlib
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.distributions import core_metadata, wheel

DIST_INFO = "demo-1.0.dist-info"
WHEEL_NAME = "demo-1.0-py3-none-any.whl"
SDIST_NAME = "demo-1.0.tar.gz"
_SIZES = ("crc", "packed", "size")
_TEXTS = ("name", "extra", "comment")


@dataclass(frozen=True)
class ZipEntry:
    """One member. `local` and `central` replace fields of its two headers; `gap` stands before it, `descriptor` behind."""

    name: bytes
    data: bytes = b""
    method: int = zipfile.ZIP_DEFLATED
    flags: int = 0
    mode: int = 0o100644
    payload: bytes | None = None
    gap: bytes = b""
    descriptor: bytes = b""
    local: Mapping[str, Any] = field(default_factory=dict)
    central: Mapping[str, Any] = field(default_factory=dict)

    def packed(self) -> bytes:
        if self.payload is not None:
            return self.payload
        return deflated(self.data) if self.method == zipfile.ZIP_DEFLATED else self.data

    def fields(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "needed": 20,
            "flags": self.flags,
            "method": self.method,
            "crc": zlib.crc32(self.data),
            "packed": len(self.packed()),
            "size": len(self.data),
            "extra": b"",
            "comment": b"",
            "disk": 0,
        }


def deflated(data: bytes) -> bytes:
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return engine.compress(data) + engine.flush()


def zip_bytes(
    entries: Iterable[ZipEntry],
    *,
    before: bytes = b"",
    between: bytes = b"",
    after: bytes = b"",
    end: Mapping[str, Any] | None = None,
    zip64: Mapping[str, Any] | None = None,
) -> bytes:
    """The archive; `between` members and central directory; `end` replaces fields of the end record, `zip64` adds one."""
    body, central, count = before, b"", 0
    for entry in entries:
        body += entry.gap
        offset = len(body)
        body += _local(entry) + entry.packed() + entry.descriptor
        central += _central(entry, offset)
        count += 1
    body += between
    told = {"entries": count, "here": count, "size": len(central), "start": len(body), "disk": 0, "comment": b""}
    body += central
    if zip64 is not None:
        body += _zip64_end(len(body), told, zip64)
    return body + _end({**told, **(end or {})}) + after


def _local(entry: ZipEntry) -> bytes:
    told = {**entry.fields(), **entry.local}
    head = struct.pack("<4s5H", b"PK\3\4", told["needed"], told["flags"], told["method"], 0, 33)
    numbers = struct.pack("<3L2H", *(told[key] for key in _SIZES), len(told["name"]), len(told["extra"]))
    return b"".join([head, numbers, told["name"], told["extra"]])


def _central(entry: ZipEntry, offset: int) -> bytes:
    told = {**entry.fields(), "offset": offset, **entry.central}
    head = struct.pack("<4s6H", b"PK\1\2", 3 << 8 | 20, told["needed"], told["flags"], told["method"], 0, 33)
    numbers = struct.pack("<3L3H", *(told[key] for key in _SIZES), *(len(told[key]) for key in _TEXTS))
    place = struct.pack("<2H2L", told["disk"], 0, entry.mode << 16, told["offset"])
    return b"".join([head, numbers, place, *(told[key] for key in _TEXTS)])


def _end(told: Mapping[str, Any]) -> bytes:
    numbers = (told["disk"], 0, told["here"], told["entries"], told["size"], told["start"])
    comment: bytes = told["comment"]
    return struct.pack("<4s4H2LH", b"PK\5\6", *numbers, told.get("comment_size", len(comment))) + comment


def _zip64_end(position: int, told: Mapping[str, Any], changes: Mapping[str, Any]) -> bytes:
    told = {**told, "rest": 44, "data": b"", "offset": position, "disks": 1, **changes}
    numbers = (45, 45, 0, 0, told["entries"], told["entries"], told["size"], told["start"])
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", told["rest"], *numbers)
    return b"".join([record, told["data"], struct.pack("<4sLQL", b"PK\6\7", 0, told["offset"], told["disks"])])


def wheel_entries(extra: Mapping[str, str | bytes] | None = None) -> list[ZipEntry]:
    """The members of a right wheel of demo 1.0, with further files that RECORD lists as well."""
    _, data = wheel("demo", "1.0", {"demo.py": "answer = 42\n" * 20, **(extra or {})})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [ZipEntry(info.filename.encode(), archive.read(info)) for info in archive.infolist()]


def with_first(**changes: Any) -> list[ZipEntry]:
    """The members of a right wheel, the first of which (demo.py) is changed."""
    first, *others = wheel_entries()
    return [replace(first, **changes), *others]


def record_line(path: str, data: bytes, *, algorithm: str = "sha256", size: str | None = None) -> str:
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, data).digest()).rstrip(b"=").decode()
    return f"{path},{algorithm}={digest},{len(data) if size is None else size}\n"


def tar_entry(
    name: str | bytes,
    data: bytes = b"",
    *,
    kind: bytes = tarfile.REGTYPE,
    link: str = "",
    size: int | None = None,
    pax: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """Header, content and padding of one entry; `size` is what the header says; `pax` puts such a header before it."""
    info = tarfile.TarInfo(name if isinstance(name, str) else name.decode("utf-8", "surrogateescape"))
    info.type, info.linkname, info.size = kind, link, len(data) if size is None else size
    head = info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")
    before = tar_entry("PaxHeader", pax_records(pax), kind=tarfile.XHDTYPE) if pax else b""
    return before + head + data + bytes(-len(data) % 512)


def pax_records(records: Mapping[str, str | bytes]) -> bytes:
    out = b""
    for key, value in records.items():
        rest = b" " + key.encode() + b"=" + (value.encode() if isinstance(value, str) else value) + b"\n"
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length += 1
        out += str(length).encode() + rest
    return out


def sdist_entries(*extra: bytes) -> list[bytes]:
    """The entries of a right sdist of demo 1.0, then the given ones."""
    return [
        tar_entry("demo-1.0/PKG-INFO", core_metadata("demo", "1.0")),
        tar_entry("demo-1.0/pyproject.toml", b"[project]\n"),
        tar_entry("demo-1.0/demo.py", b"answer = 42\n"),
        *extra,
    ]


def tar_gz(entries: Sequence[bytes], *, tail: bytes = bytes(1024), after: bytes = b"") -> bytes:
    return gzip.compress(b"".join(entries) + tail, mtime=0) + after
