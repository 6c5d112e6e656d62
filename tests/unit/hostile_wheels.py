"""Forged wheels: each with the words by which its refusal names the fault."""

import io
import os
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import replace

from tests.distributions import core_metadata, wheel, zip_of
from tests.unit.hostile import DIST_INFO, ZipEntry, deflated, record_line, wheel_entries, with_first, zip_bytes

Case = tuple[str, bytes, str]


def files_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def wide(*numbers: int) -> bytes:
    return struct.pack(f"<2H{len(numbers)}Q", 1, 8 * len(numbers), *numbers)


def confusing_ends() -> Iterator[Case]:
    good = wheel_entries()
    whole = zip_bytes(good)
    yield "no zip at all", b"this is no archive\n" * 40, "not a ZIP archive"
    yield "empty file", b"", "not a ZIP archive"
    yield "cut off", whole[:-30], "not a ZIP archive"
    yield "archive comment", zip_bytes(good, end={"comment": b"hello"}), "comment or other bytes"
    yield "comment that is not there", zip_bytes(good, end={"comment_size": 9}), "cut off"
    yield "bytes after the end", zip_bytes(good, after=b"\n"), "comment or other bytes"
    yield "second archive behind", whole + whole, "central directory does not end"
    yield "second end record", zip_bytes(good, after=whole[-22:]), "central directory does not end"
    yield "bytes in front", zip_bytes(good, before=b"#!/bin/sh\n"), "before its first member"
    yield "bytes in front, offsets unaware", b"#!/bin/sh\n" + whole, "central directory does not end"
    yield "bytes before the directory", zip_bytes(good, between=b"hidden"), "belong to neither"
    yield "unlisted member", zip_bytes(good, between=zip_bytes([ZipEntry(b"evil.py", b"x")])[:-73]), "belong to neither"
    yield "fewer entries than told", zip_bytes(good, end={"entries": 9, "here": 9}), "fewer entries"
    yield "more entries than told", zip_bytes(good, end={"entries": 2, "here": 2}), "more entries"
    yield "entry counts differ", zip_bytes(good, end={"here": 1}), "multi-disk"
    yield "several disks", zip_bytes(good, end={"disk": 1}), "multi-disk"
    yield "no members", zip_bytes([]), "exactly one .dist-info"


def confusing_zip64() -> Iterator[Case]:
    good = wheel_entries()
    full = {"entries": 0xFFFF, "here": 0xFFFF, "size": 0xFFFFFFFF, "start": 0xFFFFFFFF}
    yield "extensible data", zip_bytes(good, end=full, zip64={"rest": 52, "data": bytes(8)}), "extensible data"
    yield "extensible data untold", zip_bytes(good, end=full, zip64={"data": bytes(8)}), "locator"
    yield "locator elsewhere", zip_bytes(good, end=full, zip64={"offset": 0}), "locator"
    yield "two disks", zip_bytes(good, end=full, zip64={"disks": 2}), "several disks"
    yield "end records disagree", zip_bytes(good, zip64={"entries": 1}), "contradict"
    yield "other directory", zip_bytes(good, zip64={"start": 0}), "contradict"
    yield "field contradicts", zip_bytes(with_first(central={"extra": wide(1, 2)})), "contradicts its header"
    yield "field too short", zip_bytes(with_first(local={"size": 0xFFFFFFFF, "extra": b"\1\0\4\0abcd"})), "ZIP64 field"
    yield "field missing", zip_bytes(with_first(central={"size": 0xFFFFFFFF})), "ZIP64 field"
    yield "two fields", zip_bytes(with_first(central={"extra": wide(240) + wide(7)})), "second name, or two ZIP64"
    yield "damaged extra field", zip_bytes(with_first(central={"extra": b"\1\0\x40\0ab"})), "damaged extra field"
    path = struct.pack("<2HBL", 0x7075, 12, 1, 0) + b"evil.py"
    yield "second name in the extra field", zip_bytes(with_first(central={"extra": path})), "second name"


