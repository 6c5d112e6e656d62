"""Forged source distributions: each with the words by which its refusal names the fault."""

import gzip
import io
import tarfile
from collections.abc import Iterator

from tests.distributions import core_metadata, sdist, zip_of
from tests.unit.hostile import pax_records, sdist_entries, tar_entry, tar_gz, wheel_entries, zip_bytes

Case = tuple[str, bytes, str]
_PKG_INFO = core_metadata("demo", "1.0")


def gzip_frames() -> Iterator[Case]:
    good = tar_gz(sdist_entries())
    plain = gzip.decompress(good)
    yield "no gzip", b"this is no archive\n" * 40, "not a gzip stream"
    yield "empty file", b"", "cut off"
    yield "plain tar", plain, "not a gzip stream"
    yield "bzip2", b"BZh91AY&SY" + bytes(100), "not a gzip stream"
    yield "cut off", good[:-20], "cut off"
    yield "trailer cut off", good[:-5], "cut off"
    yield "wrong CRC", good[:-8] + b"\1\2\3\4" + good[-4:], "CRC is wrong"
    yield "wrong length", good[:-4] + b"\1\2\3\4", "CRC is wrong"
    yield "bytes behind", good + b"more", "gzip stream is followed"
    yield "bytes behind zeros", good + bytes(300_000) + b"more", "gzip stream is followed"
    yield "two gzip members", good + good, "gzip stream is followed"
    yield "zip behind", good + zip_of({"setup.py": b"x"}), "gzip and a ZIP archive at once"
    inside = zip_bytes(wheel_entries(), end={"comment": bytes(8)})[:-8]
    yield "zip inside, uncompressed", _stored(plain, inside), "gzip and a ZIP archive at once"
    yield "empty zip behind", good + b"PK\5\6" + bytes(18), "gzip and a ZIP archive at once"
    yield "wheel", zip_of({"demo-1.0/PKG-INFO": _PKG_INFO}), "gzip and a ZIP archive at once"


def _stored(plain: bytes, inside: bytes) -> bytes:
    """A gzip stream that stores its content as it is, so that a ZIP archive inside is found from the file's end."""
    return gzip.compress(plain[:-1024] + tar_entry("demo-1.0/a.zip", inside) + bytes(1024), compresslevel=0, mtime=0)


def tar_frames() -> Iterator[Case]:
    good = sdist_entries()
    yield "no tar", gzip.compress(b"this is no archive\n" * 40), "not a tar archive"
    yield "no entries", tar_gz([]), "exactly one directory"
    yield "nothing", gzip.compress(b""), "no end mark"
    yield "no end mark", tar_gz(good, tail=b""), "no end mark"
    yield "cut off inside a file", tar_gz(good, tail=tar_entry("demo-1.0/x", b"x" * 2000)[:1000]), "no end mark"
    yield "second tar behind", tar_gz(good, tail=bytes(1024) + b"".join(good)), "tar archive is followed"
    yield "one zero block, then another entry", tar_gz(good, tail=bytes(512) + good[0]), "tar archive is followed"
    yield "damaged header", tar_gz([*good, b"x" * 512, *good]), "one of its headers is damaged"
    wrong = bytearray(tar_entry("demo-1.0/x"))
    wrong[0] ^= 1
    yield "wrong header checksum", tar_gz([*good, bytes(wrong)]), "one of its headers is damaged"
    yield "extension of nothing", tar_gz([*good, tar_entry("x", pax_records({"path": "y"}), kind=b"x")]), "belongs to no"


