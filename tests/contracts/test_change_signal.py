"""The change notice between processes, and that no reader is ever behind a commit."""

from collections.abc import Callable
from pathlib import Path

import pytest

from purveyor.adapters.catalog import SqlCatalog
from purveyor.adapters.change_signal import MappedSignal
from purveyor.adapters.sqlite import Database
from purveyor.interfaces import ChangeSignal
from purveyor.serving.following import Follower
from purveyor.testing.contracts import ChangeSignalContract, new_file
from tests.api.wire import Wire, request
from tests.distributions import wheel
from tests.live_server import LiveServer, ServerBeside


class TestMappedSignal(ChangeSignalContract):
    @pytest.fixture
    def open_signal(self, tmp_path: Path) -> Callable[[], ChangeSignal]:
        return lambda: MappedSignal(tmp_path / "changes")


def test_a_database_put_back_from_a_backup_takes_the_notice_back_with_it(tmp_path: Path) -> None:
    signal = MappedSignal(tmp_path / "changes")
    signal.raise_to(1000)
    catalog = SqlCatalog(Database(tmp_path / "catalog.sqlite"), signal)
    follower = Follower(catalog, signal)
    catalog.add_file(new_file("acme-1.0.tar.gz"), {})
    assert not follower.is_current()
    assert signal.read() == catalog.serial()
    catalog.close()


def test_a_change_that_was_seen_before_its_notice_is_told_again_with_it(tmp_path: Path) -> None:
    """Whoever read before the commit may hold what it read until the notice comes."""
    signal, late = MappedSignal(tmp_path / "changes"), MappedSignal(tmp_path / "late")
    catalog = SqlCatalog(Database(tmp_path / "catalog.sqlite"), signal)
    other = SqlCatalog(Database(tmp_path / "catalog.sqlite"), late)
    follower, told = Follower(catalog, signal), list[set[str]]()
    follower.tell(lambda changes: told.append(set(changes.projects)))
    catalog.add_file(new_file("acme-1.0.tar.gz"), {})
    other.add_file(new_file("acme-1.1.tar.gz"), {})
    follower.catch_up()
    signal.raise_to(late.read())
    follower.catch_up()
    assert told == [{"acme"}, {"acme"}]
    catalog.close()
    other.close()


def test_two_servers_over_one_directory_never_answer_with_what_was_before_an_acknowledged_upload(tmp_path: Path) -> None:
    """3,000 reads, each after a commit that was acknowledged by the one or the other: none is stale."""
    uploads, reads, stale = 100, 0, 0
    with LiveServer(tmp_path / "data") as one, ServerBeside(tmp_path / "data") as other:
        asked = [request("/simple/acme/", "GET", f"Accept-Encoding: {coding}") for coding in ("identity", "br")]
        with Wire(one.url) as to_one, Wire(other.url) as to_other:
            for number in range(uploads):
                filename, content = wheel("acme", f"1.{number}")
                (one, other)[number % 2].host((filename, content))
                for wire, data in [(to_other, asked[0]), (to_one, asked[0]), (to_other, asked[1])] * 10:
                    wire.send(data)
                    reads += 1
                    stale += filename.encode() not in wire.answer().body
    assert (reads, stale) == (3000, 0)
