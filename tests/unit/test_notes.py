"""What was learnt of remote indexes is known at once, and written down later."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from purveyor.adapters.file_gate import FileGate
from purveyor.adapters.local_blobs import LocalBlobs
from purveyor.adapters.snapshots import SqlSnapshots
from purveyor.adapters.sqlite import Database
from purveyor.interfaces import Snapshot, Validators
from purveyor.model.names import normalize
from purveyor.model.projects import ProjectDetail, ProjectStatus
from purveyor.serving.notes import Notes
from purveyor.testing.contracts import new_file

_UPSTREAM, _ACME, _NOON = "http://upstream.example/simple/", normalize("acme"), datetime(2026, 1, 1, 12, tzinfo=UTC)
_WHEEL = new_file("acme-1.0-py3-none-any.whl").file
_SNAPSHOT = Snapshot(ProjectDetail(_ACME, "Acme", ProjectStatus(), (_WHEEL,), 1), Validators('"one"', None), _NOON)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "catalog.sqlite")
    yield database
    database.close()


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path, FileGate(tmp_path / "gate"))


@pytest.fixture
def notes(database: Database, blobs: LocalBlobs) -> Notes:
    return Notes(SqlSnapshots(database), blobs)


def test_the_newest_word_on_a_project_counts_before_it_is_written_down_and_after(notes: Notes, database: Database) -> None:
    kept, later = SqlSnapshots(database), _NOON + timedelta(hours=1)
    notes.put(_UPSTREAM, _SNAPSHOT)
    assert (notes.snapshot(_UPSTREAM, _ACME), kept.get(_UPSTREAM, _ACME)) == (_SNAPSHOT, None)
    notes.renew(_UPSTREAM, _ACME, later)
    renewed = replace(_SNAPSHOT, fresh_until=later)
    assert notes.snapshot(_UPSTREAM, _ACME) == renewed
    notes.write_down()
    assert notes.snapshot(_UPSTREAM, _ACME) == kept.get(_UPSTREAM, _ACME) == renewed
    notes.renew(_UPSTREAM, _ACME, _NOON)
    assert (notes.snapshot(_UPSTREAM, _ACME), kept.get(_UPSTREAM, _ACME)) == (_SNAPSHOT, renewed)
    notes.forget(_UPSTREAM, _ACME)
    assert (notes.snapshot(_UPSTREAM, _ACME), kept.get(_UPSTREAM, _ACME)) == (None, renewed)
    notes.write_down()
    assert kept.get(_UPSTREAM, _ACME) is None


def test_metadata_is_offered_by_its_digest_only_once_its_content_is_kept(notes: Notes, blobs: LocalBlobs) -> None:
    digest = sha256(b"Name: acme\n").hexdigest()
    notes.add_metadata(_WHEEL, b"Name: acme\n", digest)
    assert (notes.metadata(_WHEEL.sha256), notes.extracted(_ACME), blobs.exists(digest)) == ((b"Name: acme\n", digest), {}, False)
    notes.write_down()
    assert (notes.metadata(_WHEEL.sha256), notes.extracted(_ACME), blobs.exists(digest)) == (None, {_WHEEL.sha256: digest}, True)


def test_a_busy_server_writes_down_now_and_then_a_quiet_one_at_once(notes: Notes, database: Database) -> None:
    notes.put(_UPSTREAM, _SNAPSHOT)
    for _ in range(29):
        notes.write_down_when_quiet(quiet=False)
    assert SqlSnapshots(database).get(_UPSTREAM, _ACME) is None
    notes.write_down_when_quiet(quiet=False)
    assert SqlSnapshots(database).get(_UPSTREAM, _ACME) == _SNAPSHOT
    notes.forget(_UPSTREAM, _ACME)
    notes.write_down_when_quiet(quiet=True)
    assert SqlSnapshots(database).get(_UPSTREAM, _ACME) is None


def test_what_cannot_be_written_down_is_let_go_of_with_a_word(notes: Notes, database: Database, caplog: pytest.LogCaptureFixture) -> None:
    database.write(lambda connection: connection.execute("DROP TABLE snapshots"))
    notes.put(_UPSTREAM, _SNAPSHOT)
    with caplog.at_level(logging.WARNING):
        notes.write_down()
    assert "is not written down" in caplog.text
    caplog.clear()
    notes.write_down()
    assert caplog.text == ""
