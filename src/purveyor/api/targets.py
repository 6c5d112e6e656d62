"""What a request's path means. Decoded once, matched against what may stand there, never joined to a file system path."""

import re
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct

from purveyor.errors import BadRequest, Refused
from purveyor.formats.links import FileLink, read_file_path
from purveyor.model.indexes import DEFAULT, IndexName, index_name
from purveyor.model.names import NormalizedName, is_normalized, is_valid, normalize


class ListTarget(Struct, frozen=True):
    index: IndexName


class ProjectTarget(Struct, frozen=True):
    index: IndexName
    name: NormalizedName


class FileTarget(Struct, frozen=True):
    index: IndexName
    link: FileLink


class Redirect(Struct, frozen=True):
    """To `path` of the index, which has no leading slash."""

    index: IndexName
    path: str


class NothingThere(Struct, frozen=True):
    """Below /simple/ or /packages/, but nothing that an index could have."""


Target = ListTarget | ProjectTarget | FileTarget | Redirect | NothingThere

_SIMPLE = "simple"
_PACKAGES = "packages"
# An index's name has at most two parts; what stands further to the right is part of what it is asked.
_INDEX_PARTS = 2
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def parse(raw_path: bytes) -> Target | None:
    """What the undecoded path asks of which index; None where it is not the read path's business."""
    # Split first, decode then: an encoded slash is part of a name (RFC 3986 2.2), and there is no name with a slash in it.
    segments = [_decode(segment) for segment in raw_path.split(b"/")[1:]]
    # pipenv asks for /simple//NAME/: doubled slashes lead to the page they mean.
    meant = [s for s in segments if s]
    place = next((number for number, segment in enumerate(meant[: _INDEX_PARTS + 1]) if segment in (_SIMPLE, _PACKAGES)), None)
    if place is None:
        return None
    prefix = "".join(f"{segment}/" for segment in meant[:place])
    try:
        index = index_name(prefix[:-1]) if prefix else DEFAULT
    except Refused:
        return None
    path = "/".join(segments)
    if meant[place] == _PACKAGES:
        link = read_file_path(path.removeprefix(prefix))
        return FileTarget(index, link) if link else NothingThere()
    return _simple(index, path.removeprefix(prefix), meant[place + 1 :])


def _simple(index: IndexName, path: str, names: list[str]) -> Target:
    if not names:
        return ListTarget(index) if path == "simple/" else Redirect(index, "simple/")
    if len(names) > 1 or not is_valid(names[0]):
        return NothingThere()
    if path == f"simple/{names[0]}/" and is_normalized(names[0]):
        return ProjectTarget(index, names[0])
    return Redirect(index, f"simple/{normalize(names[0])}/")


def root_of(index: IndexName) -> str:
    """Where an index's paths begin, relative to the server's root."""
    return "" if index == DEFAULT else f"{index}/"


def location(raw_path: bytes, redirect: Redirect) -> bytes:
    """A reference relative to the request's own URL, so that it holds behind any prefix and leads to no other host."""
    climb = "../" * (raw_path.count(b"/") - 1)
    return f"{climb}{root_of(redirect.index)}{quote(redirect.path)}".encode()


def elsewhere(url: str) -> bytes:
    """Another server's URL, as it may stand in a header field: whoever wrote it, it ends no line."""
    return quote(url, safe="%/:=&?~#+!$,;'@()*[]").encode()


def _decode(segment: bytes) -> str:
    try:
        text = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise BadRequest("The path is not UTF-8 once its percent-encoding is undone.") from None
    if _CONTROL.search(text):
        raise BadRequest("The path has control characters in it.")
    return text
