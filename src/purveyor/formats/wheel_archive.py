"""Wheels: every member is read, and RECORD must be true of all of them (PyPUG "Binary distribution format")."""

import re
from collections.abc import Mapping, Sequence
from typing import BinaryIO, NamedTuple

from purveyor.errors import Refused
from purveyor.formats.inspection import Inspection, shown
from purveyor.formats.member_paths import names_release, parents, path_fault
from purveyor.formats.wheel_record import Line, hasher, read_record
from purveyor.formats.zip_members import contents
from purveyor.formats.zip_structure import Member, read_members
from purveyor.model.files import METADATA_LIMIT, ParsedFilename

_RECORD_LIMIT = 32 << 20
_TAR_BLOCK = 512
_DIST_INFO = ".dist-info"
# The most bytes of what is kept to be looked at; entry points are parsed slowly.
_KEPT = {"METADATA": METADATA_LIMIT, "WHEEL": 1 << 20, "entry_points.txt": 1 << 20}
_WHEEL_VERSION = re.compile(rb"^Wheel-Version:[ \t]*([0-9]{1,9})\.[0-9]{1,9}[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
# Installers spread what is in NAME-VERSION.data/SCHEME over the environment.
_DATA = re.compile(r"([^/]+)\.data/([^/]+)(?:/|\Z)")
_SCHEMES = ("purelib", "platlib", "headers", "scripts", "data")
_DATA_DIST_INFO = re.compile(r"[^/]+\.data/[^/]+/[^/]+\.dist-info(/|\Z)")


class Wheel(NamedTuple):
    """METADATA byte for byte, the directory it was in, and the path of every file."""

    metadata: bytes
    folder: str
    paths: frozenset[str]


def read_wheel(source: BinaryIO, parsed: ParsedFilename, inspection: Inspection) -> Wheel:
    """Check the whole archive; complaints go to `inspection`, `Refused` is raised where nothing more can be said."""
    members = read_members(source, inspection)
    _refuse_a_tar(source)
    _check_names(members, inspection)
    files = {member.name: member for member in members if not member.is_directory}
    folder = _dist_info_folder(members, parsed)
    _check_data_folders(members, parsed, inspection)
    record = _read_record(source, files, folder, inspection)
    limits = {f"{folder}/{name}": limit for name, limit in _KEPT.items()}
    kept: dict[str, bytes] = {}
    for member in files.values():
        if member.name != f"{folder}/RECORD":
            content = _check_member(source, member, record, inspection, limits.get(member.name, 0))
            if content is not None:
                kept[member.name] = content
    _check_kept(kept, files, folder, inspection)
    if record is not None:
        _check_complete(record, files, folder, inspection)
    return Wheel(kept.get(f"{folder}/METADATA", b""), folder, frozenset(files))


def _refuse_a_tar(source: BinaryIO) -> None:
    """The first member's name can be chosen so that the file is a tar archive too; a tar header has a checksum."""
    source.seek(0)
    head = source.read(_TAR_BLOCK)
    checksum = head[148:156].strip(b" \0")
    if not checksum or checksum.strip(b"01234567") or len(head) < _TAR_BLOCK:
        return
    if int(checksum, 8) == sum(head[:148]) + sum(head[156:]) + 8 * ord(" "):
        raise Refused("The file is a ZIP and a tar archive at once.")


def _check_names(members: Sequence[Member], inspection: Inspection) -> None:
    seen: set[str] = set()
    for member in members:
        if fault := path_fault(member.name):
            inspection.complain(f"The member {shown(member.name)} {fault}.")
        if member.name in seen:
            inspection.complain(f"The archive has two members {shown(member.name)}; each installer would choose its own.")
        if _DATA_DIST_INFO.match(member.name):
            inspection.complain(f"The member {shown(member.name)} would be installed as metadata of a project.")
        seen.add(member.name)
    for path in seen & parents(seen):
        inspection.complain(f"The member {shown(path)} is a file, but other members lie below it.")


def _dist_info_folder(members: Sequence[Member], parsed: ParsedFilename) -> str:
    """The one .dist-info directory at the top, which is that of the filename's project and version; else `Refused`."""
    tops = {member.name.partition("/")[0] for member in members}
    folders = sorted(top for top in tops if top.lower().endswith(_DIST_INFO))
    if len(folders) != 1:
        found = ", ".join(map(shown, folders[:5])) or "none"
        raise Refused(f"A wheel has exactly one .dist-info directory at its top; this one has {len(folders)} ({found}).")
    stem = folders[0].removesuffix(_DIST_INFO)
    if stem == folders[0] or not names_release(stem, parsed):
        raise Refused(
            f"The wheel's metadata directory is {shown(folders[0])}, but its filename says"
            f" project {parsed.project!r} and version {str(parsed.version)!r}."
        )
    return folders[0]


def _check_data_folders(members: Sequence[Member], parsed: ParsedFilename, inspection: Inspection) -> None:
    """Installers disagree on a .data directory of another name, and stop at an unknown scheme."""
    for name, scheme in sorted({match.groups() for member in members if (match := _DATA.match(member.name))}):
        if scheme not in _SCHEMES or not names_release(name, parsed):
            inspection.complain(f"The directory {shown(f'{name}.data/{scheme}')} is none that installers know for this wheel.")


def _read_record(source: BinaryIO, files: Mapping[str, Member], folder: str, inspection: Inspection) -> Mapping[str, Line] | None:
    member = files.get(f"{folder}/RECORD")
    if member is None:
        inspection.complain(f"The wheel has no {folder}/RECORD.")
        return None
    if member.size > _RECORD_LIMIT:
        inspection.complain(f"RECORD has more than {_RECORD_LIMIT} bytes.")
        return None
    try:
        data = b"".join(contents(source, member))
    except Refused as fault:
        inspection.complain(str(fault))
        return None
    return read_record(data, folder, inspection)


def _check_member(source: BinaryIO, member: Member, record: Mapping[str, Line] | None, inspection: Inspection, limit: int) -> bytes | None:
    """Read the member to its end and compare it with its line of RECORD; its content if it is right and a limit is set."""
    line = record.get(member.name) if record is not None else None
    digest = hasher(line)
    pieces = []
    keep = limit > 0 and member.size <= limit
    if limit and not keep:
        inspection.complain(f"{member.name} has more than {limit} bytes.")
    try:
        for piece in contents(source, member):
            if digest is not None:
                digest.update(piece)
            if keep:
                pieces.append(piece)
    except Refused as fault:
        inspection.complain(str(fault))
        return None
    if line is not None and digest is not None and not line.agrees(digest.digest(), member.size):
        inspection.complain(f"RECORD states another hash or size for {shown(member.name)} than the file has.")
    return b"".join(pieces) if keep else None


def _check_kept(kept: Mapping[str, bytes], files: Mapping[str, Member], folder: str, inspection: Inspection) -> None:
    for name in ("METADATA", "WHEEL"):
        if f"{folder}/{name}" not in files:
            inspection.complain(f"The wheel has no {folder}/{name}.")
    about = [path.casefold() for path in files if path.startswith(f"{folder}/")]
    if len(set(about)) < len(about):
        inspection.complain(f"{folder} has two files whose names differ in case only: on some systems one replaces the other.")
    wheel = kept.get(f"{folder}/WHEEL")
    if wheel is not None and _WHEEL_VERSION.findall(wheel) != [b"1"]:
        inspection.complain("WHEEL does not state one Wheel-Version of 1, which is the format that installers know.")
    points = kept.get(f"{folder}/entry_points.txt")
    if points:
        from purveyor.formats.entry_points import check_entry_points  # noqa: PLC0415 - most wheels have none

        check_entry_points(points, inspection)


def _check_complete(record: Mapping[str, Line], files: Mapping[str, Member], folder: str, inspection: Inspection) -> None:
    own = {f"{folder}/{name}" for name in ("RECORD", "RECORD.jws", "RECORD.p7s")}
    for path in sorted(files.keys() - record.keys() - own):
        inspection.complain(f"RECORD does not list {shown(path)}, which is in the archive.")
    for path in sorted(record.keys() - files.keys() - own):
        inspection.complain(f"RECORD lists {shown(path)}, which is not in the archive.")
