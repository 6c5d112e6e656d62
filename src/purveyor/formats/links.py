"""Where a distribution file lives on an index, relative to the index's root; one place spells the path and reads it again.

The path carries the digest of the content, so what it leads to never changes and may be cached for ever.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

METADATA_SUFFIX = ".metadata"
_PATH = re.compile(r"packages/([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{60})/([A-Za-z0-9][A-Za-z0-9._+!-]*)\Z", re.ASCII)


class FileLink(Struct, frozen=True):
    sha256: str
    filename: str
    metadata: bool


def file_path(sha256: str, filename: str) -> str:
    """`+` and `!` are percent-encoded: some clients and proxies take a bare `+` for a space. Nothing else in a filename needs it."""
    quoted = filename.replace("+", "%2B").replace("!", "%21")
    return f"packages/{sha256[:2]}/{sha256[2:4]}/{sha256[4:]}/{quoted}"


def links_on_page(files: Iterable[tuple[str, str]]) -> list[str]:
    """The same, for the sha256 and the filename of each, as links from a project's page."""
    return [f"../../{file_path(sha256, filename)}" for sha256, filename in files]


def read_file_path(path: str) -> FileLink | None:
    """The link that a percent-decoded path (without leading slash) stands for, or None."""
    match = _PATH.match(path)
    if match is None:
        return None
    filename = match[4]
    metadata = filename.endswith(METADATA_SUFFIX)
    return FileLink(match[1] + match[2] + match[3], filename.removesuffix(METADATA_SUFFIX), metadata)
