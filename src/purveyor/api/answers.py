"""An answer to a read, complete before its first byte leaves: conditional requests and ranges (RFC 9110 13, 14) are decided here, once."""

import re
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from purveyor.serving.bodies import Body, Growing, length, part

Headers = tuple[tuple[bytes, bytes], ...]

_ETAG = re.compile(r'(?:W/)?("[^"]*")')
# White space only where a list may have it (RFC 9110 5.6.1, 14.1.1): between two optional parts it would cost quadratic time.
_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*\Z", re.IGNORECASE | re.ASCII)
# More digits than any file has bytes; longer ones are not numbers to us.
_DIGITS = 18


class Conditions(Struct, frozen=True):
    """The fields of a request that decide between 200, 206, 304 and 416. Each is None where the request does not have it."""

    if_none_match: str | None = None
    range: str | None = None
    if_range: str | None = None


class Answer(Struct, frozen=True):
    """`about` names the project whose change makes the answer wrong; None for the list, and `lasting` False for what must not be held.

    Time alone makes it wrong at `valid_until`. With `growing` the content is that, in place of `body`.
    """

    status: int
    headers: Headers
    body: Body = b""
    reason: bytes = b""
    about: str | None = None
    lasting: bool = False
    valid_until: datetime | None = None
    growing: Growing | None = None


# What is served here was made by somebody else: no browser shall guess what it is.
NOSNIFF = (b"x-content-type-options", b"nosniff")


def text(status: int, sentence: str, *headers: tuple[bytes, bytes]) -> Answer:
    body = sentence.encode() + b"\n"
    fixed = ((b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body)))
    return Answer(status, (*fixed, NOSNIFF, *headers), body)


def meets(conditions: Conditions, etag: str) -> bool:
    """Whether the client has this content already."""
    return conditions.if_none_match is not None and _matches(conditions.if_none_match, etag)


def conditional(answer: Answer, etag: str, conditions: Conditions) -> Answer:
    """The 200 itself, or the 304 or partial content that the conditions ask for (RFC 9110 13.2.2: in this order)."""
    if meets(conditions, etag):
        kept = tuple((name, value) for name, value in answer.headers if name not in _ONLY_WITH_CONTENT)
        return replace(answer, status=304, headers=kept, body=b"", growing=None)
    if conditions.range is not None and (conditions.if_range is None or conditions.if_range.strip() == etag):
        return _partial(answer, conditions.range)
    return answer


# 304 says what a cache needs to update its stored answer, and nothing of the content it does not carry (RFC 9110 15.4.5).
_ONLY_WITH_CONTENT = (b"content-length", b"content-type", b"content-encoding")


def _matches(field: str, etag: str) -> bool:
    """If-None-Match compares weakly (RFC 9110 8.8.3.2)."""
    return field.strip() == "*" or etag in _ETAG.findall(field)


def _partial(answer: Answer, field: str) -> Answer:
    """One range is honoured; several, or another unit, are ignored, as every server may (RFC 9110 14.2)."""
    match = _RANGE.match(field)
    if match is None or not (match[1] or match[2]) or len(match[1]) > _DIGITS or len(match[2]) > _DIGITS:
        return answer
    size = length(answer.body)
    if match[1]:
        first, last = int(match[1]), min(int(match[2]), size - 1) if match[2] else size - 1
        if match[2] and int(match[2]) < first:
            return answer  # not a valid range: ignored
    else:
        first, last = max(size - int(match[2]), 0), size - 1
    if first >= size or first > last:
        return _with(answer, 416, b"", ((b"content-range", b"bytes */%d" % size),))
    return _with(
        answer,
        206,
        part(answer.body, first, last - first + 1),
        ((b"content-range", b"bytes %d-%d/%d" % (first, last, size)),),
    )


def _with(answer: Answer, status: int, body: Body, more: Headers) -> Answer:
    kept = tuple((name, value) for name, value in answer.headers if name != b"content-length")
    return replace(answer, status=status, body=body, headers=(*kept, (b"content-length", b"%d" % length(body)), *more))
