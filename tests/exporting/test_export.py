"""What is exported, what exporting again writes, and what is refused."""

import json
import os
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urljoin

import pytest

from purveyor.formats import representation
from purveyor.model.projects import Status
from tests.distributions import sdist, wheel
from tests.exporting.index import LIST, Index, changed, contents, inodes, pages_of, wheels
from tests.live_server import LiveServer
from tests.workbench.command import Ran, environment, purveyor

Export = Callable[..., Ran]

ACME = wheel("acme-app", "1.0", metadata=["Requires-Python: >=3.8,<4"])
LOCAL = wheel("acme-app", "1.1+local.1")
BOLT = sdist("bolt", "2.0")
LARGE = wheel("crate", "1.0", {"data.bin": os.urandom(1 << 20)})


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "a tree" / "below"


@pytest.fixture
def export(tmp_path: Path, tree: Path) -> Export:
    return lambda *flags, data=tmp_path / "data": purveyor("export", tree, "--data", data, *flags)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index(tmp_path / "data", ACME, LOCAL, BOLT, LARGE) as filled:
        yield filled


def live_page(server: LiveServer, path: str, media_type: str) -> bytes:
    return server.http.get(f"{server.simple_url}{path}", headers={"Accept": media_type, "Accept-Encoding": "identity"}).content


@pytest.mark.parametrize(("form", "media_type"), [("html", representation.HTML), ("json", representation.JSON)])
def test_every_exported_page_is_the_live_one_byte_for_byte(form: str, media_type: str, export: Export, index: Index, tree: Path) -> None:
    index.host(wheels("held", "old", "stopped"))
    index.set_status("held", Status.QUARANTINED, "malware <&> worse")
    index.set_status("old", Status.DEPRECATED)
    index.set_status("stopped", Status.ARCHIVED, "no longer needed")
    projects = ("acme-app", "bolt", "crate", "held", "old", "stopped")

    with LiveServer(index.data) as server:
        assert export().code == 0
        live = {f"simple/{name}/index.{form}": live_page(server, f"{name}/", media_type) for name in projects}
        live[f"simple/index.{form}"] = live_page(server, "", media_type)

    assert {path: page for path, page in contents(tree).items() if path.endswith(f".{form}")} == live


def test_links_lead_to_the_files_and_to_their_metadata_below_any_prefix(export: Export, index: Index, tree: Path) -> None:
    assert export().code == 0

    found = contents(tree)
    for project, distributions in (("acme-app", (ACME, LOCAL)), ("bolt", (BOLT,)), ("crate", (LARGE,))):
        page = json.loads(found[f"simple/{project}/index.json"])
        assert [file["filename"] for file in page["files"]] == [name for name, _ in distributions]
        for file, (_, content) in zip(page["files"], distributions, strict=True):
            path = unquote(urljoin(f"/simple/{project}/", file["url"])).removeprefix("/")
            assert found[path] == content
            assert (f"{path}.metadata" in found) == bool(file["core-metadata"])


def test_files_are_links_to_what_the_index_keeps_and_can_be_read_by_others(export: Export, index: Index, tree: Path) -> None:
    assert export().code == 0

    files = [path for path in tree.rglob("packages/**/*") if path.is_file()]
    kept = {path.stat().st_ino for path in (index.data / "blobs").rglob("*") if path.is_file()}
    umask = os.umask(0)
    os.umask(umask)
    assert {path.stat().st_ino for path in files} == kept
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o444 & ~umask}


