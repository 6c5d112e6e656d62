"""Where files go when people give one URL, or none."""

from pathlib import Path

import pytest

from purveyor.errors import Misconfigured
from purveyor.workbench.credentials import find_credentials
from purveyor.workbench.destination import Destination


@pytest.mark.parametrize(
    ("index", "upload", "expected"),
    [
        (None, None, ("http://127.0.0.1:8080/simple/", "http://127.0.0.1:8080/legacy/")),
        ("http://index.test/", None, ("http://index.test/simple/", "http://index.test/legacy/")),
        ("http://index.test", None, ("http://index.test/simple/", "http://index.test/legacy/")),
        ("http://index.test/simple/", None, ("http://index.test/simple/", "http://index.test/legacy/")),
        ("http://index.test/team/simple", None, ("http://index.test/team/simple/", "http://index.test/team/legacy/")),
        ("http://index.test/legacy/", None, ("http://index.test/simple/", "http://index.test/legacy/")),
        (None, "http://index.test/legacy/", ("http://index.test/simple/", "http://index.test/legacy/")),
        (None, "http://index.test:81/up", ("http://index.test:81/up/simple/", "http://index.test:81/up")),
        (
            "http://index.test/root/x/+simple/",
            "http://index.test/root/x/",
            ("http://index.test/root/x/+simple/", "http://index.test/root/x/"),
        ),
    ],
)
def test_one_url_follows_from_the_other(index: str | None, upload: str | None, expected: tuple[str, str]) -> None:
    destination = Destination.of(index, upload)
    assert (destination.simple_url, destination.upload_url) == expected


def test_credentials_in_a_url_are_used_but_kept_out_of_it() -> None:
    destination = Destination.of("https://ann:p%40ss@index.test/simple/")
    assert destination.simple_url == "https://index.test/simple/"
    assert destination.credentials == ("ann", "p@ss")


@pytest.mark.parametrize("url", ["index.test", "ftp://index.test/", "http:///simple/", "http://[half/", "http://index.test:port/"])
def test_what_is_no_url_of_an_index_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured, match="is not an http or https URL"):
        Destination.of(url)


def test_a_wrong_url_is_named_without_the_password_in_it() -> None:
    with pytest.raises(Misconfigured, match=r"'ftp://index\.test/'"):
        Destination.of("ftp://ann:secret@index.test/")


def test_the_token_of_a_server_on_this_machine_goes_to_this_machine_only(tmp_path: Path) -> None:
    (tmp_path / "upload-token").write_text("local\n")
    here, elsewhere = Destination.of("http://127.0.0.1:9000/"), Destination.of("https://index.test/")
    assert find_credentials(here, data=tmp_path, environ={}) == ("__token__", "local")
    assert find_credentials(elsewhere, data=tmp_path, environ={}) is None


def test_a_token_file_outranks_the_environment_which_outranks_what_is_on_disk(tmp_path: Path) -> None:
    (tmp_path / "upload-token").write_text("local\n")
    (tmp_path / "mine").write_text("filed\n")
    here = Destination.of()
    variables = {"PURVEYOR_TOKEN": "exported"}
    assert find_credentials(here, data=tmp_path, token_file=tmp_path / "mine", environ=variables) == ("__token__", "filed")
    assert find_credentials(here, data=tmp_path, environ=variables) == ("__token__", "exported")


def test_a_named_token_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read: No such file"):
        find_credentials(Destination.of(), token_file=tmp_path / "none", environ={})
