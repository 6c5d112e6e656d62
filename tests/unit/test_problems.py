"""What HTTP says of what went wrong."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purveyor import errors
from purveyor.api.problems import answer, reason_phrase, status_of


def body(error: errors.PurveyorError, accept: str) -> tuple[str, bytes]:
    told = answer(error, accept)
    assert isinstance(told.body, bytes)
    assert dict(told.headers)[b"content-length"] == str(len(told.body)).encode()
    return dict(told.headers)[b"content-type"].decode(), told.body


def every_error(kind: type[errors.PurveyorError] = errors.PurveyorError) -> list[type[errors.PurveyorError]]:
    return [kind, *(found for below in kind.__subclasses__() for found in every_error(below))]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Refused("x"), 400),
        (errors.TooLarge("x"), 413),
        (errors.BadRequest("x"), 400),
        (errors.Conflict("x"), 409),
        (errors.NotFound("x"), 404),
        (errors.NotAuthenticated("x"), 401),
        (errors.NotAllowed("x"), 403),
        (errors.StoreFailed("x"), 503),
        (errors.StoreFull("x"), 507),
        (errors.PurveyorError("x"), 500),
    ],
)
def test_each_fault_has_its_status(error: errors.PurveyorError, status: int) -> None:
    assert status_of(error) == status


@pytest.mark.parametrize("kind", every_error())
def test_every_error_can_be_told_in_every_form(kind: type[errors.PurveyorError]) -> None:
    error = kind("This happened.", "Do that.")
    assert reason_phrase(error) == b"This happened. Do that."
    assert body(error, "") == ("text/plain; charset=utf-8", b"This happened. Do that.\n")
    media_type, content = body(error, "application/json")
    told = json.loads(content)
    assert media_type == "application/problem+json"
    assert (told["detail"], told["message"], told["code"], told["status"]) == ("This happened. Do that.",) * 2 + (
        kind.code,
        status_of(error),
    )


def test_who_is_not_known_is_asked_for_credentials_and_who_met_a_broken_disk_may_come_again() -> None:
    assert dict(answer(errors.NotAuthenticated("x"), "").headers)[b"www-authenticate"].startswith(b"Basic ")
    assert b"retry-after" in dict(answer(errors.StoreFull("x"), "").headers)


def test_a_refusal_lists_its_complaints() -> None:
    told = json.loads(body(errors.Refused(["One.", "Two."]), "application/json")[1])
    assert (told["errors"], told["detail"]) == (["One.", "Two."], "One. Two.")


def test_who_asks_for_a_page_gets_no_problem_in_json() -> None:
    assert body(errors.NotFound("x"), "application/vnd.pypi.simple.v1+json")[0].startswith("text/plain")


@given(st.text())
def test_a_reason_phrase_is_one_short_line_of_visible_ascii(text: str) -> None:
    phrase = reason_phrase(errors.Refused(text))
    assert len(phrase) <= 600
    assert all(0x20 <= byte < 0x7F for byte in phrase)


@given(st.text())
def test_any_text_can_stand_in_a_body(text: str) -> None:
    assert body(errors.Refused(text), "")[1].endswith(b"\n")
    json.loads(body(errors.Refused(text), "application/json")[1])
