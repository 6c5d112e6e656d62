"""What a bundle is made of, and what comes out of it on the other side."""

import subprocess
import tarfile
from pathlib import Path

from purveyor.model.files import Yanked
from purveyor.testing.fake_index import FakeIndex
from tests.bundles.conftest import FAMILY, bring, create, files, pylock, uv_lock
from tests.importing.here import Here
from tests.live_server import LiveServer

ALL = sorted(filename for filename, _ in FAMILY)


def test_a_lock_of_uv_gives_every_file_that_it_names_and_all_arrive(index: FakeIndex, there: Here, tmp_path: Path) -> None:
    bundle = tmp_path / "acme.tar"
    assert files(create(uv_lock(index, tmp_path), output=bundle)) == ALL

    arrived = bring(bundle, there)

    assert sorted(arrived.document["added"]) == ALL
    content = dict(FAMILY)
    for project in ("acme-app", "acme-core", "winonly"):
        for filename, file in there.files(project).items():
            assert there.content(file) == content[filename]
            assert file.uploaded_at is not None
            assert file.origin == f"{index.root_url}/files/{filename}"


def test_a_pylock_gives_every_file_that_it_names(index: FakeIndex, tmp_path: Path) -> None:
    lock = pylock(index, tmp_path, "--universal", "--python-version", "3.11")

    assert files(create(lock, output=tmp_path / "acme.tar")) == ALL


def test_a_second_import_adds_nothing(index: FakeIndex, there: Here, tmp_path: Path) -> None:
    bundle = tmp_path / "acme.tar"
    create(uv_lock(index, tmp_path), output=bundle)
    bring(bundle, there)
    serial = there.serial()

    again = bring(bundle, there)

    assert (again.document["added"], again.document["already_here"], there.serial()) == ([], len(ALL), serial)


def test_yanks_come_along_and_so_does_a_status(index: FakeIndex, there: Here, tmp_path: Path) -> None:
    index.add(*FAMILY[0]).yanked = "use 2.0"
    index.files = [file for file in index.files if file.filename != FAMILY[0][0] or file.yanked]
    index.status["winonly"] = "archived"
    bundle = tmp_path / "acme.tar"
    lock = uv_lock(index, tmp_path)
    assert create(lock, output=bundle).code == 0

    assert bring(bundle, there).code == 0

    assert there.files("acme-app")[FAMILY[0][0]].yanked == Yanked("use 2.0")
    status = there.status("winonly")
    assert status is not None
    assert status.status == "archived"


def test_anybody_can_unpack_a_bundle_and_check_it(index: FakeIndex, tmp_path: Path) -> None:
    bundle, folder = tmp_path / "acme.tar", tmp_path / "unpacked"
    create(uv_lock(index, tmp_path), output=bundle)
    with tarfile.open(bundle) as archive:
        assert archive.getnames()[:2] == ["manifest.json", "SHA256SUMS"]
        archive.extractall(folder, filter="data")

    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    assert {path.name for path in folder.glob("packages/*/*/*/*")} >= set(ALL)
    assert (folder / "simple" / "acme-core" / "index.html").is_file()


def test_the_same_content_gives_the_same_bytes(index: FakeIndex, tmp_path: Path) -> None:
    lock = uv_lock(index, tmp_path)
    one, other = tmp_path / "one.tar", tmp_path / "other.tar"

    for output in (one, other):
        assert create(lock, output=output, SOURCE_DATE_EPOCH="1700000000").code == 0

    assert one.read_bytes() == other.read_bytes()


def test_a_running_server_offers_what_was_imported_beside_it(index: FakeIndex, tmp_path: Path, server: LiveServer) -> None:
    bundle = tmp_path / "acme.tar"
    create(uv_lock(index, tmp_path), output=bundle)

    assert bring(bundle, Here(server.data)).code == 0

    assert server.hashes("acme-app").keys() == {filename for filename in ALL if filename.startswith("acme_app")}
    assert server.files("winonly") == {FAMILY[-1][0]: FAMILY[-1][1]}
