"""Filenames on pages of remote indexes, where today's rules are not always kept: of which project and version a file is."""

import re
from functools import lru_cache

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from purveyor.model.files import FILENAME_LIMIT, VERSION_LIMIT
from purveyor.model.names import NormalizedName

_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\Z", re.ASCII)
# A wheel's filename has five parts, or six with a build tag (PyPUG "Binary distribution format").
WHEEL_PARTS = (5, 6)
# Sdists of former times may be zip archives; pip and uv still install them.
SDISTS = (".tar.gz", ".zip")


def project_of(filename: str) -> NormalizedName | None:
    """The project whose page lists the file, if it can be one at all."""
    if len(filename) > FILENAME_LIMIT or not _FILENAME.match(filename):
        return None
    if filename.endswith(".whl"):
        return _canonical(filename.partition("-")[0])
    stem = next((filename.removesuffix(ending) for ending in SDISTS if filename.endswith(ending)), "")
    name, separator, _ = stem.rpartition("-")
    return _canonical(name) if separator else None


# The files of a page spell their project in a few ways.
_canonical = lru_cache(maxsize=4096)(canonicalize_name)


def version_of(filename: str) -> str | None:
    if filename.endswith(".whl"):
        parts = filename.removesuffix(".whl").split("-")
        return version_of_text(parts[1]) if len(parts) in WHEEL_PARTS and all(parts) else None
    stem = next(filename.removesuffix(ending) for ending in SDISTS if filename.endswith(ending))
    return version_of_text(stem.rpartition("-")[2])


# Most versions are in their normal form: no number begins with a zero, and nothing but dots is between them (PEP 440).
_NORMAL = re.compile(r"(?:0|[1-9][0-9]{0,17})(?:\.(?:0|[1-9][0-9]{0,17}))*\Z", re.ASCII)


@lru_cache(maxsize=16384)
def version_of_text(text: str) -> str | None:
    """The version in its normal form; None if it is none. One release has many files: each version is read once."""
    if len(text) > VERSION_LIMIT:
        return None
    if _NORMAL.match(text):
        return text
    try:
        return str(Version(text))
    except InvalidVersion:
        return None
