"""Which type and which coding an Accept field asks for."""

import pytest

from purveyor.formats.representation import HTML, JSON, LEGACY_HTML, content_coding, format_parameter, media_type


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, LEGACY_HTML),
        ("", LEGACY_HTML),
        (" ", LEGACY_HTML),
        ("*/*", LEGACY_HTML),
        (" */* ", LEGACY_HTML),
        ("*/*;q=0.5", LEGACY_HTML),
        (JSON, JSON),
        (HTML, HTML),
        ("text/html", LEGACY_HTML),
        ("text/*", LEGACY_HTML),
        ("application/*", JSON),
        (f"text/html, {HTML}, {JSON}", JSON),
        (f"text/html;q=0.9, {HTML};q=0.8", LEGACY_HTML),
        (f"{JSON};q=0.1, */*", LEGACY_HTML),
        (f"{JSON}, */*;q=0.1", JSON),
        (f"{JSON};q=0, application/*", HTML),
        ("application/json", None),
        ("image/png, image/*;q=0.5", None),
        ("*/*;q=0", None),
        (f"{JSON};q=0", None),
        (f"{JSON};q=1.2.3", None),
        (f"{JSON};q=7", JSON),
        (f",, {JSON} ,", JSON),
        (f'a/b;c="{JSON}, x"', None),
        (f"{JSON};version=1;q=0.5, {HTML};q=0.6", HTML),
        (f"{'x/y,' * 2000}{JSON}", None),
    ],
)
def test_the_type_of_an_accept_field(accept: str | None, expected: str | None) -> None:
    assert media_type(accept) == expected


@pytest.mark.parametrize("quotes", ['"' + '\\"' * 2047, '"\\' * 2048, 'a"' * 2047])
def test_quotes_that_never_end_cost_no_more_than_reading_them(quotes: str) -> None:
    """Quadratic time would be eight million steps for each, and a test that seems to hang."""
    for _ in range(500):
        assert media_type(f"{quotes}, {JSON}") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (JSON, JSON),
        ("text/html", LEGACY_HTML),
        (JSON.replace("v1", "latest"), JSON),
        (HTML.replace("v1", "latest"), HTML),
        ("json", None),
        ("", None),
        ("*/*", None),
    ],
)
def test_the_type_of_a_format_parameter(value: str, expected: str | None) -> None:
    assert format_parameter(value) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, zstd", "zstd"),
        ("gzip;q=0.9, zstd;q=0.8", "gzip"),
        ("identity, gzip;q=0.5", "identity"),
        ("identity;q=0.1, gzip;q=0.5", "gzip"),
        ("*;q=0", "identity"),
        ("*", "zstd"),
        ("zstd;q=0, *", "gzip"),
        ("br, deflate", "identity"),
    ],
)
def test_the_coding_of_an_accept_encoding_field(field: str | None, expected: str) -> None:
    assert content_coding(field, ("zstd", "gzip")) == expected
