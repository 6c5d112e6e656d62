"""What a path asks for."""

import pytest

from purveyor.api.targets import FileTarget, ListTarget, NothingThere, ProjectTarget, Redirect, Target, location, parse
from purveyor.errors import BadRequest
from purveyor.formats.links import FileLink
from purveyor.model.indexes import DEFAULT, IndexName
from purveyor.model.names import normalize

DIGEST = "ab" * 32
FILE = f"/packages/ab/ab/{'ab' * 30}"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/simple/", ListTarget(DEFAULT)),
        ("/simple", Redirect(DEFAULT, "simple/")),
        ("//simple", Redirect(DEFAULT, "simple/")),
        ("/simple/acme/", ProjectTarget(DEFAULT, normalize("acme"))),
        ("/%73imple/%61cme/", ProjectTarget(DEFAULT, normalize("acme"))),
        ("/simple/acme", Redirect(DEFAULT, "simple/acme/")),
        ("/simple/A_b.C/", Redirect(DEFAULT, "simple/a-b-c/")),
        ("/simple//acme//", Redirect(DEFAULT, "simple/acme/")),
        ("/simple/acme%2F", NothingThere()),
        ("/simple/acme/1.0", NothingThere()),
        ("/simple/..", NothingThere()),
        (f"/simple/{'a' * 201}/", NothingThere()),
        (f"{FILE}/acme-1.0.tar.gz", FileTarget(DEFAULT, FileLink(DIGEST, "acme-1.0.tar.gz", metadata=False))),
        (f"{FILE}/acme-1.0.tar.gz.metadata", FileTarget(DEFAULT, FileLink(DIGEST, "acme-1.0.tar.gz", metadata=True))),
        (f"{FILE}/acme-1.0%2Bl.tar.gz", FileTarget(DEFAULT, FileLink(DIGEST, "acme-1.0+l.tar.gz", metadata=False))),
        (f"{FILE}/../acme-1.0.tar.gz", NothingThere()),
        (f"{FILE.upper()}/acme-1.0.tar.gz", None),
        ("/team/simple/", ListTarget(IndexName("team"))),
        ("/team/dev/simple/acme/", ProjectTarget(IndexName("team/dev"), normalize("acme"))),
        ("/team/dev/simple/Acme", Redirect(IndexName("team/dev"), "simple/acme/")),
        ("//team//dev/simple//acme/", Redirect(IndexName("team/dev"), "simple/acme/")),
        (f"/team/dev{FILE}/acme-1.0.tar.gz", FileTarget(IndexName("team/dev"), FileLink(DIGEST, "acme-1.0.tar.gz", metadata=False))),
        ("/team/dev/more/simple/acme/", None),
        ("/Team/simple/", None),
        ("/health/simple/", None),
        ("/packages/simple/", NothingThere()),
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


def test_a_redirect_stays_in_its_index() -> None:
    assert location(b"/team/dev/simple/A", Redirect(IndexName("team/dev"), "simple/a/")) == b"../../../team/dev/simple/a/"


@pytest.mark.parametrize(("path", "expected"), [("/simple", "simple/a/"), ("/simple/A", "../simple/a/"), ("/simple/A/", "../../simple/a/")])
def test_a_redirect_climbs_to_the_root_and_down_again(path: str, expected: str) -> None:
    assert location(path.encode(), Redirect(DEFAULT, "simple/a/")) == expected.encode()
