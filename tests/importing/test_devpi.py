"""`purveyor import DIRECTORY`, where the directory is devpi's: an export, or the server's own."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from purveyor.model.files import Yanked
from tests.distributions import sdist, wheel
from tests.importing.folders import filled
from tests.importing.here import MOMENT, STAMP, Here, imported, refused

WHEEL = wheel("acme-app", "1.0")
SDIST = sdist("acme-app", "1.0")
RELAYED = wheel("relayed", "3.0")


def exported_file(
    root: Path, index: str, made: tuple[str, bytes], *, log: list[dict[str, Any]] | None = None, **mapping: Any
) -> dict[str, Any]:
    """Puts the file where devpi-export puts it; returns its entry in dataindex.json."""
    filename, content = made
    project, version = filename.split("-")[0].replace("_", "-"), filename.split("-")[1].removesuffix(".tar.gz")
    relative = f"{index}/{project}/{version}/{filename}"
    filled((root / relative).parent, made)
    entrymapping = {
        "project": project,
        "version": version,
        "hash_spec": f"sha256={hashlib.sha256(content).hexdigest()}",
        "last_modified": "Fri, 01 May 2020 10:11:12 GMT",
    }
    return {
        "projectname": project,
        "version": version,
        "entrymapping": entrymapping | mapping,
        "type": "releasefile",
        "relpath": relative,
        "log": log or [],
    }


def exported_index(*files: dict[str, Any], kind: str = "stage", **versions: Any) -> dict[str, Any]:
    projects: dict[str, Any] = {}
    for file in files:
        about = {"name": file["projectname"], "version": file["version"], **versions}
        projects.setdefault(file["projectname"], {})[file["version"]] = about
    return {"indexconfig": {"type": kind, "volatile": False}, "projects": projects, "files": list(files)}


def described(root: Path, **indexes: dict[str, Any]) -> Path:
    document = {
        "users": {"acme": {"username": "acme", "pwhash": "$argon2id$not-ours-to-read"}},
        "indexes": {name.replace("__", "/"): index for name, index in indexes.items()},
        "dumpversion": "2",
        "devpi_server": "6.20.0",
    }
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataindex.json").write_text(json.dumps(document))
    return root


UPLOADED = [
    {"what": "upload", "who": "jane", "when": [2019, 8, 7, 6, 5, 4], "dst": "acme/dev"},
    {"what": "push", "who": "joe", "when": [2021, 1, 1, 0, 0, 0]},
]


def test_an_export_tells_when_and_by_whom_a_file_was_uploaded(here: Here, tmp_path: Path) -> None:
    root = tmp_path / "export"
    files = (exported_file(root, "acme/dev", WHEEL, log=UPLOADED), exported_file(root, "acme/dev", SDIST))
    described(root, acme__dev=exported_index(*files))

    ran = here.bring(root)

    assert ran.code == 0, ran.out
    assert ran.document["kind"] == "a devpi export"
    kept = here.files("acme-app")
    assert (kept[WHEEL[0]].uploaded_at, kept[WHEEL[0]].uploaded_by) == (datetime(2019, 8, 7, 6, 5, 4, tzinfo=UTC), "jane")
    assert (kept[SDIST[0]].uploaded_at, kept[SDIST[0]].uploaded_by) == (datetime(2020, 5, 1, 10, 11, 12, tzinfo=UTC), None)


def test_the_relayed_index_of_an_export_is_left_out_unless_it_is_asked_for(here: Here, tmp_path: Path) -> None:
    root = tmp_path / "export"
    own, relayed = exported_file(root, "acme/dev", WHEEL), exported_file(root, "root/pypi", RELAYED)
    described(root, acme__dev=exported_index(own), root__pypi=exported_index(relayed, kind="mirror", yanked="a secret was in it"))

    assert imported(here.bring(root)) == [WHEEL[0]]
    assert imported(here.bring(root, "--devpi-index", "root/pypi")) == [RELAYED[0]]
    assert here.files("relayed")[RELAYED[0]].yanked == Yanked("a secret was in it")


def test_a_file_that_is_not_what_the_export_says_is_refused(here: Here, tmp_path: Path) -> None:
    root = tmp_path / "export"
    wrong = exported_file(root, "acme/dev", WHEEL, hash_spec="sha256=" + "0" * 64)
    older = exported_file(root, "acme/dev", SDIST, hash_spec="", md5="0" * 32)
    described(root, acme__dev=exported_index(wrong, older))

    assert sorted(refused(here.bring(root))) == [WHEEL[0], SDIST[0]]


def test_an_export_names_files_of_its_own_directory_only(here: Here, tmp_path: Path) -> None:
    root = tmp_path / "export"
    filled(tmp_path / "secret", WHEEL)
    outside = exported_file(root, "acme/dev", SDIST) | {"relpath": f"../secret/{WHEEL[0]}"}
    missing = exported_file(root, "acme/dev", RELAYED)
    (root / missing["relpath"]).unlink()
    described(root, acme__dev=exported_index(outside, missing))

    ran = here.bring(root)

    assert refused(ran) == dict.fromkeys([WHEEL[0], RELAYED[0]], "The export names it, but does not have it.")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"indexes": 3}', "[" * 100_000])
def test_an_export_that_cannot_be_read_is_told(here: Here, tmp_path: Path, text: str) -> None:
    (tmp_path / "dataindex.json").write_text(text)

    assert (ran := here.bring(tmp_path)).code == 2, ran.out


@pytest.mark.parametrize(
    "change",
    [
        {"log": 3},
        {"log": [None, {"what": "upload", "who": ["x"], "when": ["a"]}]},
        {"log": [{"what": "upload", "who": "a\nb", "when": [2019, 99, 7, 6, 5, 4]}]},
        {"entrymapping": None},
        {"entrymapping": {"last_modified": 7, "hash_spec": 7, "md5": [], "hashes": "x"}},
        {"projectname": 3, "version": None},
    ],
)
def test_rubbish_in_an_entry_costs_what_it_would_have_told_and_no_more(here: Here, tmp_path: Path, change: dict[str, Any]) -> None:
    entry = exported_file(tmp_path / "export", "acme/dev", WHEEL)
    index = exported_index(entry)
    index["files"] = [None, "x", {}, entry | change]
    described(tmp_path / "export", acme__dev=index)

    assert imported(here.bring(tmp_path / "export")) == [WHEEL[0]]
    assert here.files("acme-app")[WHEEL[0]].uploaded_by is None


def server_directory(root: Path) -> Path:
    """Files as a devpi server keeps them; what is in its database, nobody else reads."""
    for index, (filename, content) in (("acme/dev", WHEEL), ("acme/prod", SDIST), ("root/pypi", RELAYED)):
        digest = hashlib.sha256(content).hexdigest()
        filled(root / "+files" / index / "+f" / digest[:3] / digest[3:16], (filename, content))
    filled(root / "+files" / "acme/dev/+f/abc/0123456789abc", ("acme-app-1.0.doc.zip", b"documentation"))
    (root / ".sqlite").write_bytes(b"SQLite format 3")
    return root


def test_the_files_of_a_devpi_server_come_with_the_dates_they_have_there(here: Here, tmp_path: Path) -> None:
    ran = here.bring(server_directory(tmp_path / "devpi"))

    assert ran.code == 0, ran.out
    assert ran.document["kind"] == "the directory of a devpi server"
    assert {name: file.uploaded_at for name, file in here.files("acme-app").items()} == dict.fromkeys([WHEEL[0], SDIST[0]], MOMENT)


def test_one_index_of_a_devpi_server_may_be_asked_for(here: Here, tmp_path: Path) -> None:
    root = server_directory(tmp_path / "devpi")

    assert imported(here.bring(root, "--devpi-index", "acme/prod", "--devpi-index", "root/pypi")) == sorted([SDIST[0], RELAYED[0]])
    ran = here.bring(root, "--devpi-index", "acme/none")
    assert ran.code == 2
    assert "acme/dev" in ran.document["detail"]


def test_the_same_file_on_two_devpi_indexes_is_one_file_here(here: Here, tmp_path: Path) -> None:
    root = server_directory(tmp_path / "devpi")
    filled(root / "+files/acme/prod/+f/abc/0123456789abc", WHEEL)

    ran = here.bring(root)

    assert (ran.code, ran.document["counts"]["imported"], ran.document["counts"]["already_here"]) == (0, 2, 1)
    assert (root / "+files/acme/prod/+f/abc/0123456789abc" / WHEEL[0]).stat().st_mtime == STAMP
