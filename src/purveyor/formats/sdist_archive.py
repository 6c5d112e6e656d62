"""Source distributions: one top directory, one PKG-INFO, nothing that unpacks elsewhere (PyPUG; PEP 721)."""

import tarfile
from typing import BinaryIO, NamedTuple

from purveyor.errors import Refused
from purveyor.formats.inspection import Inspection, shown
from purveyor.formats.member_paths import names_release, path_fault
from purveyor.formats.tar_stream import Entry, GunzippedStream, read_entries
from purveyor.model.files import ParsedFilename

PKG_INFO_LIMIT = 10 << 20
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_LINKS = (tarfile.SYMTYPE, tarfile.LNKTYPE)
_ZIP_END = b"PK\5\6"
_ZIP_END_SIZE = 22
_ZIP_TAIL = 0xFFFF + _ZIP_END_SIZE


class Sdist(NamedTuple):
    """PKG-INFO byte for byte, the top directory, and the path of every file."""

    metadata: bytes
    folder: str
    paths: frozenset[str]


def read_sdist(source: BinaryIO, parsed: ParsedFilename, inspection: Inspection) -> Sdist:
    """Check the whole archive; complaints go to `inspection`, `Refused` is raised where nothing more can be said."""
    _refuse_a_zip(source, inspection.packed)
    stream = GunzippedStream(source, inspection)
    tree = _Tree(inspection)
    pkg_info: list[bytes] = []
    for entry in read_entries(stream, inspection):
        path = tree.add(entry)
        if path is not None and path.count("/") == 1 and path.endswith("/PKG-INFO"):
            pkg_info.append(_read_pkg_info(entry, stream, inspection))
    tree.check_links()
    folder = _top_folder(tree, parsed, inspection)
    if len(pkg_info) != 1:
        inspection.complain(f"An sdist has exactly one PKG-INFO in its top directory; this one has {len(pkg_info)}.")
    return Sdist(pkg_info[0] if pkg_info else b"", folder, frozenset(tree.files))


def _read_pkg_info(entry: Entry, stream: GunzippedStream, inspection: Inspection) -> bytes:
    if entry.kind not in _REGULAR or entry.size > PKG_INFO_LIMIT:
        inspection.complain(f"PKG-INFO is not a regular file of at most {PKG_INFO_LIMIT} bytes.")
        return b""
    return stream.read(entry.size)


class _Tree:
    """What unpacking would put on a disk."""

    def __init__(self, inspection: Inspection) -> None:
        self.files: set[str] = set()
        self.tops: set[str] = set()
        self._symlinks: set[str] = set()
        self._paths: list[str] = []
        self._inspection = inspection

    def add(self, entry: Entry) -> str | None:
        """The entry's path without a leading "./" and a final slash; None for one that has no place in the tree."""
        path = entry.name.removeprefix("./").removesuffix("/")
        if path in ("", ".") and entry.kind == tarfile.DIRTYPE:
            return None
        if fault := path_fault(path) or _kind_fault(entry):
            self._inspection.complain(f"The entry {shown(entry.name)} {fault}.")
            return None
        self.tops.add(path.partition("/")[0])
        self._paths.append(path)
        if entry.kind in _LINKS:
            self._add_link(path, entry)
        elif entry.kind in _REGULAR:
            self.files.add(path)
        return path

    def _add_link(self, path: str, entry: Entry) -> None:
        target = entry.link.removeprefix("./") if entry.kind == tarfile.LNKTYPE else _resolve(path, entry.link)
        if target is None or path_fault(target):
            self._inspection.complain(f"The entry {shown(path)} is a link out of the archive, to {shown(entry.link)}.")
        elif entry.kind == tarfile.SYMTYPE:
            self._symlinks.add(path)
        elif target not in self.files:
            self._inspection.complain(f"The entry {shown(path)} is a hard link to {shown(entry.link)}, which no earlier file is.")
        else:
            self.files.add(path)

    def check_links(self) -> None:
        """No entry may lie below a symbolic link: then each link leads where its text says, whatever it passes through.

        Compared without case, as the file systems of macOS and Windows do.
        """
        links = {path.casefold() for path in self._symlinks}
        for path in self._paths if links else ():
            parts = path.casefold().split("/")
            if any("/".join(parts[:depth]) in links for depth in range(1, len(parts))):
                self._inspection.complain(f"The entry {shown(path)} would be unpacked through a symbolic link.")


def _kind_fault(entry: Entry) -> str | None:
    if entry.kind not in (*_REGULAR, *_LINKS, tarfile.DIRTYPE):
        return "is a device, a FIFO or of a kind that no sdist needs"
    if entry.size and entry.kind not in _REGULAR:
        return "is a directory or a link, but has content"
    return None


def _resolve(path: str, link: str) -> str | None:
    """Where a symbolic link leads from the archive's top, or None. '..' may only begin it (see `check_links`)."""
    base = path.split("/")[:-1]
    steps = [step for step in link.split("/") if step != "."]
    while steps and steps[0] == ".." and base:
        base.pop()
        steps.pop(0)
    resolved = "/".join([*base, *steps])
    return resolved if base and link and not link.startswith("/") else None


def _top_folder(tree: _Tree, parsed: ParsedFilename, inspection: Inspection) -> str:
    if len(tree.tops) != 1:
        found = ", ".join(map(shown, sorted(tree.tops)[:5])) or "none"
        inspection.complain(f"An sdist has exactly one directory at its top; this one has {len(tree.tops)} entries there ({found}).")
        return ""
    folder = next(iter(tree.tops))
    if not names_release(folder, parsed):
        inspection.complain(
            f"The sdist's top directory is {shown(folder)}, but its filename says"
            f" project {parsed.project!r} and version {str(parsed.version)!r}."
        )
    return folder


def _refuse_a_zip(source: BinaryIO, length: int) -> None:
    """A ZIP is found from its end, where a gzip stream has room for one, and some installers look for a ZIP first."""
    source.seek(max(0, length - _ZIP_TAIL))
    tail = source.read()
    position = tail.rfind(_ZIP_END)
    while position >= 0:
        if _is_zip_end(source, length - len(tail) + position, tail[position : position + _ZIP_END_SIZE]):
            raise Refused("The file is a gzip and a ZIP archive at once.")
        position = tail.rfind(_ZIP_END, 0, position)


def _is_zip_end(source: BinaryIO, position: int, record: bytes) -> bool:
    """Whether a central directory stands before that end record, or it says that there are no members."""
    if len(record) < _ZIP_END_SIZE:
        return False
    size = int.from_bytes(record[12:16], "little")
    if size == 0:
        return record[4:12] == bytes(8)
    if size > position:
        return False
    source.seek(position - size)
    return source.read(4) == b"PK\1\2"