def test_content_that_waits_to_be_settled_is_exported_too(export: Export, index: Index, tree: Path, tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data") as server:
        for version in range(5):
            server.host(wheel("quick", f"1.{version}"))
            assert export().code == 0
            page = json.loads((tree / "simple/quick/index.json").read_bytes())
            assert [(tree / "simple/quick" / unquote(file["url"])).stat().st_size for file in page["files"]] == [
                file["size"] for file in page["files"]
            ]


def test_exporting_again_after_one_upload_writes_that_projects_pages_and_nothing_else(export: Export, index: Index, tree: Path) -> None:
    export()
    before = inodes(tree)

    index.host([wheel("bolt", "3.0")])
    again = export("--json")

    written = changed(before, inodes(tree))
    new = {path for path in written if path.startswith("packages/")}
    assert written - new == pages_of("bolt")
    assert sorted(path.rpartition("/")[2] for path in new) == ["bolt-3.0-py3-none-any.whl", "bolt-3.0-py3-none-any.whl.metadata"]
    assert {key: again.document[key] for key in ("projects", "files", "list")} == {"projects": 1, "files": 1, "list": False}


def test_a_new_project_also_writes_the_list(export: Export, index: Index, tree: Path) -> None:
    export()
    before = inodes(tree)

    index.host(wheels("dome"))
    export()

    assert {path for path in changed(before, inodes(tree)) if not path.startswith("packages/")} == pages_of("dome") | LIST


def test_exporting_again_without_a_change_writes_nothing(export: Export, index: Index, tree: Path) -> None:
    export()
    before = inodes(tree)

    again = export()

    assert "nothing has changed" in again.out
    assert changed(before, inodes(tree)) == set()


def test_what_is_removed_from_the_index_is_removed_from_the_tree(export: Export, index: Index, tree: Path) -> None:
    export()

    index.remove(LOCAL[0], BOLT[0])
    export()

    left = contents(tree)
    assert {path.rpartition("/")[2].removesuffix(".metadata") for path in left if path.startswith("packages/")} == {ACME[0], LARGE[0]}
    assert {path for path in left if path.startswith("simple/")} == LIST | pages_of("acme-app") | pages_of("crate")
    assert not (tree / "simple" / "bolt").exists()
    assert all(list(folder.iterdir()) for folder in tree.rglob("*") if folder.is_dir())


def test_a_quarantined_project_keeps_its_page_and_loses_its_files(export: Export, index: Index, tree: Path) -> None:
    export()

    index.set_status("acme-app", Status.QUARANTINED)
    export()

    assert json.loads((tree / "simple/acme-app/index.json").read_bytes())["files"] == []
    assert not [path for path in contents(tree) if "acme_app" in path]
    assert b"acme-app" not in (tree / "simple/index.json").read_bytes()


def test_a_directory_with_anything_else_in_it_is_refused_and_left_alone(export: Export, index: Index, tree: Path) -> None:
    tree.mkdir(parents=True)
    (tree / "thesis.txt").write_text("years of work")

    refused = export()

    assert refused.code == 2
    assert "not empty" in refused.err
    assert "Name a directory that is empty" in refused.err
    assert contents(tree) == {"thesis.txt": b"years of work"}


def test_what_others_put_beside_an_export_stays(export: Export, index: Index, tree: Path) -> None:
    export()
    (tree / "robots.txt").write_text("User-agent: *\n")
    (tree / "packages" / "README").write_text("files\n")

    index.remove(BOLT[0])
    assert export().code == 0

    assert {"robots.txt", "packages/README"} <= contents(tree).keys()


def test_an_export_of_another_index_is_refused_and_left_alone(export: Export, index: Index, tree: Path, tmp_path: Path) -> None:
    export()
    before = inodes(tree)
    with Index(tmp_path / "other", *wheels("dome")):
        refused = export(data=tmp_path / "other")

    assert refused.code == 2
    assert "export of another index" in refused.err
    assert changed(before, inodes(tree)) == set()


def test_a_data_directory_that_moved_is_the_same_index(export: Export, index: Index, tree: Path, tmp_path: Path) -> None:
    export()
    before = inodes(tree)
    index.app.catalog.close()
    shutil.move(tmp_path / "data", tmp_path / "moved")

    assert export(data=tmp_path / "moved").code == 0

    assert changed(before, inodes(tree)) == set()


def test_a_database_that_was_put_back_is_followed_back(export: Export, index: Index, tree: Path, tmp_path: Path) -> None:
    export()
    expected = contents(tree)
    index.app.catalog.close()
    shutil.copytree(tmp_path / "data", tmp_path / "backup")
    with Index(tmp_path / "data") as later:
        later.host([wheel("acme-app", "9.0"), *wheels("dome", "eave")])
        later.remove(BOLT[0])
    export()

    shutil.rmtree(tmp_path / "data")
    shutil.move(tmp_path / "backup", tmp_path / "data")

    assert export().code == 0
    assert contents(tree) == expected


@pytest.mark.parametrize("rubbish", [b"", b"\x00\xff", b"{}", b"[1]", b'{"source": "x", "later": 1}'])
def test_a_damaged_note_is_told_from_an_export(rubbish: bytes, export: Export, index: Index, tree: Path) -> None:
    export()
    (tree / ".purveyor-export").write_bytes(rubbish)

    refused = export()

    assert refused.code == 2
    assert "cannot be understood" in refused.err


def test_two_exports_to_one_directory_at_once_are_refused(export: Export, index: Index, tree: Path, tmp_path: Path) -> None:
    export()
    command = [sys.executable, "-m", "purveyor", "export", str(tree), "--data", str(tmp_path / "data"), "--watch"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as watching:
        assert watching.stdout is not None
        watching.stdout.readline()
        refused = export()
        watching.kill()

    assert refused.code == 2
    assert "Another process is exporting" in refused.err


def test_a_path_without_an_index_is_refused_and_does_not_become_one(export: Export, tree: Path, tmp_path: Path) -> None:
    refused = export(data=tmp_path / "mistyped")

    assert refused.code == 2
    assert "There is no index in" in refused.err
    assert not (tmp_path / "mistyped").exists()
    assert not tree.exists()


def test_a_directory_that_cannot_be_made_is_a_sentence(export: Export, index: Index, tree: Path) -> None:
    tree.parent.write_text("a file")

    refused = export()

    assert refused.code == 6
    assert "cannot be written: Not a directory." in refused.err
    assert "Traceback" not in refused.err


def test_a_full_disk_is_a_sentence_and_the_next_export_goes_on(index: Index, export: Export, tree: Path, tmp_path: Path) -> None:
    index.host(wheel("crate", f"2.{number}") for number in range(300))
    command = [sys.executable, "-m", "purveyor", "export", str(tree), "--data", str(tmp_path / "data")]
    refused = subprocess.run(
        command,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16)),
    )

    assert refused.returncode == 6
    assert "There is no room left for the export" in refused.stderr
    assert export().code == 0
    assert len(json.loads((tree / "simple/crate/index.json").read_bytes())["files"]) == 301
    assert {path.name for path in tree.iterdir()} == {".purveyor-export", "simple", "packages"}


def test_a_served_folder_is_exported_by_copying_and_followed(tmp_path: Path, tree: Path) -> None:
    folder, data = tmp_path / "folder", tmp_path / "data"
    folder.mkdir()
    for name, content in (ACME, BOLT):
        (folder / name).write_bytes(content)
    export = ("export", tree, "--folder", folder, "--data", data)

    assert purveyor(*export).code == 0
    (folder / LOCAL[0]).write_bytes(LOCAL[1])
    (folder / BOLT[0]).unlink()
    assert purveyor(*export).code == 0

    assert (folder / ACME[0]).stat().st_nlink == 1
    found = contents(tree)
    assert {path.rpartition("/")[2]: content for path, content in found.items() if path.endswith(".whl")} == dict([ACME, LOCAL])
    assert {path for path in found if path.startswith("simple/")} == LIST | pages_of("acme-app")
    assert not [path for path in found if "bolt" in path]
