"""`purveyor backup` and `purveyor restore`: online, incremental, verified, and the same index afterwards."""

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from purveyor.formats.catalog_rows import TABLES
from tests.distributions import wheel
from tests.live_server import LiveServer, new_client
from tests.object_server import Bucket
from tests.safekeeping.here import here
from tests.safekeeping.seen import pages
from tests.workbench.command import environment, purveyor

LARGE = wheel("acme-app", "1.0", {"data.bin": os.urandom(1 << 20)})
SMALL = wheel("bolt", "1.0")
# Seen of upstreams, waiting to be settled, in a served folder, in the middle of a move, the version: none of it is the index.
LEFT_OUT = {
    "snapshots",
    "extracted_metadata",
    "pulled_blobs",
    "unsettled_blobs",
    "folder_files",
    "folder_metadata",
    "moving",
    "schema_version",
}


def journal(data: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(data / "purveyor.sqlite")) as database:
        return database.execute("SELECT * FROM journal ORDER BY serial").fetchall()


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index that has been used: two projects, a yank, a deletion, an index more."""
    path = tmp_path_factory.mktemp("used") / "data"
    with LiveServer(path) as server:
        server.host(LARGE, SMALL, wheel("bolt", "2.0"), wheel("bolt", "3.0"))
        flags = ("--index-url", server.simple_url, "--data", path)
        for command in (("yank", "bolt==1.0", "--reason", "old"), ("delete", "bolt==2.0"), ("index", "create", "team")):
            assert here(*command, *flags).code == 0
    return path


@pytest.fixture
def data(used: Path, tmp_path: Path) -> Path:
    return shutil.copytree(used, tmp_path / "data")


def test_what_is_restored_serves_the_same_bytes_and_goes_on_from_there(data: Path, tmp_path: Path) -> None:
    with LiveServer(data) as server:
        server.host(wheel("nut", "1.0"))  # not settled yet, perhaps
        before, token = pages(server), server.token
        done = here("backup", tmp_path / "backup", "--data", data, "--json")
        assert (done.code, done.document["contents"]) == (0, 10)

    restored = tmp_path / "restored"
    assert here("restore", tmp_path / "backup", "--data", restored, "--json").code == 0
    assert journal(restored) == journal(data)
    assert here("fsck", "--data", restored, "--json").document["findings"] == []
    with LiveServer(restored) as server:
        assert pages(server) == before
        assert server.files("acme-app") == dict([LARGE])
        assert server.upload(*wheel("nut", "2.0"), token=token).status_code == 200
        flags = ("--index-url", server.simple_url, "--token-file", data / "upload-token")
        assert here("restore", "bolt==2.0", *flags).code == 0
    assert [row[0] for row in journal(restored)] == list(range(1, len(journal(data)) + 3))


def test_a_second_backup_copies_what_is_new(data: Path, tmp_path: Path) -> None:
    first = here("backup", tmp_path / "backup", "--data", data, "--json").document
    with LiveServer(data) as server:
        server.host(wheel("nut", "1.0"))
    second = here("backup", tmp_path / "backup", "--data", data, "--json").document

    assert (first["copied"], second["copied"], second["contents"] - first["contents"]) == (8, 2, 2)
    linked = tmp_path / "backup" / "blobs" / hashlib.sha256(LARGE[1]).hexdigest()[:2]
    assert [path.stat().st_nlink for path in linked.iterdir() if path.stat().st_size > 1 << 20] == [2]
    # Both can be restored.
    for number, made in enumerate((first, second)):
        assert here("restore", made["backup"], "--data", tmp_path / f"restored-{number}", "--json").document["serial"] == made["serial"]


def test_a_damaged_backup_is_refused_whatever_is_damaged(data: Path, tmp_path: Path) -> None:
    made = Path(here("backup", tmp_path / "backup", "--data", data, "--json").document["backup"])
    blob = next(path for path in (made.parent / "blobs").rglob("*") if path.is_file() and path.stat().st_size < 1 << 20)
    for number, (path, content) in enumerate(
        [
            (blob, bytes(blob.stat().st_size)),
            (blob, None),
            (next(made.parent.glob("*.rows.gz")), b"x"),
            (made, b"{}"),
        ]
    ):
        kept = path.read_bytes()
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        refused = here("restore", made, "--data", tmp_path / f"restored-{number}", "--json")
        assert (refused.code, refused.document["error"]) == (1, "upload-refused") or (content is None and refused.code)
        path.unlink(missing_ok=True)
        path.write_bytes(kept)
    # Where it was tried before, it is completed with a backup that is whole.
    assert here("restore", made, "--data", tmp_path / "restored-0", "--json").code == 0


def test_of_two_backups_of_one_second_the_one_with_more_in_it_is_restored(tmp_path: Path) -> None:
    """Names of files do not tell: as text, serial 11 comes before 9."""
    made: list[Path] = []
    with LiveServer(tmp_path / "data") as server:
        for count in (3, 8):
            server.host(*(wheel("acme", f"{count}.{number}") for number in range(count)))
            made.append(Path(here("backup", tmp_path / "backup", "--data", server.data, "--json").document["backup"]))
    moment = made[0].name.partition("-")[0]
    for path in [path for path in made[1].parent.iterdir() if path.name.startswith(made[1].stem)]:
        path.rename(path.with_name(f"{moment}-{path.name.partition('-')[2]}"))

    assert here("restore", tmp_path / "backup", "--data", tmp_path / "restored", "--json").code == 0
    with LiveServer(tmp_path / "restored") as restored:
        assert len(restored.hashes("acme")) == 3 + 8


def test_no_server_starts_over_what_is_half_restored(data: Path, tmp_path: Path) -> None:
    made = Path(here("backup", tmp_path / "backup", "--data", data, "--json").document["backup"])
    blob = next(path for path in (made.parent / "blobs").rglob("*") if path.is_file())
    blob.rename(tmp_path / "aside")
    assert here("restore", made, "--data", tmp_path / "restored", "--json").code == 1

    refused = purveyor("serve", "--data", tmp_path / "restored", "--port", "0")
    assert (refused.code, "still being filled from the backup" in refused.err) == (2, True)


def test_an_index_that_is_there_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    here("backup", tmp_path / "backup", "--data", data)

    refused = here("restore", tmp_path / "backup", "--data", data, "--json")

    assert (refused.code, "There is an index in" in refused.document["detail"]) == (2, True)


def test_a_backup_of_a_damaged_index_is_refused_until_it_is_repaired(data: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(LARGE[1]).hexdigest()
    (data / "blobs" / digest[:2] / digest[2:]).unlink()

    refused = here("backup", tmp_path / "backup", "--data", data, "--json")
    assert (refused.code, LARGE[0] in refused.document["detail"]) == (6, True)
    assert here("fsck", "--data", data, "--repair", "--json").code == 0
    assert here("backup", tmp_path / "backup", "--data", data, "--json").code == 0
    assert here("restore", tmp_path / "backup", "--data", tmp_path / "restored", "--json").code == 0


@pytest.mark.parametrize("foreign", ["a file", "another index"])
def test_a_directory_of_something_else_is_left_alone(foreign: str, data: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    if foreign == "a file":
        target.mkdir()
        (target / "letter").write_text("dear")
    else:
        with LiveServer(tmp_path / "other") as server:
            server.host(SMALL)
        here("backup", target, "--data", tmp_path / "other")
    there = sorted(target.rglob("*"))

    assert here("backup", target, "--data", data).code == 2
    assert sorted(path for path in target.rglob("*") if path.name != "partial") == there


def test_every_acknowledged_upload_is_in_a_backup_that_begins_after_it(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data") as server:
        ledger = ""
        acknowledged: list[tuple[str, bytes]] = []
        ended = threading.Event()

        def upload() -> None:
            with new_client() as client:
                while not ended.is_set():
                    file = wheel(f"project-{len(acknowledged) % 5}", f"1.{len(acknowledged)}", {"x.bin": os.urandom(2000)})
                    assert server.upload(*file, client=client).status_code == 200
                    acknowledged.append(file)

        uploader = threading.Thread(target=upload)
        uploader.start()
        try:
            for _ in range(3):
                time.sleep(0.3)
                ledger = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in acknowledged)
                assert here("backup", tmp_path / "backup", "--data", server.data, "--json").code == 0
        finally:
            ended.set()
            uploader.join()
    (tmp_path / "ledger").write_text(ledger)
    assert here("restore", tmp_path / "backup", "--data", tmp_path / "restored", "--json").code == 0
    seen = here("fsck", "--data", tmp_path / "restored", "--ledger", tmp_path / "ledger", "--json")
    assert seen.document["findings"] == []


@pytest.mark.slow
@pytest.mark.parametrize("command", ["backup", "restore"])
def test_killed_at_any_moment_the_same_again_completes_it(command: str, data: Path, tmp_path: Path) -> None:
    with LiveServer(data) as server:
        for number in range(60):
            server.host(wheel("many", f"1.{number}"))
    target, restored = tmp_path / "backup", tmp_path / "restored"
    if command == "restore":
        here("backup", target, "--data", data)
    arguments = ("backup", target, "--data", data) if command == "backup" else ("restore", target, "--data", restored)
    begun = target / "blobs" if command == "backup" else restored
    killed = 0
    for delay in (0, 0.05, 0.1):
        process = subprocess.Popen(
            [sys.executable, "-m", "purveyor", *map(str, arguments), "--json"],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with process:
            while not begun.exists() and process.poll() is None:
                time.sleep(0.001)
            time.sleep(delay)
            process.kill()
            process.communicate()
        killed += process.returncode == -signal.SIGKILL
        if process.returncode == 0:
            break
    if killed == 3:
        assert here(*arguments, "--json").code == 0
    assert killed > 0
    if command == "backup":
        assert here("restore", target, "--data", restored, "--json").code == 0
    assert here("fsck", "--data", restored, "--json").document["findings"] == []
    assert journal(restored) == journal(data)


def test_a_backup_goes_from_one_kind_of_store_to_another_and_back(
    data: Path, postgres_url: str, object_store: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LiveServer(data) as server:
        before = pages(server)
    here("backup", tmp_path / "backup", "--data", data)
    with monkeypatch.context() as there:
        there.setenv("PURVEYOR_DATABASE", postgres_url)
        there.setenv("PURVEYOR_BLOBS", object_store.url)
        far = tmp_path / "far"
        assert here("restore", tmp_path / "backup", "--data", far, "--json").document["copied"] == 8
        assert here("fsck", "--data", far, "--json").document["findings"] == []
        with LiveServer(far, database=postgres_url, blobs=object_store.url) as server:
            assert pages(server) == before
            assert server.files("acme-app") == dict([LARGE])
        refused = here("restore", tmp_path / "backup", "--data", far, "--json")
        assert (refused.code, "There is an index in" in refused.document["detail"]) == (2, True)
        assert here("backup", tmp_path / "again", "--data", far, "--json").document["contents"] == 8

    assert here("restore", tmp_path / "again", "--data", tmp_path / "near", "--json").code == 0
    assert journal(tmp_path / "near") == journal(data)
    with LiveServer(tmp_path / "near") as server:
        assert pages(server) == before


def test_every_table_and_column_is_in_a_backup_or_left_out_on_purpose(data: Path) -> None:
    with closing(sqlite3.connect(data / "purveyor.sqlite")) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")]
        columns = {name: {row[1] for row in database.execute(f"PRAGMA table_info({name})")} for name in names if name not in LEFT_OUT}

    assert {table.name: set(table.columns) for table in TABLES} == columns
