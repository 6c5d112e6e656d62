"""Heads of responses as bytes."""

import re
from collections.abc import Iterable
from http import HTTPStatus

from purveyor.api.answers import Answer
from purveyor.api.lane import Held
from purveyor.model.tally import Key
from purveyor.serving.bodies import Span

_FORBIDDEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def head(status: int, reason: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Without the empty line that ends it. Refuses what would end a line early (RFC 9110 5.5)."""
    if _FORBIDDEN.search(reason):
        raise ValueError("a control character in the reason phrase")
    lines = [b"HTTP/1.1 %d %s\r\n" % (status, reason or HTTPStatus(status).phrase.encode())]
    for name, value in headers:
        if _FORBIDDEN.search(name) or _FORBIDDEN.search(value):
            raise ValueError(f"a control character in the header field {name!r}")
        lines.append(b"%s: %s\r\n" % (name, value))
    return b"".join(lines)


def held(answer: Answer, labels: Key, *, content: bool) -> Held:
    """The answer as the lane keeps it; without `content` for a HEAD request."""
    before = head(answer.status, answer.reason, answer.headers)
    if not content or not answer.body:
        return Held(before, b"\r\n", None, labels)
    if isinstance(answer.body, Span):
        return Held(before, b"\r\n", answer.body, labels)
    return Held(before, b"\r\n" + answer.body, None, labels)