def sizes() -> Iterator[Case]:
    inner = tar_entry("demo-1.0/evil.py", b"x")
    nested = tar_entry("demo-1.0/inner", inner, size=0, pax={"size": str(len(inner))})
    yield "pax size over tar size 0", tar_gz(sdist_entries(nested)), "two sizes"
    smuggled = tar_entry("demo-1.0/inner", inner, pax={"size": "0"})
    yield "pax size 0 over tar size", tar_gz(sdist_entries(smuggled)), "two sizes"
    yield "negative pax size", tar_gz(sdist_entries(tar_entry("demo-1.0/x", b"x", pax={"size": "-1"}))), "two sizes"
    yield "pax size that is none", tar_gz(sdist_entries(tar_entry("demo-1.0/x", b"x", pax={"size": "1e3"}))), "two sizes"
    yield "directory with content", tar_gz(sdist_entries(tar_entry("demo-1.0/d", b"x", kind=b"5"))), "has content"
    link = tar_entry("demo-1.0/l", b"x", kind=b"1", link="demo-1.0/demo.py")
    yield "link with content", tar_gz(sdist_entries(link)), "has content"
    yield "sparse member", tar_gz(sdist_entries(tar_entry("demo-1.0/x", kind=b"S"))), "sparse"
    for key, value in {"GNU.sparse.major": "1", "GNU.sparse.size": "5", "GNU.sparse.map": "0,1"}.items():
        yield f"sparse by {key}", tar_gz(sdist_entries(tar_entry("demo-1.0/x", pax={key: value}))), "sparse"
    negative = bytearray(tar_entry("demo-1.0/x"))
    negative[124:136] = b"\xff" * 12
    negative[148:156] = b" " * 8
    negative[148:156] = b"%06o\0 " % sum(negative[:512])
    yield "negative size", tar_gz(sdist_entries(bytes(negative))), "negative size"


def extensions() -> Iterator[Case]:
    def behind(*heads: bytes) -> bytes:
        return tar_gz(sdist_entries(*heads, tar_entry("demo-1.0/x", b"x")))

    path = tar_entry("x", pax_records({"path": "demo-1.0/y"}), kind=b"x")
    long_name = tar_entry("x", b"demo-1.0/z\0", kind=b"L")
    yield "two pax headers", behind(path, path), "two extension headers"
    yield "two long names", behind(long_name, long_name), "two extension headers"
    yield "pax and GNU name", behind(path, long_name), "two extension headers"
    yield "GNU and pax name", behind(long_name, path), "two extension headers"
    yield "pax header cut short", behind(tar_entry("x", b"30 path=demo-1.0/y\n", kind=b"x")), "damaged"
    yield "pax header without a length", behind(tar_entry("x", b"path=demo-1.0/y\n", kind=b"x")), "damaged"
    yield "pax header with length 0", behind(tar_entry("x", b"0 path=y\n", kind=b"x")), "damaged"
    yield "pax key twice", behind(tar_entry("x", pax_records({"path": "a"}) * 2, kind=b"x")), "damaged"
    yield "huge pax header", behind(tar_entry("x", bytes(2 << 20), kind=b"x")), "extension header"
    yield "global path", behind(tar_entry("x", pax_records({"path": "a"}), kind=b"g")), "global pax header"
    yield "global size", behind(tar_entry("x", pax_records({"size": "9"}), kind=b"g")), "global pax header"
    yield "pax path out of the archive", tar_gz(sdist_entries(tar_entry("demo-1.0/x", pax={"path": "../x"}))), "'..'"
    yield "long name out of the archive", behind(tar_entry("x", b"/etc/passwd\0", kind=b"L")), "absolute"
    yield (
        "pax link out",
        tar_gz(sdist_entries(tar_entry("demo-1.0/l", kind=b"2", link="x", pax={"linkpath": "/etc/passwd"}))),
        "link out of the archive",
    )