def contradicting_headers() -> Iterator[Case]:
    yield "other local name", zip_bytes(with_first(local={"name": b"evil.py"})), "contradicts the central directory"
    yield "other local size", zip_bytes(with_first(local={"size": 7})), "contradicts the central directory"
    yield "other local checksum", zip_bytes(with_first(local={"crc": 7})), "contradicts the central directory"
    yield "other local method", zip_bytes(with_first(local={"method": 0})), "contradicts the central directory"
    yield "other local flags", zip_bytes(with_first(local={"flags": 1 << 11})), "contradicts the central directory"
    yield "other local packed size", zip_bytes(with_first(local={"packed": 3})), "contradicts the central directory"
    yield "no local header", zip_bytes(wheel_entries()).replace(b"PK\3\4", b"PK\3\5", 1), "no local header"
    yield (
        "gap between members",
        zip_bytes([*wheel_entries(), ZipEntry(b"x.py", b"", gap=b"gap")]),
        "belong to no member",
    )
    first, *others = wheel_entries()
    yield "overlap", zip_bytes([first, *others, replace(first, central={"offset": 0})]), "overlaps another"
    yield "data descriptor", zip_bytes(with_first(flags=8, descriptor=bytes(16))), "data descriptor"
    yield "encrypted", zip_bytes(with_first(flags=1)), "encrypted"
    yield "strongly encrypted", zip_bytes(with_first(flags=0x2041)), "encrypted"
    yield "masked header", zip_bytes(with_first(flags=1 << 13)), "features of ZIP"
    yield "bzip2", zip_bytes(with_first(method=12)), "neither stored nor deflated"
    yield "AES", zip_bytes(with_first(method=99)), "neither stored nor deflated"
    yield "stored with two sizes", zip_bytes(with_first(method=0, payload=b"x" * 9)), "two different sizes"
    yield "member comment", zip_bytes(with_first(central={"comment": b"PK\5\6"})), "has a comment"
    yield "newer ZIP version", zip_bytes(with_first(central={"needed": 243})), "newer version of ZIP"
    yield "member on another disk", zip_bytes(with_first(central={"disk": 3})), "another disk"


def damaged_members() -> Iterator[Case]:
    data = wheel_entries()[0].data
    packed = deflated(data)
    for side in ("size", "crc"):
        lie = {side: 7}
        yield f"wrong {side} in both headers", zip_bytes(with_first(local=lie, central=lie)), "demo.py"
    yield "not deflated", zip_bytes(with_first(payload=b"\xff" * 40)), "cannot be inflated"
    yield "stream cut off", zip_bytes(with_first(payload=packed[:-3])), "demo.py"
    yield "bytes after the stream", zip_bytes(with_first(payload=packed + b"more")), "ends before or after"
    yield "two streams", zip_bytes(with_first(payload=packed + packed)), "ends before or after"
    lie = {"size": 10}
    payload = deflated(bytes(50 << 20))
    yield "unpacks to more than told", zip_bytes(with_first(payload=payload, local=lie, central=lie)), "more or fewer"


def bad_paths() -> Iterator[Case]:
    paths = {
        "absolute": ("/etc/passwd", "absolute"),
        "parent": ("../evil.py", "'..'"),
        "parent inside": ("demo/../../evil.py", "'..'"),
        "backslash": ("demo\\evil.py", "backslash"),
        "NUL": ("demo.py\0.txt", "control character"),
        "newline": ("demo\n.py", "control character"),
        "escape": ("\x1b[2Jdemo.py", "control character"),
        "right-to-left": ("demo\u202eyp.exe", "control character"),
        "drive": ("C:evil.py", "drive letter"),
        "empty component": ("demo//evil.py", "empty or '.'"),
        "dot component": ("demo/./evil.py", "empty or '.'"),
        "long component": ("d" * 256, "more than 255 bytes"),
        "long path": ("d/" * 600 + "x", "more than 1024"),
        "second metadata directory by .data": (
            "demo-1.0.data/purelib/evil-1.0.dist-info/METADATA",
            "would be installed",
        ),
        "own metadata by .data": (f"demo-1.0.data/platlib/{DIST_INFO}/METADATA", "would be installed"),
        "file as a directory": ("demo.py/x.py", "other members lie below"),
    }
    for title, (path, words) in paths.items():
        utf8 = 0 if path.isascii() else 1 << 11
        yield title, zip_bytes([*wheel_entries(), ZipEntry(path.encode(), b"x", flags=utf8)]), words
    good = wheel_entries()
    yield "not UTF-8", zip_bytes([*good, ZipEntry(b"d\xe9mo.py", flags=1 << 11)]), "not UTF-8"
    yield "not marked as UTF-8", zip_bytes([*good, ZipEntry("démo.py".encode())]), "not marked as UTF-8"
    yield "empty name", zip_bytes([*good, ZipEntry(b"")]), "empty or absolute"
    yield "same name twice", zip_bytes([*good, good[0]]), "two members"
    yield "symbolic link", zip_bytes(with_first(mode=0o120777)), "symbolic link"
    yield "device", zip_bytes(with_first(mode=0o020666)), "special file"
    yield "FIFO", zip_bytes(with_first(mode=0o010666)), "special file"
    yield "directory mode without a slash", zip_bytes(with_first(mode=0o040755)), "file and a directory"
    yield "directory with content", zip_bytes([*good, ZipEntry(b"demo/", b"content")]), "file and a directory"


