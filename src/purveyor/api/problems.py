"""The one table from what went wrong to what HTTP says, in the three places where clients look for a sentence.

twine, hatch and poetry show their users the reason phrase; uv reads `application/problem+json` (RFC 9457) by its exact type; flit and
people read the plain body.
"""

import json
import math
from http import HTTPStatus

from purveyor.api.answers import NOSNIFF, Answer
from purveyor.errors import (
    BadRequest,
    Conflict,
    Misconfigured,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    PurveyorError,
    Refused,
    StoreFailed,
    StoreFull,
    TooLarge,
    UpstreamFailed,
)
from purveyor.model.requests import current_id, note_error

_STATUS: dict[type[PurveyorError], HTTPStatus] = {
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Refused: HTTPStatus.BAD_REQUEST,
    BadRequest: HTTPStatus.BAD_REQUEST,
    # 409 is what twine, poetry and pdm know as "already there" with --skip-existing.
    Conflict: HTTPStatus.CONFLICT,
    NotFound: HTTPStatus.NOT_FOUND,
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    NotAllowed: HTTPStatus.FORBIDDEN,
    StoreFull: HTTPStatus.INSUFFICIENT_STORAGE,
    StoreFailed: HTTPStatus.SERVICE_UNAVAILABLE,
    UpstreamFailed: HTTPStatus.BAD_GATEWAY,
    Misconfigured: HTTPStatus.SERVICE_UNAVAILABLE,
}
CHALLENGE = 'Basic realm="Purveyor", charset="UTF-8"'
PROBLEM = "application/problem+json"
TEXT = "text/plain; charset=utf-8"
# A status line longer than this is cut by some proxies; the body has everything.
_PHRASE_LIMIT = 600


def status_of(error: PurveyorError) -> HTTPStatus:
    for kind in type(error).__mro__:
        if kind in _STATUS:
            return _STATUS[kind]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def reason_phrase(error: PurveyorError) -> bytes:
    """The error in one line of visible ASCII (RFC 9112 4 allows no more that every client can show)."""
    line = " ".join(str(error).split())
    text = line if len(line) <= _PHRASE_LIMIT else line[: _PHRASE_LIMIT - 3] + "..."
    return visible(text)


def visible(text: str) -> bytes:
    """The text fit for a header field or a status line."""
    return text.encode("ascii", "replace").translate(_VISIBLE)


# Control characters end a status line or worse; they become question marks.
_VISIBLE = bytes(code if chr(code).isascii() and chr(code).isprintable() else ord("?") for code in range(256))


def answer(error: PurveyorError, accept: str) -> Answer:
    """The error in all three places, for a client with this Accept field."""
    note_error(error.code)
    media_type, body = _body(error, accept)
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", b"%d" % len(body)),
        NOSNIFF,
        (b"cache-control", b"no-store"),
    ]
    if isinstance(error, NotAuthenticated):
        headers.append((b"www-authenticate", CHALLENGE.encode()))
    if isinstance(error, StoreFailed):
        headers.append((b"retry-after", b"5"))
    if isinstance(error, UpstreamFailed):
        headers.append((b"x-purveyor-upstream", b"failed"))
        headers.append((b"retry-after", b"%d" % max(5, math.ceil(error.wait))))
    return Answer(int(status_of(error)), tuple(headers), body, reason_phrase(error))


def _body(error: PurveyorError, accept: str) -> tuple[str, bytes]:
    """Content-Type and body. Problem details only for a client that asks for JSON, in the exact type that uv recognises."""
    if "json" in accept.lower() and "vnd.pypi" not in accept.lower():
        return PROBLEM, json.dumps(_problem(error)).encode()
    return TEXT, (str(error) + "\n").encode("utf-8", "replace")


def _problem(error: PurveyorError) -> dict[str, object]:
    status = status_of(error)
    problem: dict[str, object] = {
        "type": f"urn:purveyor:error:{error.code}",
        "title": status.phrase,
        "status": int(status),
        "detail": str(error),
        "code": error.code,
        "message": str(error),
    }
    if request := current_id():
        problem["request_id"] = request
    if isinstance(error, Refused):
        problem["errors"] = list(error.complaints)
    return problem