def members() -> Iterator[Case]:
    paths = {
        "../evil": "'..'",
        "/etc/passwd": "absolute",
        "demo-1.0/../../evil": "'..'",
        "demo-1.0/a\\..\\b": "backslash",
        "demo-1.0/a\nb": "control character",
        "demo-1.0//x": "empty or '.'",
        "C:x": "drive letter",
        "other/x": "exactly one directory",
        "x": "exactly one directory",
    }
    for path, words in paths.items():
        yield f"path {path!r}", tar_gz(sdist_entries(tar_entry(path, b"x"))), words
    yield "path not UTF-8", tar_gz(sdist_entries(tar_entry(b"demo-1.0/\xe9", b"x"))), "not UTF-8"
    kinds = {"character device": b"3", "block device": b"4", "FIFO": b"6", "volume label": b"V", "unknown": b"Z"}
    for title, kind in kinds.items():
        yield title, tar_gz(sdist_entries(tar_entry("demo-1.0/x", kind=kind))), "device"
    links = {
        "absolute": "/etc/passwd",
        "parent": "../../etc/passwd",
        "beside the top directory": "../other",
        "down and up": "d/../../../x",
        "through another link": "d/..",
        "empty": "",
    }
    for title, link in links.items():
        yield f"symbolic link, {title}", tar_gz(sdist_entries(tar_entry("demo-1.0/l", kind=b"2", link=link))), "link out"
    yield (
        "file below a symbolic link",
        tar_gz(sdist_entries(tar_entry("demo-1.0/l", kind=b"2", link="d"), tar_entry("demo-1.0/l/x", b"x"))),
        "through a symbolic link",
    )
    yield (
        "file below a symbolic link, in another case",
        tar_gz(sdist_entries(tar_entry("demo-1.0/L", kind=b"2", link="d"), tar_entry("demo-1.0/l/x", b"x"))),
        "through a symbolic link",
    )
    for link in ("/etc/passwd", "../x", "demo-1.0/nowhere", "demo.py"):
        hard = tar_entry("demo-1.0/h", kind=b"1", link=link)
        yield f"hard link to {link!r}", tar_gz(sdist_entries(hard)), "link"
    hard = tar_entry("demo-1.0/h", kind=b"1", link="demo-1.0/l")
    soft = tar_entry("demo-1.0/l", kind=b"2", link="demo.py")
    yield "hard link to a symbolic link", tar_gz(sdist_entries(soft, hard)), "no earlier file"


def pkg_info() -> Iterator[Case]:
    others = sdist_entries()[1:]
    yield "none", tar_gz(others), "exactly one PKG-INFO"
    yield "two", tar_gz(sdist_entries(sdist_entries()[0])), "exactly one PKG-INFO"
    yield "too deep", tar_gz([*others, tar_entry("demo-1.0/demo.egg-info/PKG-INFO", _PKG_INFO)]), "exactly one PKG-INFO"
    yield "link", tar_gz([*others, tar_entry("demo-1.0/PKG-INFO", kind=b"2", link="demo.py")]), "not a regular file"
    yield "directory", tar_gz([*others, tar_entry("demo-1.0/PKG-INFO", kind=b"5")]), "not a regular file"
    yield "huge", tar_gz([*others, tar_entry("demo-1.0/PKG-INFO", bytes(11 << 20))]), "at most 10485760"
    yield "another project's directory", sdist("other", "1.0")[1], "top directory is 'other-1.0'"
    yield "another version's directory", sdist("demo", "2.0")[1], "top directory is 'demo-2.0'"
    yield "no version in the directory", tar_gz([tar_entry("demo/PKG-INFO", _PKG_INFO)]), "top directory is 'demo'"
    licence = core_metadata("demo", "1.0", ["License-File: LICENSE"])
    yield "licence file missing", sdist("demo", "1.0", metadata=licence)[1], "licence file 'LICENSE'"


def bombs() -> Iterator[Case]:
    yield "ratio", tar_gz(sdist_entries(tar_entry("demo-1.0/x", bytes(70 << 20)))), "100 times its size"
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=1) as packed:
        packed.write(b"".join(sdist_entries()))
        for _ in range(80):
            packed.write(bytes(1 << 20))
    yield "zeros after the end", out.getvalue(), "100 times its size"
    many = [tar_entry(f"demo-1.0/{number}") for number in range(1001)]
    yield "entries", tar_gz(sdist_entries(*many)), "more than 1000 entries"
    flood = [tar_entry("g", kind=tarfile.XGLTYPE)] * 1001
    yield "extension headers", tar_gz(sdist_entries(*flood)), "more than 1000 entries"


HOSTILE = {
    f"{kind.__name__}: {title}": (data, words)
    for kind in (gzip_frames, tar_frames, sizes, extensions, members, pkg_info, bombs)
    for title, data, words in kind()
}
