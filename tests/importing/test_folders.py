"""`purveyor import DIRECTORY`, where the directory holds wheels and sdists, as pypiserver's does."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from purveyor.testing.fake_index import FakeIndex
from tests.distributions import sdist, wheel
from tests.docs.documents import ROOT
from tests.importing.folders import filled
from tests.importing.here import MOMENT, Here, imported, refused
from tests.live_server import LiveServer
from tests.workbench.command import purveyor

WHEEL = wheel("acme-app", "1.0", metadata=["Requires-Python: >=3.9"])
SDIST = sdist("acme-app", "1.0")
OTHER = wheel("other", "2.0")


def test_every_wheel_and_sdist_below_a_folder_is_here_afterwards(here: Here, tmp_path: Path) -> None:
    folder = filled(tmp_path / "packages", WHEEL, SDIST)
    filled(folder / "deeper" / "still", OTHER)

    ran = here.bring(folder)

    assert ran.code == 0, ran.out
    assert imported(ran) == sorted([WHEEL[0], SDIST[0], OTHER[0]])
    assert {name: here.content(file) for name, file in here.files("acme-app").items()} == dict([WHEEL, SDIST])
    assert ran.document["kind"] == "a directory of distribution files"


def test_what_a_file_is_comes_from_the_file_and_its_date_from_the_disk(here: Here, tmp_path: Path) -> None:
    here.bring(filled(tmp_path / "packages", WHEEL))

    file = here.files("acme-app")[WHEEL[0]]
    assert (file.requires_python, file.uploaded_at, file.uploaded_by, file.yanked) == (">=3.9", MOMENT, None, None)
    assert file.metadata_sha256 is not None


@pytest.mark.parametrize("stamp", [0, 9e9, 3e11])
def test_a_date_that_cannot_be_is_not_believed(here: Here, tmp_path: Path, stamp: float) -> None:
    folder = filled(tmp_path / "packages", WHEEL)
    os.utime(folder / WHEEL[0], (stamp, stamp))

    assert here.bring(folder).code == 0
    assert here.files("acme-app")[WHEEL[0]].uploaded_at is None


def test_a_second_run_changes_nothing(here: Here, tmp_path: Path) -> None:
    folder = filled(tmp_path / "packages", WHEEL, SDIST, OTHER)
    here.bring(folder)
    before = here.serial()

    again = here.bring(folder)

    assert again.code == 0
    assert again.document["counts"] == {"projects": 2, "imported": 0, "already_here": 3, "refused": 0}
    assert here.serial() == before


def test_other_bytes_under_a_name_that_is_taken_are_a_conflict_with_both_hashes(here: Here, tmp_path: Path) -> None:
    here.bring(filled(tmp_path / "one", WHEEL))
    mine = here.files("acme-app")[WHEEL[0]].sha256
    changed = wheel("acme-app", "1.0", {"acme_app.py": "changed = True\n"})

    ran = here.bring(filled(tmp_path / "two", changed))

    assert ran.code == 1
    assert [entry["outcome"] for entry in ran.document["refused"]] == ["conflict"]
    assert mine in refused(ran)[WHEEL[0]]
    assert refused(ran)[WHEEL[0]].count("sha256") == 2
    assert here.content(here.files("acme-app")[WHEEL[0]]) == WHEEL[1]


def test_what_is_refused_is_listed_with_its_reason_and_the_rest_is_here(here: Here, tmp_path: Path) -> None:
    folder = filled(
        tmp_path / "packages",
        WHEEL,
        ("broken-1.0-py3-none-any.whl", WHEEL[1][:-30]),
        ("empty-1.0.tar.gz", b""),
        (OTHER[0].replace("other", "another"), OTHER[1]),
        ("old-1.0.egg", b"egg"),
        ("README.txt", b"not meant"),
    )
    (folder / "pipe-1.0-py3-none-any.whl").symlink_to("/dev/null")
    os.mkfifo(folder / "waiting-1.0.tar.gz")
    (folder / "loop").symlink_to(folder)
    (folder / "gone-1.0.tar.gz").symlink_to(folder / "nowhere")

    ran = here.bring(folder)

    assert ran.code == 1
    assert imported(ran) == [WHEEL[0]]
    reasons = refused(ran)
    assert sorted(reasons) == [
        "another-2.0-py3-none-any.whl",
        "broken-1.0-py3-none-any.whl",
        "empty-1.0.tar.gz",
        "gone-1.0.tar.gz",
        "old-1.0.egg",
        "pipe-1.0-py3-none-any.whl",
        "waiting-1.0.tar.gz",
    ]
    assert "no regular file" in reasons["waiting-1.0.tar.gz"]
    assert "neither a wheel" in reasons["old-1.0.egg"]


def test_old_metadata_that_nobody_can_mend_is_noted_and_the_file_is_here(here: Here, tmp_path: Path) -> None:
    filename, content = wheel("pandas", "0.24.0", metadata=["Requires-Python: >=3.x", "Requires-Dist: pytz (>=2011k)"])

    ran = here.bring(filled(tmp_path / "packages", (filename, content)))

    assert ran.code == 0
    notes = ran.document["imported"][0]["notes"]
    assert any("pytz (>=2011k)" in note for note in notes)
    assert here.files("pandas")[filename].requires_python is None


def test_an_upload_with_such_metadata_is_refused_all_the_same(server: LiveServer) -> None:
    assert server.upload(*wheel("pandas", "0.24.0", metadata=["Requires-Dist: pytz (>=2011k)"])).status_code == 400


@pytest.mark.parametrize("lines", [["Name: somebody-else"], ["Version: 9"]])
def test_metadata_of_another_file_is_not_forgiven(here: Here, tmp_path: Path, lines: list[str]) -> None:
    about = {"Name": "acme-app", "Version": "1.0"} | dict(line.split(": ") for line in lines)
    metadata = "".join(f"{key}: {value}\n" for key, value in {"Metadata-Version": "2.1", **about}.items()).encode()

    ran = here.bring(filled(tmp_path / "packages", wheel("acme-app", "1.0", metadata=metadata)))

    assert ran.code == 1
    assert here.counts().files == 0


def test_only_the_projects_that_are_named_are_brought(here: Here, tmp_path: Path) -> None:
    folder = filled(tmp_path / "packages", WHEEL, OTHER)

    ran = here.bring(folder, "Acme.App", "nobody")

    assert imported(ran) == [WHEEL[0]]
    assert ran.code == 1
    assert refused(ran) == {"nobody": "The source has no project of that name."}


def test_what_is_no_project_name_is_told(here: Here, tmp_path: Path) -> None:
    ran = here.bring(filled(tmp_path / "packages", WHEEL), "acme-app==1.0")

    assert (ran.code, ran.document["error"]) == (2, "misconfigured")


def test_the_journal_names_the_import(here: Here, tmp_path: Path) -> None:
    here.bring(filled(tmp_path / "packages", WHEEL))

    with closing(sqlite3.connect(here.data / "purveyor.sqlite")) as database:
        assert database.execute("SELECT actor, action FROM journal").fetchall() == [("import", "create-project"), ("import", "add-file")]


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(here: Here, tmp_path: Path) -> None:
    here.bring(filled(tmp_path / "one", OTHER))
    before = here.serial()

    ran = here.bring(filled(tmp_path / "packages", WHEEL, OTHER), "--dry-run")

    assert imported(ran) == [WHEEL[0]]
    assert ran.document["counts"]["already_here"] == 1
    assert here.serial() == before


def test_a_file_above_the_largest_upload_is_refused(here: Here, tmp_path: Path) -> None:
    ran = here.bring(filled(tmp_path / "packages", WHEEL), PURVEYOR_MAX_UPLOAD_SIZE="100")

    assert "at most 100" in refused(ran)[WHEEL[0]] or "more than 100" in refused(ran)[WHEEL[0]]


def test_a_running_server_shows_what_is_imported_at_once(server: LiveServer, tmp_path: Path) -> None:
    server.host(OTHER)
    assert server.entries("acme-app") == []  # the server has looked, and remembers

    assert Here(server.data).bring(filled(tmp_path / "packages", WHEEL, SDIST)).code == 0

    assert server.files("acme-app") == dict([WHEEL, SDIST])
    assert {file["upload-time"] for file in server.entries("acme-app")} == {"2021-03-04T05:06:07Z"}


def test_into_a_served_folder_come_plain_files_that_its_server_shows_at_once(tmp_path: Path) -> None:
    folder = filled(tmp_path / "served", OTHER)
    with LiveServer(tmp_path / "data", folder=folder) as server:
        assert server.entries("acme-app") == []
        with FakeIndex() as index:
            index.add(*WHEEL).yanked = "broken"

            ran = Here(server.data).bring(index.url, "--folder", str(folder))

        assert ran.code == 0, ran.out
        assert (folder / WHEEL[0]).read_bytes() == WHEEL[1]
        assert server.files("acme-app") == dict([WHEEL])
        page = server.project("acme-app")
        assert [(file["yanked"], file["upload-time"]) for file in page["files"]] == [("broken", "2026-01-02T03:04:05.678901Z")]
        server.restart()
        assert server.project("acme-app") == page


def test_a_folder_that_takes_no_files_is_told_before_anything_is_fetched(here: Here, tmp_path: Path) -> None:
    ran = here.bring(filled(tmp_path / "packages", WHEEL), "--folder", str(tmp_path / "nowhere"))

    assert (ran.code, ran.document["error"]) == (2, "misconfigured")


def test_what_people_read_names_kind_refusals_and_counts(here: Here, tmp_path: Path) -> None:
    folder = filled(tmp_path / "packages", WHEEL, ("broken-1.0.tar.gz", b"?"))

    ran = purveyor("import", folder, "--data", here.data)

    assert ran.code == 1
    assert ran.err == f"{folder} is a directory of distribution files.\n"
    assert ran.out.splitlines()[-1].startswith("Imported 1 file (")
    assert ran.out.splitlines()[-1].endswith("0 already here; 1 refused.")
    assert ran.out.startswith("Refused broken-1.0.tar.gz: ")


def test_names_of_files_do_not_steer_the_terminal(here: Here, tmp_path: Path) -> None:
    folder = filled(tmp_path / "packages", ("two\nlines \x1b[2J-1.0.tar.gz", b"nothing"))

    ran = purveyor("import", folder, "--data", here.data, cwd=tmp_path)

    assert ran.out.startswith("Refused two?lines ?[2J-1.0.tar.gz: ")
    assert "\x1b" not in ran.out + ran.err


def test_what_the_guide_shows_is_what_is_printed(here: Here, tmp_path: Path) -> None:
    four = [kind("acme-app", version) for kind in (wheel, sdist) for version in ("1.0", "1.1")]
    filled(tmp_path / "packages", *four, ("acme_app-0.9.egg", b""))

    ran = purveyor("import", "./packages", "--data", here.data, cwd=tmp_path)

    shown = (ROOT / "docs" / "guides" / "import-another-index.md").read_text(encoding="utf-8")
    assert f"$ purveyor import ./packages\n{ran.err}{ran.out}" in shown


def test_a_source_that_is_not_there_is_told_and_makes_no_index(here: Here, tmp_path: Path) -> None:
    ran = here.bring(tmp_path / "nowhere")

    assert ran.code == 2
    assert ran.document["error"] == "misconfigured"
    assert not here.data.exists()
