"""Which paths an archive's members may have: those that every unpacker puts at the same place below its target."""

import re
from collections.abc import Iterable

from purveyor.errors import Refused
from purveyor.model.files import ParsedFilename, parse_version
from purveyor.model.names import normalize

_PATH_LIMIT = 1024
_COMPONENT_LIMIT = 255
_UTF8_MOST = 4
# Control characters, the backslash (a separator on Windows only) and the marks that turn the direction of writing.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\\\\\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")


def path_fault(path: str) -> str | None:
    """What is wrong with the path, to follow "The member ... "; None for a good one. A directory may end in a slash."""
    if not path or path.startswith("/"):
        return "has an empty or absolute path"
    if _FORBIDDEN.search(path):
        return "has a backslash, a control character or bytes that are not UTF-8 in its path"
    if _DRIVE.match(path):
        return "has a drive letter in its path"
    if len(path) > _PATH_LIMIT:
        return f"has a path of more than {_PATH_LIMIT} characters"
    return _component_fault(path.removesuffix("/").split("/"))


def _component_fault(components: list[str]) -> str | None:
    for component in components:
        if component == "..":
            return "has '..' in its path, which leads out of the archive"
        if component in ("", "."):
            return "has an empty or '.' component in its path"
        if len(component) * _UTF8_MOST > _COMPONENT_LIMIT and len(component.encode()) > _COMPONENT_LIMIT:
            return f"has a path component of more than {_COMPONENT_LIMIT} bytes"
    return None


def parents(paths: Iterable[str]) -> set[str]:
    """Every directory that a file with one of these paths needs."""
    found: set[str] = set()
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return found


def names_release(folder: str, parsed: ParsedFilename) -> bool:
    """Whether a directory called NAME-VERSION is the filename's, in any spelling: old tools did not normalise."""
    name, _, version = folder.rpartition("-")
    try:
        return normalize(name) == parsed.project and parse_version(version) == parsed.version
    except Refused:
        return False
