"""The folder is the truth: what is in it is served, what is dropped in appears, what is taken out disappears."""

import errno
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from purveyor.adapters.folder_index import SqlFolderIndex
from purveyor.adapters.local_folder import LocalFolder
from purveyor.adapters.sqlite import Database
from purveyor.formats.archives import Limits
from purveyor.interfaces import Listing
from purveyor.publishing.folder_inspection import FolderInspection
from purveyor.publishing.folder_watch import FolderWatch
from tests.distributions import sdist, wheel
from tests.folder.served import ServedFolder, digests, put, states


def test_what_lies_in_the_folder_and_below_it_is_served(folder: Path) -> None:
    flat, deep, source = wheel("acme", "1.0"), wheel("acme", "2.0"), sdist("acme", "1.0")
    put(folder, flat)
    put(folder / "a" / "b", deep)
    put(folder / "c", source)
    with ServedFolder(folder) as server:
        assert server.hashes("acme") == digests(flat, deep, source)
        assert server.files("acme") == dict((flat, deep, source))
        page = server.http.get(server.simple_url)
    assert "acme" in page.text


def test_metadata_is_offered_beside_each_file(folder: Path) -> None:
    put(folder, wheel("acme", "1.0", metadata=["Requires-Python: >=3.9"]))
    with ServedFolder(folder) as server:
        (file,) = server.entries("acme")
        metadata = server.http.get(file["url"] + ".metadata")
        assert metadata.status_code == 200
        assert b"Requires-Python: >=3.9" in metadata.content
        assert hashlib.sha256(metadata.content).hexdigest() == file["core-metadata"]["sha256"]


def test_a_file_counts_as_uploaded_when_it_was_last_written(folder: Path) -> None:
    put(folder, wheel("acme", "1.0"))
    with ServedFolder(folder) as server:
        assert server.entries("acme")[0]["upload-time"].startswith("2023-11-14T22:13:20")


def test_nothing_is_copied_to_the_data_directory(folder: Path) -> None:
    content = wheel("acme", "1.0", {"acme.bin": os.urandom(1 << 20)})
    put(folder, content)
    with ServedFolder(folder) as server:
        assert server.files("acme") == dict((content,))
        assert sum(path.stat().st_size for path in server.data.rglob("*") if path.is_file()) < len(content[1])


def test_a_dropped_file_appears_and_a_removed_one_disappears(served: ServedFolder) -> None:
    first, second = wheel("acme", "1.0"), wheel("acme", "2.0")
    path = served.put(first)
    served.waits_for("acme", digests(first))
    served.put(second)
    served.waits_for("acme", digests(first, second))
    path.unlink()
    served.waits_for("acme", digests(second))


def test_a_project_without_files_is_gone(served: ServedFolder) -> None:
    path = served.put(wheel("acme", "1.0"))
    served.waits_for("acme", ["acme-1.0-py3-none-any.whl"])
    path.unlink()
    served.waits_for("acme", [])
    assert "acme" not in served.http.get(served.simple_url).text


def test_new_directories_are_followed_and_removed_ones_forgotten(served: ServedFolder) -> None:
    served.put(wheel("acme", "1.0"), "new/one")
    served.waits_for("acme", ["acme-1.0-py3-none-any.whl"])
    served.put(wheel("acme", "2.0"), "new/one")
    served.waits_for("acme", ["acme-1.0-py3-none-any.whl", "acme-2.0-py3-none-any.whl"])
    shutil.rmtree(served.folder / "new")
    served.waits_for("acme", [])


def test_a_directory_may_be_moved_in_and_renamed(served: ServedFolder, tmp_path: Path) -> None:
    put(tmp_path / "beside", wheel("acme", "1.0"))
    (tmp_path / "beside").rename(served.folder / "in")
    served.waits_for("acme", ["acme-1.0-py3-none-any.whl"])
    (served.folder / "in").rename(served.folder / "renamed")
    served.waits_for("acme", ["acme-1.0-py3-none-any.whl"])
    put(served.folder / "renamed", wheel("acme", "2.0"))
    served.waits_for("acme", ["acme-1.0-py3-none-any.whl", "acme-2.0-py3-none-any.whl"])


def test_the_bytes_of_a_removed_file_are_not_found_rather_than_an_error(served: ServedFolder) -> None:
    path = served.put(wheel("acme", "1.0", {"acme.bin": os.urandom(100_000)}))
    served.waits_for("acme", ["acme-1.0-py3-none-any.whl"])
    url = served.entries("acme")[0]["url"]
    path.unlink()
    assert served.http.get(url).status_code == 404


def test_other_bytes_under_the_same_name_are_served_anew(served: ServedFolder) -> None:
    old, new = wheel("acme", "1.0"), wheel("acme", "1.0", {"acme.py": "new = True\n"})
    served.put(old)
    served.waits_for("acme", digests(old))
    served.put(new)
    served.waits_for("acme", digests(new))
    assert served.files("acme") == dict((new,))


