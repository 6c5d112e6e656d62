"""What an index's refusal amounts to, and what it says, wherever it says it."""

import json
from typing import Any

import httpx2

from purveyor.errors import (
    Conflict,
    IndexUnreachable,
    Misconfigured,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    PromotionRefused,
    PurveyorError,
    Refused,
    TooLarge,
)
from purveyor.formats.simple_reader import media_type

_SHOWN = 500

_ERRORS: dict[int, type[PurveyorError]] = {
    401: NotAuthenticated,
    403: NotAllowed,
    404: Misconfigured,
    405: Misconfigured,
    409: Conflict,
    410: Misconfigured,
    413: TooLarge,
}
_REMEDIES: dict[type[PurveyorError], str] = {
    NotAuthenticated: "Give the index's token in PURVEYOR_TOKEN or with --token-file.",
    NotAllowed: "Ask whoever runs the index for a token that may upload to this project.",
    Misconfigured: "Name the URL that takes uploads with --upload-url.",
    Conflict: "Raise the project's version and publish again.",
    Refused: "Correct what the index names, build again and publish again.",
    IndexUnreachable: "Publish again later: what has arrived is recognised and not sent twice.",
}


def refusal(answer: httpx2.Response, what: str) -> PurveyorError:
    """The error that an answer other than success amounts to; `what` begins the sentence."""
    kind = _kind(answer)
    remedy = next((text for known, text in _REMEDIES.items() if issubclass(kind, known)), "")
    return kind(f"{what}: {_explanation(answer).rstrip('.')} ({answer.status_code}).", remedy)


def stated(answer: httpx2.Response) -> PurveyorError:
    """The same for the management API, which says itself what is to be done."""
    kind = NotFound if answer.status_code == httpx2.codes.NOT_FOUND else _kind(answer)
    if kind is Refused and (complaints := _complaints(answer)):
        return PromotionRefused(complaints) if _document(answer).get("code") == PromotionRefused.code else Refused(complaints)
    return kind(_explanation(answer))


def _kind(answer: httpx2.Response) -> type[PurveyorError]:
    if kind := _ERRORS.get(answer.status_code):
        return kind
    return IndexUnreachable if answer.status_code == httpx2.codes.TOO_MANY_REQUESTS or answer.is_server_error else Refused


def _explanation(answer: httpx2.Response) -> str:
    """What the index says, wherever it says it: a problem document, a JSON message, a text, or the reason phrase."""
    kind = media_type(answer.headers.get("Content-Type", ""))
    said = ""
    if kind.endswith("json"):
        said = _from_json(answer)
    elif kind in ("text/plain", ""):
        said = answer.text
    return printable(said) or printable(answer.reason_phrase) or "the index gives no reason"


def _complaints(answer: httpx2.Response) -> list[str]:
    """All that is said to be wrong, each as it is shown."""
    errors = _document(answer).get("errors")
    return [printable(text) for text in errors if isinstance(text, str)] if isinstance(errors, list) else []


def _document(answer: httpx2.Response) -> dict[str, Any]:
    try:
        document: Any = json.loads(answer.content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _from_json(answer: httpx2.Response) -> str:
    document = _document(answer)
    said = [document.get(key) for key in ("detail", "message", "error", "title")]
    return next((text for text in said if isinstance(text, str) and text), "")


def printable(text: str) -> str:
    """One line without what could steer a terminal."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
