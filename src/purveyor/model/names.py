"""Project names: PyPUG "Names and normalization"."""

import re
from typing import TypeGuard

from packaging.utils import NormalizedName, canonicalize_name

from purveyor.errors import Refused

__all__ = ["NAME_LIMIT", "NormalizedName", "is_normalized", "is_valid", "normalize"]

# No standard limits the length; we do, before anything parses it: 200 characters leave room for the rest of a filename.
NAME_LIMIT = 200

# `\Z`, not `$`, which would let a final newline through. re.ASCII keeps IGNORECASE from matching the Kelvin sign as a K.
_VALID = re.compile(r"([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])\Z", re.IGNORECASE | re.ASCII)
_NORMALIZED = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")


def is_valid(name: str) -> bool:
    return len(name) <= NAME_LIMIT and _VALID.match(name) is not None


def is_normalized(name: str) -> TypeGuard[NormalizedName]:
    return len(name) <= NAME_LIMIT and _NORMALIZED.match(name) is not None


def normalize(name: str) -> NormalizedName:
    """The one spelling under which a project is kept; raises `Refused` for what is no project name."""
    if not is_valid(name):
        shown = name if len(name) <= NAME_LIMIT else name[:NAME_LIMIT] + "..."
        raise Refused(
            f"{shown!r} is not a valid project name: it must consist of ASCII letters, digits, '.', '-' and '_',"
            f" begin and end with a letter or digit, and have at most {NAME_LIMIT} characters."
        )
    return canonicalize_name(name)
