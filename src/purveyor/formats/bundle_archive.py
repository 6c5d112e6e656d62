"""A bundle as an uncompressed tar archive: what stands in it where, to the byte.

Every byte follows from the manifest and from the members it names by their digests. So whoever writes has no choice, and whoever reads
believes no header of the archive: it is compared with the one that has to be there, and where it differs, the bundle is refused.
"""

import hashlib
import struct
from collections.abc import Iterator
from urllib.parse import unquote

from purveyor.formats import simple_html, simple_json
from purveyor.formats.links import METADATA_SUFFIX, file_path
from purveyor.formats.project_list import write_list
from purveyor.model.bundles import Bundle, Member
from purveyor.model.projects import ProjectDetail

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
MANIFEST_LIMIT = 64 << 20
"""Bytes of the longest manifest that is read."""

BLOCK = 512
END = bytes(2 * BLOCK)
# POSIX "pax", ustar: name, mode, uid, gid, size, mtime, checksum, type, link name, magic, version, owner, group, device, prefix.
_USTAR = struct.Struct("100s8s8s8s12s12s8s1s100s6s2s32s32s8s8s155s12x")
_NAME, _PREFIX, _CHECKSUM = 100, 155, 148
_SIZE_END = 8 << 30
_REGULAR, _EXTENDED = b"0", b"x"


def header(path: str, size: int) -> bytes:
    """What stands before a regular file: one block, and before it a pax header where path or size do not fit into that."""
    folder, _, name = path.rpartition("/")
    records = {b"path": path.encode()} if len(name) > _NAME or len(folder) > _PREFIX else {}
    if size >= _SIZE_END:
        records[b"size"] = b"%d" % size
    content = b"".join(_record(key, value) for key, value in records.items())
    extension = _block(b"././@PaxHeader", b"", len(content), _EXTENDED) + content + padding(len(content)) if content else b""
    return extension + _block(name.encode()[:_NAME], folder.encode()[:_PREFIX], size if size < _SIZE_END else 0, _REGULAR)


def padding(size: int) -> bytes:
    """What stands after a file's bytes, up to the next block."""
    return bytes(-size % BLOCK)


def members(bundle: Bundle, manifest: bytes) -> Iterator[Member]:
    """Everything that the archive holds, in order."""
    sums_file = sums(bundle, manifest)
    yield _member(MANIFEST, manifest)
    yield _member(SUMS, sums_file)
    yield from contents(bundle)


def contents(bundle: Bundle) -> Iterator[Member]:
    """What comes after the manifest and the sums: pages, then each file with its core metadata."""
    yield from bundle.pages
    for file in bundle.files:
        path = unquote(file_path(file.sha256, file.filename))
        yield Member(path, file.size, file.sha256)
        if file.metadata_sha256 is not None:
            yield Member(path + METADATA_SUFFIX, bundle.metadata_sizes[file.filename], file.metadata_sha256)


def sums(bundle: Bundle, manifest: bytes) -> bytes:
    """What `sha256sum --check` reads, about everything but itself."""
    return "".join(f"{member.sha256}  {member.path}\n" for member in (_member(MANIFEST, manifest), *contents(bundle))).encode()


def length(bundle: Bundle, manifest: bytes) -> int:
    """The bytes of the whole archive."""
    return sum(len(header(it.path, it.size)) + it.size + len(padding(it.size)) for it in members(bundle, manifest)) + len(END)


def pages(projects: tuple[ProjectDetail, ...]) -> Iterator[tuple[str, bytes]]:
    """The pages of the Simple API with their paths: unpacked, a bundle is an index that any web server can offer."""
    names = [(project.name, project.display_name) for project in projects]
    yield "simple/index.html", b"".join(write_list(simple_html, names))
    yield "simple/index.json", b"".join(write_list(simple_json, names))
    for project in projects:
        yield f"simple/{project.name}/index.html", simple_html.write_detail(project)
        yield f"simple/{project.name}/index.json", simple_json.write_detail(project)


def page_paths(projects: tuple[ProjectDetail, ...]) -> list[str]:
    folders = ["simple", *(f"simple/{project.name}" for project in projects)]
    return [f"{folder}/index.{kind}" for folder in folders for kind in ("html", "json")]


def page_member(path: str, body: bytes) -> Member:
    return _member(path, body)


def _member(path: str, content: bytes) -> Member:
    return Member(path, len(content), hashlib.sha256(content).hexdigest())


def _record(key: bytes, value: bytes) -> bytes:
    """A pax record begins with its own length, the digits of that included."""
    rest = b" %s=%s\n" % (key, value)
    total = len(rest) + len(b"%d" % len(rest))
    total = len(rest) + len(b"%d" % total)
    return b"%d" % total + rest


def _block(name: bytes, folder: bytes, size: int, kind: bytes) -> bytes:
    zero = b"%07o\0" % 0
    stamp = b"%011o\0" % 0
    fields = (
        name,
        b"0000644\0",
        zero,
        zero,
        b"%011o\0" % size,
        stamp,
        b" " * 8,
        kind,
        b"",
        b"ustar\0",
        b"00",
        b"",
        b"",
        zero,
        zero,
        folder,
    )
    block = _USTAR.pack(*fields)
    return block[:_CHECKSUM] + b"%06o\0 " % sum(block) + block[_CHECKSUM + 8 :]
