"""The upload form, against filename and archive."""

import pytest

from purveyor.formats.core_metadata import CoreMetadata
from purveyor.model.files import parse_filename
from purveyor.publishing.form import check_agreement, check_form

WHEEL = parse_filename("demo_app-1.0-py3-none-any.whl")
SDIST = parse_filename("demo_app-1.0.tar.gz")


def form(filetype: str | None = "bdist_wheel", **changes: str | tuple[str, ...] | None) -> dict[str, tuple[str, ...]]:
    """A good form with fields changed; None removes one, a tuple repeats it."""
    fields: dict[str, str | tuple[str, ...] | None] = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.4",
        "name": "demo-app",
        "version": "1.0",
        "filetype": filetype,
        "pyversion": "py3" if filetype == "bdist_wheel" else "source",
        **{name.replace("action", ":action"): value for name, value in changes.items()},
    }
    return {name: (value,) if isinstance(value, str) else value for name, value in fields.items() if value is not None}


def sdist_form(**changes: str | tuple[str, ...] | None) -> dict[str, tuple[str, ...]]:
    return form("sdist", **changes)


ACCEPTED = {
    "plain": form(),
    "no protocol version": form(protocol_version=None),
    "empty protocol version": form(protocol_version=""),
    "name as METADATA spells it": form(name="Demo.App"),
    "name as the filename spells it": form(name="demo_app"),
    "version spelled otherwise": form(version="1.0.0"),
    "version with a v": form(version="v1.0"),
    "same value twice": form(name=("demo-app", "demo-app")),
    "an empty value beside": form(version=("", "1.0")),
    "another metadata version than the file's": form(metadata_version="2.3"),
    "empty fields": form(home_page="", license="", comment="", requires_python=""),
    "repeated fields": form(requires_python=(">=3", ">=3"), project_urls=("A, b", "C, d"), import_names=("a", "b")),
    "unknown fields": form(kit="x", **{"Description-Content-Type": "text/plain"}),
    "fields that contradict the file": form(requires_python="three", requires_dist="!", summary="x\0y"),
    "python tag of another kind": form(pyversion="3.11"),
}
ACCEPTED |= {
    f"metadata version {v}": form(metadata_version=v) for v in ["1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6"]
}
ACCEPTED_SDISTS = {
    "plain": sdist_form(),
    "no pyversion": sdist_form(pyversion=None),
    "empty pyversion": sdist_form(pyversion=""),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_wheel_s_form_as_clients_send_it_is_accepted(case: str) -> None:
    assert check_form(ACCEPTED[case], WHEEL) == []


@pytest.mark.parametrize("case", ACCEPTED_SDISTS)
def test_an_sdist_s_form_as_clients_send_it_is_accepted(case: str) -> None:
    assert check_form(ACCEPTED_SDISTS[case], SDIST) == []


REFUSED = {
    "no action": (form(action=None), "The form's :action is ''"),
    "other action": (form(action="submit"), ":action is 'submit'"),
    "protocol version 2": (form(protocol_version="2"), "protocol_version is '2'"),
    "no metadata version": (form(metadata_version=None), "lacks the field metadata_version"),
    "empty metadata version": (form(metadata_version=""), "lacks the field metadata_version"),
    "metadata version 9.9": (form(metadata_version="9.9"), "'9.9' is not known"),
    "metadata version in other digits": (form(metadata_version="\u0968.\u0967"), "is not known"),
    "no name": (form(name=None), "lacks the field name"),
    "invalid name": (form(name="-bad-"), "'-bad-' is not a valid project name"),
    "path as a name": (form(name="../../x"), "is not a valid project name"),
    "non-ASCII name": (form(name="\u043f\u0440\u0438\u043c\u0435\u0440"), "is not a valid project name"),
    "NUL in the name": (form(name="a\x00b"), "is not a valid project name"),
    "other name": (form(name="other"), "name is 'other', but the filename says 'demo-app'"),
    "two names": (form(name=("demo-app", "other")), "name more than once"),
    "no version": (form(version=None), "lacks the field version"),
    "invalid version": (form(version="not a version!"), "is not a valid version"),
    "NUL in the version": (form(version="1.0\x00"), "is not a valid version"),
    "non-ASCII version": (form(version="1.0\u2014\u03b2"), "other than ASCII"),
    "long version": (form(version="1" * 10_000), "characters"),
    "other version": (form(version="2.0"), "version is '2.0', but the filename says '1.0'"),
    "two versions": (form(version=("1.0", "2.0")), "version more than once"),
    "no filetype": (form(filetype=None), "filetype is ''"),
    "unknown filetype": (form(filetype="bdist_nonsense"), "must be 'sdist' or 'bdist_wheel'"),
    "non-ASCII filetype": (form(filetype="bdist_wheel\u2603"), "must be 'sdist' or 'bdist_wheel'"),
    "sdist": (sdist_form(), "is a wheel"),
    "no pyversion": (form(pyversion=None), "lacks the field pyversion"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_form_that_does_not_describe_its_wheel_is_refused(case: str) -> None:
    declared, words = REFUSED[case]
    complaints = check_form(declared, WHEEL)
    assert [complaint for complaint in complaints if words in complaint]


def test_an_sdist_with_a_python_version_is_refused() -> None:
    (complaint,) = check_form(sdist_form(pyversion="3.11"), SDIST)
    assert "for an sdist it is 'source'" in complaint


def test_a_wheel_s_form_with_an_sdist_is_refused() -> None:
    assert any("is an sdist" in complaint for complaint in check_form(form(), SDIST))


def test_every_complaint_is_told_at_once() -> None:
    assert len(check_form({}, WHEEL)) == 6


def metadata(name: str = "Demo.App", version: str = "1.0.0") -> CoreMetadata:
    return CoreMetadata("2.4", name, version)


def test_an_archive_that_says_what_filename_and_form_say_is_accepted() -> None:
    assert check_agreement(form(), WHEEL, metadata()) == []


def test_a_release_candidate_spelled_otherwise_in_the_archive_is_accepted() -> None:
    candidate = parse_filename("demo_app-1.0.0rc1-py3-none-any.whl")
    declared = form(version="1.0.0-RC.1")
    assert check_form(declared, candidate) == []
    assert check_agreement(declared, candidate, metadata(version="1.0.0-RC.1")) == []


def test_an_archive_of_another_project_or_version_is_refused_with_all_three_spellings() -> None:
    complaints = check_agreement(form(), WHEEL, metadata("other", "7.7"))
    assert complaints == [
        "The file's metadata names the project 'other', but the filename says 'demo-app' and the form 'demo-app'.",
        "The file's metadata has the version '7.7', but the filename says '1.0' and the form '1.0'.",
    ]
