"""200, 206, 304 or 416: RFC 9110 13.2.2 in one function."""

import tempfile

import pytest

from purveyor.api.answers import Answer, Conditions, conditional
from purveyor.serving.bodies import Body, Descriptor, Span, pieces

TAG = '"abc"'
CONTENT = bytes(range(100))


@pytest.fixture(params=["in memory", "in a file"])
def whole(request: pytest.FixtureRequest) -> Answer:
    body: Body = CONTENT
    if request.param == "in a file":
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the span closes it
        file.write(b"before" + CONTENT + b"after")
        file.flush()
        body = Span(Descriptor(file), 6, len(CONTENT))
    headers = ((b"content-type", b"text/x"), (b"content-length", b"100"), (b"etag", TAG.encode()), (b"vary", b"Accept"))
    return Answer(200, headers, body, about=None, lasting=True)


def content(answer: Answer) -> bytes:
    return b"".join(pieces(answer.body))


def test_without_conditions_it_is_the_whole(whole: Answer) -> None:
    assert conditional(whole, TAG, Conditions()) is whole


@pytest.mark.parametrize("tags", [TAG, f"W/{TAG}", f'"x", {TAG}', f'"x",{TAG},"y"', "*", " * "])
def test_a_tag_that_matches_gives_304_without_what_describes_content(whole: Answer, tags: str) -> None:
    answer = conditional(whole, TAG, Conditions(if_none_match=tags, range="bytes=0-1"))
    assert (answer.status, content(answer)) == (304, b"")
    assert answer.headers == ((b"etag", TAG.encode()), (b"vary", b"Accept"))


@pytest.mark.parametrize("tags", ["", '"x"', "abc", '"ab', "W/", '"ABC"', ",,,"])
def test_a_tag_that_does_not_match_gives_the_whole(whole: Answer, tags: str) -> None:
    assert conditional(whole, TAG, Conditions(if_none_match=tags)) is whole


@pytest.mark.parametrize(
    ("field", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=99-99", 99, 99),
        ("bytes=10-", 10, 99),
        ("bytes=-10", 90, 99),
        ("bytes=-200", 0, 99),
        ("bytes=5-500", 5, 99),
        ("bytes= 1-2 ", 1, 2),
    ],
)
def test_a_range_gives_its_part(whole: Answer, field: str, first: int, last: int) -> None:
    answer = conditional(whole, TAG, Conditions(range=field))
    assert (answer.status, content(answer)) == (206, CONTENT[first : last + 1])
    assert dict(answer.headers)[b"content-range"] == b"bytes %d-%d/100" % (first, last)
    assert dict(answer.headers)[b"content-length"] == b"%d" % (last - first + 1)


@pytest.mark.parametrize("field", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_outside_gives_416(whole: Answer, field: str) -> None:
    answer = conditional(whole, TAG, Conditions(range=field))
    assert (answer.status, content(answer), dict(answer.headers)[b"content-range"]) == (416, b"", b"bytes */100")


@pytest.mark.parametrize(
    "field", ["", "bytes", "bytes=", "bytes=-", "bytes=2-1", "bytes=0-1,3-4", "lines=0-1", f"bytes={'1' * 19}-", "bytes=1 -2"]
)
def test_what_is_not_one_range_gives_the_whole(whole: Answer, field: str) -> None:
    assert conditional(whole, TAG, Conditions(range=field)) is whole


@pytest.mark.parametrize("field", [f"bytes={' ' * 60_000}x", f"bytes=1-{' ' * 60_000}x", f"bytes={'1' * 60_000}x"])
def test_a_long_range_field_costs_no_more_than_reading_it(whole: Answer, field: str) -> None:
    """Quadratic time would be two thousand million steps for each, and a test that seems to hang."""
    for _ in range(50):
        assert conditional(whole, TAG, Conditions(range=field)) is whole


@pytest.mark.parametrize(("tag", "status"), [(TAG, 206), (f" {TAG} ", 206), (f"W/{TAG}", 200), ('"x"', 200), ("", 200)])
def test_if_range_asks_for_the_very_same_bytes(whole: Answer, tag: str, status: int) -> None:
    assert conditional(whole, TAG, Conditions(range="bytes=0-1", if_range=tag)).status == status


def test_an_empty_file_has_no_ranges() -> None:
    empty = Answer(200, (), b"")
    assert conditional(empty, TAG, Conditions(range="bytes=0-")).status == 416
    assert conditional(empty, TAG, Conditions(range="bytes=-5")).status == 416
