"""`purveyor fsck`: damage of every kind is planted, found, and mended where that loses nothing."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.distributions import sdist, wheel
from tests.exporting.index import Index
from tests.live_server import LiveServer
from tests.object_server import Bucket
from tests.safekeeping.here import here
from tests.workbench.command import Ran, purveyor

LARGE = wheel("acme-app", "1.0", {"data.bin": os.urandom(1 << 20)})
SMALL = wheel("bolt", "1.0")
SOURCE = sdist("bolt", "1.0")

Fsck = Callable[..., Ran]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index(tmp_path / "data", LARGE, SMALL, SOURCE) as filled:
        yield filled


@pytest.fixture
def fsck(index: Index) -> Fsck:
    """In this process: starting one takes longer than the check."""
    return lambda *flags: here("fsck", "--data", index.data, "--json", *flags)


def sha256(distribution: tuple[str, bytes]) -> str:
    return hashlib.sha256(distribution[1]).hexdigest()


def blob(index: Index, digest: str) -> Path:
    return index.data / "blobs" / digest[:2] / digest[2:]


def metadata_of(index: Index, filename: str) -> str:
    file = index.app.catalog.file(filename)
    assert file is not None
    assert file.metadata_sha256 is not None
    return file.metadata_sha256


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def sql(index: Index, *statements: str) -> None:
    with closing(sqlite3.connect(index.data / "purveyor.sqlite", isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


def found(ran: Ran, key: str = "findings") -> list[tuple[str, str]]:
    """What was found, and about which file or project."""
    return [(finding["code"], finding["filename"] or finding["project"]) for finding in ran.document[key]]


def test_an_index_in_order_has_no_findings(fsck: Fsck, index: Index) -> None:
    index.host([wheel("nut", "1.0")], settled=False)

    seen = fsck()

    assert (seen.code, seen.document["clean"], found(seen)) == (0, True, []), seen
    assert seen.document["contents"] == 7  # four files, and the metadata of three projects
    assert purveyor("fsck", "--data", index.data).out.endswith("all in order.\n")


def test_a_bit_turned_over_is_found_and_the_file_taken_out_until_the_same_bytes_come_again(fsck: Fsck, index: Index) -> None:
    flip(blob(index, sha256(LARGE)))

    assert found(fsck("--quick")) == []  # its size is right
    seen = fsck()
    assert (seen.code, found(seen)) == (1, [("file-wrong", LARGE[0])])
    repaired = fsck("--repair")
    assert (repaired.code, found(repaired), found(repaired, "left")) == (0, [("file-wrong", LARGE[0])], [])

    assert index.app.catalog.file(LARGE[0]) is None
    [last] = index.app.catalog.journal(None, None, None, 1)
    assert (last.actor, last.action, last.filename) == ("fsck", "delete", LARGE[0])
    assert (index.data / "damaged" / sha256(LARGE)).stat().st_size == len(LARGE[1])
    index.host([LARGE])
    assert (fsck().code, index.app.catalog.file(LARGE[0]) is not None) == (0, True)


def test_a_file_whose_content_is_gone_comes_back_with_it(fsck: Fsck, index: Index, tmp_path: Path) -> None:
    place = blob(index, sha256(SMALL))
    place.rename(tmp_path / "elsewhere")

    assert found(fsck("--quick")) == [("file-missing", SMALL[0])]
    repaired = fsck("--repair")
    assert (repaired.code, repaired.document["unrestorable"]) == (0, 1)

    with LiveServer(index.data) as server:
        flags = ("--index-url", server.simple_url, "--data", index.data)
        refused = purveyor("restore", SMALL[0], *flags)
        assert (refused.code, refused.err.splitlines()[0]) == (
            1,
            f"Error: The content of {SMALL[0]} is gone. Upload the same file again: that brings it back.",
        )
        (tmp_path / "elsewhere").rename(place)
        assert purveyor("restore", SMALL[0], *flags).code == 0
        assert server.files("bolt")[SMALL[0]] == SMALL[1]
    assert fsck().code == 0


def test_metadata_that_is_gone_or_wrong_is_taken_from_the_file_again(fsck: Fsck, index: Index) -> None:
    blob(index, metadata_of(index, LARGE[0])).unlink()
    flip(blob(index, metadata_of(index, SMALL[0])))

    seen = fsck("--repair")

    # The sdist says the same of itself as the wheel, in one blob.
    assert sorted(found(seen)) == [("metadata-missing", LARGE[0]), ("metadata-wrong", SMALL[0]), ("metadata-wrong", SOURCE[0])]
    assert (seen.code, found(seen, "left")) == (0, [])


def test_metadata_that_is_not_that_in_the_file_is_found(fsck: Fsck, index: Index) -> None:
    other = metadata_of(index, LARGE[0])
    sql(index, f"UPDATE files SET metadata_sha256 = '{other}' WHERE filename = '{SMALL[0]}'")

    assert found(fsck()) == [("metadata-differs", SMALL[0])]


def test_a_gap_in_the_journal_and_a_serial_that_is_not_the_newest_are_found(fsck: Fsck, index: Index) -> None:
    sql(index, "DELETE FROM journal WHERE serial = 4", "UPDATE projects SET serial = 1 WHERE name = 'bolt'")

    seen = fsck()
    assert found(seen) == [("journal-gap", ""), ("serial-wrong", "bolt")]
    assert "entry 4 is not there" in seen.document["findings"][0]["what"]
    repaired = fsck("--repair")
    assert found(repaired, "left") == [("journal-gap", "")]
    [last] = index.app.catalog.journal(None, None, None, 1)
    assert (last.actor, last.action, last.project) == ("fsck", "repair", "bolt")


def test_a_file_of_a_project_that_has_no_row_is_found(fsck: Fsck, index: Index) -> None:
    sql(index, "PRAGMA foreign_keys = OFF", "DELETE FROM projects WHERE name = 'bolt'")

    assert found(fsck()) == [("row-without-owner", name) for name in sorted((SMALL[0], SOURCE[0]))]


def test_a_page_that_cannot_be_made_or_says_something_else_is_found(fsck: Fsck, index: Index) -> None:
    sql(index, f"UPDATE files SET version = 'what' WHERE filename = '{SMALL[0]}'")

    seen = fsck()

    assert found(seen) == [("page-wrong", "bolt")]


def test_what_waits_to_be_settled_must_have_its_hash(fsck: Fsck, index: Index) -> None:
    nut = wheel("nut", "1.0")
    index.host([nut], settled=False)
    sql(index, f"UPDATE unsettled_blobs SET content = x'00' WHERE sha256 = '{sha256(nut)}'")

    seen = fsck("--repair")

    assert found(seen) == [("unsettled-wrong", ""), ("file-wrong", nut[0])]
    assert (seen.code, found(seen, "left")) == (0, [])


def test_a_copy_of_an_upstreams_file_may_be_gone_but_not_wrong(fsck: Fsck, index: Index) -> None:
    gone, wrong = "a" * 64, "b" * 64
    sql(index, *(f"INSERT INTO pulled_blobs VALUES ('{digest}', 3, 0)" for digest in (gone, wrong)))
    blob(index, wrong).write_bytes(b"abc")

    seen = fsck("--repair")

    assert [finding["sha256"] for finding in seen.document["findings"]] == [wrong]
    assert (seen.code, blob(index, wrong).exists()) == (0, False)


def test_orphans_are_counted_and_harmless_and_go_with_a_repair(fsck: Fsck, index: Index) -> None:
    index.remove(LARGE[0])
    for path in (index.data / "blobs").rglob("*"):
        os.utime(path, (time.time() - 7200,) * 2)

    seen = fsck()
    assert (seen.code, seen.document["orphans"]["count"]) == (0, 2)
    assert (fsck("--repair").code, blob(index, sha256(LARGE)).exists()) == (0, False)


def test_a_damaged_database_is_found(fsck: Fsck, index: Index) -> None:
    other = "CREATE INDEX files_of_project ON files (index_name, version)"
    sql(index, "PRAGMA writable_schema = ON", f"UPDATE sqlite_schema SET sql = '{other}' WHERE name = 'files_of_project'")

    assert "database-damaged" in {code for code, _ in found(fsck())}


def test_a_store_that_is_away_is_not_taken_for_lost_files(fsck: Fsck, index: Index) -> None:
    index.host([wheel("many", f"1.{number}") for number in range(10)])
    (index.data / "blobs").rename(index.data / "unmounted")
    (index.data / "blobs").mkdir()

    refused = fsck("--repair")

    assert (refused.code, refused.document["error"]) == (6, "store-failed")
    assert index.app.catalog.file(SMALL[0]) is not None


def test_a_damaged_object_is_found_though_a_right_copy_is_near(
    object_store: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PURVEYOR_BLOBS", object_store.url)
    with LiveServer(tmp_path / "data", blobs=object_store.url) as server:
        server.host(LARGE)
        assert server.files("acme-app") == dict([LARGE])
        key = next(key for key, size in object_store.objects().items() if size == len(LARGE[1]))
        object_store.put(key, bytes(len(LARGE[1])))
        flags = ("--data", server.data, "--json")

        assert found(here("fsck", *flags)) == [("file-wrong", LARGE[0])]
        repaired = here("fsck", "--repair", *flags)
        assert (repaired.code, server.files("acme-app")) == (0, {})
        server.host(LARGE)
        assert here("fsck", *flags).code == 0


def test_every_acknowledged_upload_of_a_ledger_must_be_offered(fsck: Fsck, index: Index, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    ledger.write_text(f"{sha256(LARGE)}  {LARGE[0]}\n{'0' * 64}  {SMALL[0]}\n{'1' * 64}  never-1.0.tar.gz\n")

    seen = fsck("--ledger", ledger)

    assert found(seen) == [("upload-lost", SMALL[0]), ("upload-lost", "never-1.0.tar.gz")]


def test_it_says_what_is_wrong_why_and_what_to_do(index: Index) -> None:
    blob(index, sha256(LARGE)).unlink()

    seen = purveyor("fsck", "--data", index.data)

    assert seen.code == 1
    assert seen.out.splitlines()[:2] == [
        f"file-missing: The content of {LARGE[0]} on default is not in the store (sha256 {sha256(LARGE)}).",
        "  Whoever asks for the file gets an error.",
    ]
    assert seen.out.splitlines()[-1].endswith("1 thing is not in order.")
    repaired = purveyor("fsck", "--data", index.data, "--repair")
    assert f"Will do: Take {LARGE[0]} out of what default offers; its name stays taken." in repaired.err


def test_a_server_that_takes_uploads_meanwhile_gives_no_finding(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data") as server:
        for number in range(20):
            server.host(wheel(f"project-{number % 3}", f"1.{number}"))
            if number % 5 == 0:
                seen = here("fsck", "--data", server.data, "--json")
                assert found(seen) == []


def test_a_path_without_an_index_is_a_sentence(tmp_path: Path) -> None:
    seen = purveyor("fsck", "--data", tmp_path / "mistyped")

    assert (seen.code, (tmp_path / "mistyped").exists()) == (2, False)