def test_a_file_overwritten_in_place_is_never_served_under_its_old_digest(served: ServedFolder) -> None:
    old, new = (wheel("acme", "1.0", {"acme.bin": os.urandom(100_000)}) for _ in range(2))
    path = served.put(old)
    served.waits_for("acme", digests(old))
    url = served.entries("acme")[0]["url"]
    path.write_bytes(new[1])
    assert served.http.get(url).status_code == 404
    served.waits_for("acme", digests(new))


def test_a_touched_file_stays_as_it_is(served: ServedFolder) -> None:
    content = wheel("acme", "1.0")
    path = served.put(content)
    served.waits_for("acme", digests(content))
    os.utime(path, (1_600_000_000, 1_600_000_000))
    served.put(wheel("bolt", "1.0"))
    served.waits_for("bolt", ["bolt-1.0-py3-none-any.whl"])
    assert served.files("acme") == dict((content,))


def test_a_start_takes_in_what_happened_while_nobody_looked(folder: Path) -> None:
    stays, goes, comes = wheel("acme", "1.0"), wheel("acme", "2.0"), wheel("acme", "3.0")
    put(folder, stays)
    path = put(folder / "sub", goes)
    with ServedFolder(folder) as server:
        assert server.hashes("acme") == digests(stays, goes)
        server.stop()
        path.unlink()
        put(folder, comes)
        server.start()
        assert server.hashes("acme") == digests(stays, comes)


def test_every_page_is_right_from_the_first_answer_on(folder: Path) -> None:
    for number in range(120):
        put(folder, wheel(f"project{number:03}", "1.0"))
    with ServedFolder(folder) as server:
        assert server.http.get(server.simple_url).text.count("<a ") == 120
        for number in (119, 0, 60):
            assert list(server.hashes(f"project{number:03}")) == [f"project{number:03}-1.0-py3-none-any.whl"]


def test_several_workers_follow_one_folder(folder: Path) -> None:
    put(folder, wheel("acme", "1.0"))
    with ServedFolder(folder, "--workers", "2") as server:
        for number in range(2, 6):
            assert len(server.hashes("acme")) == number - 1
            server.put(wheel("acme", f"{number}.0"))
            server.waits_for("acme", [f"acme-{each}.0-py3-none-any.whl" for each in range(1, number + 1)])


def test_the_folder_may_come_and_go(served: ServedFolder) -> None:
    content = wheel("acme", "1.0", {"acme.bin": os.urandom(100_000)})
    served.put(content)
    served.waits_for("acme", digests(content))
    url = served.entries("acme")[0]["url"]
    away = served.folder.with_name("away")
    served.folder.rename(away)
    served.says("The folder that is served is gone.")
    assert served.http.get(url).status_code == 503
    assert served.hashes("acme") == digests(content)
    away.rename(served.folder)
    served.put(wheel("bolt", "1.0"))
    served.waits_for("bolt", ["bolt-1.0-py3-none-any.whl"])
    assert served.files("acme") == dict((content,))


def test_the_second_start_inspects_nothing(folder: Path) -> None:
    put(folder, wheel("acme", "1.0"))
    put(folder, ("broken-1.0.tar.gz", b"no archive"))
    with ServedFolder(folder) as server:
        server.says("broken-1.0.tar.gz is not served")
        before = states(server.data)
        server.restart()
        assert len(server.hashes("acme")) == 1
        assert states(server.data) == before
        assert server.log.count("broken-1.0.tar.gz is not served") == 1


def test_a_directory_that_cannot_be_read_keeps_what_was_in_it(tmp_path: Path) -> None:
    """A superuser, as tests may be run by one, reads everything; so the folder is one whose directory refuses to be listed."""

    class Refusing(LocalFolder):
        refused = ""

        def listing(self, directory: str, known: Mapping[str, int]) -> Listing:
            if directory == self.refused and directory:
                raise PermissionError(errno.EACCES, "Permission denied")
            return super().listing(directory, known)

    put(tmp_path / "folder" / "sub", wheel("acme", "1.0"))
    database = Database(tmp_path / "catalog.sqlite")
    folder, index = Refusing(tmp_path / "folder"), SqlFolderIndex(database)

    def now() -> datetime:
        return datetime.now(UTC)

    inspection = FolderInspection(folder, index, Limits(1 << 30, 1000, 100), now)
    for refused in ("", "sub"):
        folder.refused = refused
        FolderWatch(folder, index, inspection, lambda: True, now).look_first(None)
        assert index.counts()[0] == 1
    database.close()


def test_a_folder_that_is_not_there_is_refused_with_a_remedy(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "purveyor", "serve", str(tmp_path / "nothing"), "--port", "0", "--data", str(tmp_path / "data")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert f"The folder {tmp_path / 'nothing'} is not there." in ended.stderr
    assert "Traceback" not in ended.stderr
