"""Which representation a client gets: media types (PyPUG "Version + Format Selection", RFC 9110 12.5.1) and content codings (12.5.3)."""

import re
from collections.abc import Iterable, Sequence

from purveyor.formats import simple_html, simple_json

JSON = simple_json.MEDIA_TYPE
HTML = simple_html.MEDIA_TYPE
LEGACY_HTML = simple_html.LEGACY_MEDIA_TYPE

# Among types a client likes equally the most expressive goes first ("Recommendations"). Where only a wildcard matches, the client may know
# nothing newer than HTML: hatch sends `*/*` and looks for anchors.
_NAMED_FIRST = (JSON, HTML, LEGACY_HTML)
_WILDCARD_FIRST = (LEGACY_HTML, JSON, HTML)
_LATEST = {JSON.replace(".v1+", ".latest+"): JSON, HTML.replace(".v1+", ".latest+"): HTML}

ACCEPT_LIMIT = 4096
# A quoted string that never ends reaches to the end: looking for another reading of each such quote would cost quadratic time.
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.?)*(?:"|\Z))+')
_QUALITY = re.compile(r";\s*q\s*=\s*(?:\"?)([0-9.]+)", re.IGNORECASE)


def media_type(accept: str | None) -> str | None:
    """The type to answer with, or None when the client accepts none of the three (406)."""
    if accept is None or not accept.strip() or accept.strip() == "*/*":
        return LEGACY_HTML
    ranges = [(_LATEST.get(name, name), quality) for name, quality in _elements(accept)]
    named = {name for name, quality in ranges if quality > 0}
    best = max((_quality(candidate, ranges) for candidate in _NAMED_FIRST), default=0.0)
    if best <= 0:
        return None
    liked = [candidate for candidate in _NAMED_FIRST if _quality(candidate, ranges) == best]
    if "application/*" not in named and not named.intersection(liked):
        return next(candidate for candidate in _WILDCARD_FIRST if candidate in liked)
    return next((candidate for candidate in liked if candidate in named), liked[0])


def format_parameter(value: str) -> str | None:
    """The type that `?format=` asks for by its exact name, or None when it is none of ours ("URL Parameter")."""
    value = _LATEST.get(value, value)
    return value if value in _NAMED_FIRST else None


def content_coding(accept_encoding: str | None, offered: Sequence[str]) -> str:
    """The first of `offered` with the highest quality, or `identity`, which is acceptable unless nothing says so (RFC 9110 12.5.3)."""
    if not accept_encoding:
        return "identity"
    wanted = dict(_elements(accept_encoding))
    rest = wanted.get("*", 0.0)
    best = max(offered, key=lambda coding: wanted.get(coding, rest), default="identity")
    quality = wanted.get(best, rest)
    return best if quality > 0 and quality >= wanted.get("identity", 0.0) else "identity"


def _quality(candidate: str, ranges: Iterable[tuple[str, float]]) -> float:
    """The quality of the most specific range that matches (RFC 9110 12.5.1)."""
    patterns = ("*/*", candidate.split("/", 1)[0] + "/*", candidate)
    found = [(patterns.index(name), quality) for name, quality in ranges if name in patterns]
    return max(found, key=lambda pair: pair[0])[1] if found else 0.0


def _elements(field: str) -> list[tuple[str, float]]:
    """The members of a list field with their quality; empty members are ignored, as they must be (RFC 9110 5.6.1.2)."""
    found: list[tuple[str, float]] = []
    for element in _ELEMENT.findall(field[:ACCEPT_LIMIT]):
        name, _, parameters = element.partition(";")
        if name.strip():
            found.append((name.strip().lower(), _quality_of(";" + parameters)))
    return found


def _quality_of(parameters: str) -> float:
    match = _QUALITY.search(parameters)
    if match is None:
        return 1.0
    try:
        return min(float(match[1]), 1.0)
    except ValueError:
        return 0.0  # not a weight: whoever sends it does not mean this type
