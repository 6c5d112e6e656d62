"""What a request's path means. Decoded once, matched against what may stand there, never joined to a file system path."""

from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from purveyor.errors import BadRequest
from purveyor.formats.links import FileLink, read_file_path
from purveyor.model.names import NormalizedName, is_normalized, is_valid, normalize


@dataclass(frozen=True, slots=True)
class ListTarget:
    pass


@dataclass(frozen=True, slots=True)
class ProjectTarget:
    name: NormalizedName


@dataclass(frozen=True, slots=True)
class Redirect:
    """To `path`, which has no leading slash and is relative to the index's root."""

    path: str


@dataclass(frozen=True, slots=True)
class NothingThere:
    """Below /simple/ or /packages/, but nothing that an index could have."""


Target = ListTarget | ProjectTarget | FileLink | Redirect | NothingThere

_SIMPLE = "simple"
_PACKAGES = "packages"


def parse(raw_path: bytes) -> Target | None:
    """What the undecoded path asks the index for; None where it is not the read path's business."""
    # Split first, decode then: an encoded slash is part of a name (RFC 3986 2.2), and there is no name with a slash in it.
    segments = [_decode(segment) for segment in raw_path.split(b"/")[1:]]
    # pipenv asks for /simple//NAME/: doubled slashes lead to the page they mean.
    meant = [s for s in segments if s]
    if not meant or meant[0] not in (_SIMPLE, _PACKAGES):
        return None
    if meant[0] == _PACKAGES:
        return read_file_path("/".join(segments)) or NothingThere()
    return _simple("/" + "/".join(segments), meant[1:])


def _simple(path: str, names: list[str]) -> Target:
    if not names:
        return ListTarget() if path == "/simple/" else Redirect("simple/")
    if len(names) > 1 or not is_valid(names[0]):
        return NothingThere()
    if path == f"/simple/{names[0]}/" and is_normalized(names[0]):
        return ProjectTarget(names[0])
    return Redirect(f"simple/{normalize(names[0])}/")


def location(raw_path: bytes, redirect: Redirect) -> bytes:
    """A reference relative to the request's own URL, so that it holds behind any prefix and leads to no other host."""
    climb = "../" * (raw_path.count(b"/") - 1)
    return f"{climb}{quote(redirect.path)}".encode()


def _decode(segment: bytes) -> str:
    try:
        text = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise BadRequest("The path is not UTF-8 once its percent-encoding is undone.") from None
    if any(character < " " or character == "\x7f" for character in text):
        raise BadRequest("The path has control characters in it.")
    return text
