"""`purveyor import DIRECTORY`, where the directory is an index of plain files."""

import hashlib
import json
from pathlib import Path

import pytest

from purveyor.model.files import Yanked
from tests.distributions import sdist, wheel
from tests.importing.folders import filled
from tests.importing.here import MOMENT, Here, imported, refused
from tests.workbench.command import purveyor

WHEEL = wheel("acme-app", "1.0")
SDIST = sdist("acme-app", "1.0")
OTHER = wheel("other", "2.0")


def link(made: tuple[str, bytes], href: str, attributes: str = "") -> str:
    return f'<a href="{href}{made[0]}#sha256={hashlib.sha256(made[1]).hexdigest()}"{attributes}>{made[0]}</a>'


def page(folder: Path, *links: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text("<!DOCTYPE html><html><body>" + "<br>".join(links))


def test_an_html_tree_tells_yanks_and_the_files_their_dates(here: Here, tmp_path: Path) -> None:
    root = tmp_path / "web"
    filled(root / "pool", WHEEL, SDIST)
    page(root / "simple" / "acme-app", link(WHEEL, "../../pool/"), link(SDIST, "../../pool/", ' data-yanked="broken"'))

    ran = here.bring(root)

    assert ran.code == 0, ran.out
    assert ran.document["kind"] == "a static index"
    kept = here.files("acme-app")
    assert (kept[WHEEL[0]].yanked, kept[WHEEL[0]].uploaded_at) == (None, MOMENT)
    assert kept[SDIST[0]].yanked == Yanked("broken")


@pytest.mark.parametrize("name", ["index.json", "index.v1_json"])
def test_where_there_is_json_beside_the_html_it_is_the_json_that_counts(here: Here, tmp_path: Path, name: str) -> None:
    root = tmp_path / "web"
    filled(root / "files", WHEEL)
    page(root / "simple" / "acme-app", link(WHEEL, "../../files/"))
    entry = {"filename": WHEEL[0], "url": f"../../files/{WHEEL[0]}", "hashes": {}, "upload-time": "2018-01-02T03:04:05Z", "yanked": True}
    document = {
        "meta": {"api-version": "1.4"},
        "name": "acme-app",
        "files": [entry],
        "project-status": {"status": "deprecated", "reason": "use other"},
    }
    (root / "simple" / "acme-app" / name).write_text(json.dumps(document))

    assert here.bring(root).code == 0

    file = here.files("acme-app")[WHEEL[0]]
    assert (file.yanked, file.uploaded_at and file.uploaded_at.year) == (Yanked(), 2018)
    status = here.status("acme-app")
    assert status is not None
    assert (status.status, status.reason) == ("deprecated", "use other")


@pytest.mark.parametrize("href", ["http://127.0.0.1:1/elsewhere/", "/pool/", "../../pool/"])
def test_links_from_the_root_or_to_the_host_the_tree_was_on_are_found_in_the_tree(here: Here, tmp_path: Path, href: str) -> None:
    root = tmp_path / "web"
    filled(root / "pool", WHEEL)
    page(root / "simple" / "acme-app", link(WHEEL, href))

    assert imported(here.bring(root)) == [WHEEL[0]]


def test_a_tree_without_a_directory_for_its_pages_and_one_with_directories_for_initials(here: Here, tmp_path: Path) -> None:
    bare, deep = tmp_path / "bare", tmp_path / "deep"
    filled(bare / "acme-app", WHEEL)
    page(bare / "acme-app", link(WHEEL, ""))
    page(bare, '<a href="acme-app/">acme-app</a>')
    filled(deep / "packages", OTHER)
    page(deep / "simple" / "o" / "other", link(OTHER, "../../../packages/"))

    assert imported(here.bring(bare)) == [WHEEL[0]]
    assert imported(here.bring(deep)) == [OTHER[0]]


def test_a_wrong_hash_and_a_missing_file_and_a_way_out_are_refused(here: Here, tmp_path: Path) -> None:
    root = tmp_path / "web"
    filled(root / "pool", WHEEL)
    filled(tmp_path / "outside", OTHER)
    (root / "pool" / SDIST[0]).symlink_to(tmp_path / "outside" / OTHER[0])
    page(
        root / "simple" / "acme-app",
        link((WHEEL[0], b"other bytes"), "../../pool/"),
        link(SDIST, "../../pool/"),
        link(("gone-1.0.tar.gz", b""), "../../pool/"),
    )
    page(root / "simple" / "other", link(OTHER, "../../../outside/"), link(OTHER, "../../%2e%2e/outside/"))

    ran = here.bring(root)

    assert imported(ran) == []
    assert sorted(refused(ran)) == sorted([WHEEL[0], SDIST[0], "gone-1.0.tar.gz", OTHER[0]])


def test_what_purveyor_exports_it_imports_again_with_all_it_knew(here: Here, tmp_path: Path) -> None:
    first = Here(tmp_path / "first")
    first.bring(filled(tmp_path / "packages", WHEEL, SDIST, OTHER))
    assert purveyor("export", tmp_path / "tree", "--data", first.data).code == 0

    ran = here.bring(tmp_path / "tree")

    assert ran.document["counts"]["imported"] == 3
    there = {name: (file.sha256, file.uploaded_at, file.metadata_sha256) for name, file in first.files("acme-app").items()}
    assert {name: (file.sha256, file.uploaded_at, file.metadata_sha256) for name, file in here.files("acme-app").items()} == there