def bad_metadata() -> Iterator[Case]:
    good = files_of(wheel("demo", "1.0")[1])

    def without(*names: str) -> bytes:
        return zip_of({path: data for path, data in good.items() if path.rpartition("/")[2] not in names})

    def with_(**about: str | bytes) -> bytes:
        return wheel("demo", "1.0", dist_info={name.replace("__", "."): text for name, text in about.items()})[1]

    yield "no METADATA", without("METADATA"), "no demo-1.0.dist-info/METADATA"
    yield "no WHEEL", without("WHEEL"), "no demo-1.0.dist-info/WHEEL"
    yield "no RECORD", without("RECORD"), "no demo-1.0.dist-info/RECORD"
    yield "no .dist-info", zip_of({"demo.py": b""}), "exactly one .dist-info"
    yield "two .dist-info", wheel("demo", "1.0", {"other-1.0.dist-info/METADATA": b""})[1], "exactly one .dist-info"
    yield "a .DIST-INFO too", wheel("demo", "1.0", {"other-1.0.DIST-INFO/METADATA": b""})[1], "exactly one .dist-info"
    yield ".DIST-INFO only", zip_of({"demo-1.0.DIST-INFO/METADATA": b""}), "'demo-1.0.DIST-INFO'"
    yield "METADATA in two cases", with_(metadata="Name: evil"), "differ in case only"
    data = "is none that installers know"
    yield "another project's .data", wheel("demo", "1.0", {"other-1.0.data/scripts/x": b""})[1], data
    yield "unknown kind of .data", wheel("demo", "1.0", {"demo-1.0.data/etc/x": b""})[1], data
    yield "another project", wheel("other", "1.0")[1], "'other-1.0.dist-info'"
    yield "another version", wheel("demo", "2.0")[1], "'demo-2.0.dist-info'"
    yield "no version in .dist-info", zip_of({"demo.dist-info/METADATA": b""}), "'demo.dist-info'"
    yield "Kelvin sign", zip_of({"\u212aelvin-1.0.dist-info/METADATA": b""}), "metadata directory"
    yield "next major wheel version", with_(WHEEL="Wheel-Version: 2.0\n"), "Wheel-Version of 1"
    yield "no wheel version", with_(WHEEL="Generator: x\n"), "Wheel-Version of 1"
    yield "empty WHEEL", with_(WHEEL=""), "Wheel-Version of 1"
    yield "two wheel versions", with_(WHEEL="Wheel-Version: 1.0\nWheel-Version: 2.0\n"), "Wheel-Version of 1"
    yield "huge METADATA", with_(METADATA=os.urandom(64) * (165 << 10)), "METADATA has more than"
    yield "huge entry points", with_(entry_points__txt=os.urandom(64) * (17 << 10)), "entry_points.txt has more than"
    scripts = "[console_scripts]\n{} = demo:main\n"
    yield "command in another directory", with_(entry_points__txt=scripts.format("../evil")), "plain file name"
    yield "absolute command", with_(entry_points__txt=scripts.format("/bin/sh")), "plain file name"
    yield "command with a backslash", with_(entry_points__txt=scripts.format("..\\evil")), "plain file name"
    yield "dots as a command", with_(entry_points__txt="[gui_scripts]\n.. = demo:main\n"), "plain file name"
    yield "entry points unreadable", with_(entry_points__txt="no section\n"), "not an INI file"
    yield "entry points not UTF-8", with_(entry_points__txt=b"[a]\nb=\xff\n"), "not an INI file"
    licence = core_metadata("demo", "1.0", ["License-File: LICENSE"])
    yield "licence file missing", with_(METADATA=licence), "licence file 'LICENSE'"


