"""The core metadata of a wheel that somebody else accepted: read as installers do, which may be more leniently than uploads are."""

import zipfile
import zlib
from typing import BinaryIO

from purveyor.model.files import METADATA_LIMIT


def wheel_metadata(source: BinaryIO) -> bytes | None:
    """METADATA of the one .dist-info directory at the top; None where there is no such thing, or it cannot be read."""
    try:
        with zipfile.ZipFile(source) as archive:
            found = [member for member in archive.infolist() if is_metadata(member.filename)]
            if len(found) != 1 or found[0].file_size > METADATA_LIMIT:
                return None
            with archive.open(found[0]) as member:
                return member.read(METADATA_LIMIT)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        return None


def is_metadata(path: str) -> bool:
    folder, _, name = path.partition("/")
    return folder.endswith(".dist-info") and name == "METADATA"
