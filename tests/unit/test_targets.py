"""What a path asks for."""

import pytest

from purveyor.api.targets import ListTarget, NothingThere, ProjectTarget, Redirect, Target, location, parse
from purveyor.errors import BadRequest
from purveyor.formats.links import FileLink
from purveyor.model.names import normalize

DIGEST = "ab" * 32
FILE = f"/packages/ab/ab/{'ab' * 30}"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/simple/", ListTarget()),
        ("/simple", Redirect("simple/")),
        ("//simple", Redirect("simple/")),
        ("/simple/acme/", ProjectTarget(normalize("acme"))),
        ("/%73imple/%61cme/", ProjectTarget(normalize("acme"))),
        ("/simple/acme", Redirect("simple/acme/")),
        ("/simple/A_b.C/", Redirect("simple/a-b-c/")),
        ("/simple//acme//", Redirect("simple/acme/")),
        ("/simple/acme%2F", NothingThere()),
        ("/simple/acme/1.0", NothingThere()),
        ("/simple/..", NothingThere()),
        (f"/simple/{'a' * 201}/", NothingThere()),
        (f"{FILE}/acme-1.0.tar.gz", FileLink(DIGEST, "acme-1.0.tar.gz", metadata=False)),
        (f"{FILE}/acme-1.0.tar.gz.metadata", FileLink(DIGEST, "acme-1.0.tar.gz", metadata=True)),
        (f"{FILE}/acme-1.0%2Bl.tar.gz", FileLink(DIGEST, "acme-1.0+l.tar.gz", metadata=False)),
        (f"{FILE}/../acme-1.0.tar.gz", NothingThere()),
        (f"{FILE.upper()}/acme-1.0.tar.gz", None),
        ("/packages/", NothingThere()),
        ("/", None),
        ("/legacy/", None),
        ("/simpler/", None),
        ("*", None),
        ("", None),
    ],
)
def test_every_path_means_one_thing(path: str, expected: Target | None) -> None:
    assert parse(path.encode()) == expected


@pytest.mark.parametrize("path", ["/simple/%00", "/simple/a%0d%0ab", "/simple/%ff", "/simple/%c0%af", "/%1f", "/simple/%7f"])
def test_a_path_that_is_no_text_is_refused(path: str) -> None:
    with pytest.raises(BadRequest):
        parse(path.encode())


@pytest.mark.parametrize(("path", "expected"), [("/simple", "simple/a/"), ("/simple/A", "../simple/a/"), ("/simple/A/", "../../simple/a/")])
def test_a_redirect_climbs_to_the_root_and_down_again(path: str, expected: str) -> None:
    assert location(path.encode(), Redirect("simple/a/")) == expected.encode()