def wrong_records() -> Iterator[Case]:
    good = files_of(wheel("demo", "1.0")[1])
    true = good.pop(f"{DIST_INFO}/RECORD").decode()
    module = good["demo.py"]
    right = record_line("demo.py", module)

    def instead(line: str) -> bytes:
        return wheel("demo", "1.0", record=true.replace(right, line).encode())[1]

    yield "file not listed", instead(""), "does not list 'demo.py'"
    yield (
        "file listed that is not there",
        instead(right + record_line("evil.py", b"x")),
        "lists 'evil.py', which is not",
    )
    yield "listed twice", instead(right + right), "more than once"
    yield "wrong hash", instead(record_line("demo.py", b"other", size=str(len(module)))), "another hash or size"
    yield "wrong size", instead(record_line("demo.py", module, size="7")), "another hash or size"
    yield "no hash", instead(f"demo.py,,{len(module)}\n"), "no hash"
    yield "hash by md5", instead(record_line("demo.py", module, algorithm="md5")), "no hash"
    yield "hash by sha1", instead(record_line("demo.py", module, algorithm="sha1")), "no hash"
    yield "unknown hash", instead("demo.py,crc32=abcd,3\n"), "no hash"
    yield "size that is none", instead(record_line("demo.py", module, size="many")), "no valid size"
    yield "one column", instead("demo.py\n"), "no hash"
    yield "four columns", instead(right.replace("\n", ",more\n")), "no hash"
    yield "RECORD with a hash of its own", instead(right + record_line(f"{DIST_INFO}/RECORD", b"")), "more than once"
    yield "empty", wheel("demo", "1.0", record=b"")[1], "does not list"
    yield "flood of lines", wheel("demo", "1.0", record=b"\n" * 2000)[1], "more than 1000 entries"
    yield "not UTF-8", wheel("demo", "1.0", record=b"d\xe9mo.py,,\n")[1], "not a CSV file"
    yield "field without an end", wheel("demo", "1.0", record=b'"' + b"x" * 200_000)[1], "RECORD"


def bombs() -> Iterator[Case]:
    huge = 2 << 30
    lie = {"size": huge}
    yield "unpacked size", zip_bytes(with_first(local=lie, central=lie)), "unpacks to more than"
    zeros = ZipEntry(b"zeros.bin", bytes(70 << 20))
    yield "ratio", zip_bytes([*wheel_entries(), zeros]), "100 times its size"
    yield "entries", zip_bytes([ZipEntry(b"%d" % number) for number in range(1001)]), "more than 1000 entries"
    first, *others = wheel_entries()
    shared = [replace(first, name=b"%d" % n, payload=b"", local={}, central={"offset": 0}) for n in range(5)]
    yield "one body for many entries", zip_bytes([first, *others, *shared]), "overlaps"
    yield "a tar archive too", _zip_and_tar(), "ZIP and a tar archive at once"


def _zip_and_tar() -> bytes:
    """A wheel whose first member's name makes its first block a tar header."""
    name = bytearray(482)
    name[127:227] = b"x" * 100
    for _ in range(2):
        data = zip_bytes([ZipEntry(bytes(name), b"", method=0), *wheel_entries()])
        head = bytearray(data[:512])
        head[148:156] = b" " * 8
        name[118:126] = b"%06o\0 " % sum(head)
    return zip_bytes([ZipEntry(bytes(name), b"", method=0), *wheel_entries()])


HOSTILE = {
    f"{kind.__name__}: {title}": (data, words)
    for kind in (
        confusing_ends,
        confusing_zip64,
        contradicting_headers,
        damaged_members,
        bad_paths,
        bad_metadata,
        wrong_records,
        bombs,
    )
    for title, data, words in kind()
}
