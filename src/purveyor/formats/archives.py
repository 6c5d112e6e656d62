"""Opening uploaded archives: nothing is unpacked to a disk, every byte is checked, and all faults are told together."""

from io import SEEK_END
from typing import BinaryIO

from msgspec import Struct

from purveyor.errors import Refused
from purveyor.formats.core_metadata import promised_license_files
from purveyor.formats.inspection import Inspection, Limits, shown
from purveyor.formats.wheel_archive import read_wheel
from purveyor.model.files import Kind, ParsedFilename

__all__ = ["Contents", "Limits", "read_archive"]


class Contents(Struct, frozen=True):
    """`metadata` is METADATA or PKG-INFO, byte for byte."""

    metadata: bytes


def read_archive(source: BinaryIO, parsed: ParsedFilename, limits: Limits) -> Contents:
    """Check the whole archive and return its metadata; for bad bytes raises `Refused` with every complaint.

    Memory stays within a few MB however large the archive is.
    """
    inspection = Inspection(limits, source.seek(0, SEEK_END))
    try:
        contents = _read(source, parsed, inspection)
    except Refused as fault:
        inspection.complain(str(fault))
        contents = Contents(b"")
    inspection.verdict()
    return contents


def _read(source: BinaryIO, parsed: ParsedFilename, inspection: Inspection) -> Contents:
    if parsed.kind is Kind.WHEEL:
        wheel = read_wheel(source, parsed, inspection)
        _check_licenses(wheel.metadata, f"{wheel.folder}/licenses", wheel.paths, inspection)
        return Contents(wheel.metadata)
    from purveyor.formats.sdist_archive import read_sdist  # noqa: PLC0415 - wheels and starting do without tarfile

    sdist = read_sdist(source, parsed, inspection)
    _check_licenses(sdist.metadata, sdist.folder, sdist.paths, inspection)
    return Contents(sdist.metadata)


def _check_licenses(metadata: bytes, folder: str, paths: frozenset[str], inspection: Inspection) -> None:
    """PyPUG "Core metadata", License-File: from 2.4 on, each file named must be in the archive at that place."""
    for promised in promised_license_files(metadata):
        if f"{folder}/{promised}" not in paths:
            inspection.complain(f"The metadata names the licence file {shown(promised)}, but {shown(folder)} does not have it.")
