"""What every adapter of a port must do, as suites that its tests pass by subclassing them with one fixture.

    class TestSqlCatalog(CatalogContract):
        @pytest.fixture
        def open_catalog(self, tmp_path):
            return lambda: SqlCatalog(...)

The fixture gives a function that opens the adapter once more over the same data, as another process would.
"""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from purveyor.errors import Conflict, NotFound
from purveyor.interfaces import Catalog, ChangeSignal, NewFile
from purveyor.model.advisories import Advisory, Span
from purveyor.model.files import DistributionFile, Yanked, parse_filename
from purveyor.model.grants import Grant, Permission
from purveyor.model.indexes import DEFAULT, PYPI, Index, IndexName
from purveyor.model.journal import Action
from purveyor.model.patterns import NamePattern
from purveyor.model.policy import Override, Policy
from purveyor.model.projects import ProjectStatus, Status

_NOON = datetime(2026, 8, 1, 12, 0, 0, 123456, tzinfo=UTC)
_THREADS = 8


def new_file(filename: str, content: bytes = b"", index: IndexName = DEFAULT) -> NewFile:
    """A file about to become a row, whose every optional statement is made."""
    parsed = parse_filename(filename)
    sha256 = hashlib.sha256(content).hexdigest()
    file = DistributionFile(
        filename=filename,
        project=parsed.project,
        version=str(parsed.version),
        kind=parsed.kind,
        size=len(content),
        sha256=sha256,
        uploaded_at=_NOON,
        uploaded_by="owner",
        metadata_sha256=hashlib.sha256(sha256.encode()).hexdigest(),
        requires_python=">=3.9,<4",
    )
    return NewFile(file, filename.partition("-")[0].title(), parsed.identity, "owner", _NOON, index)


class CatalogContract:
    """`open_catalog()` opens the same catalog once more; it is empty at first."""

    def test_an_empty_catalog_has_nothing_and_its_serial_is_zero(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        assert catalog.serial() == 0
        assert list(catalog.project_names()) == []
        assert catalog.project_detail(new_file("acme-1.0.tar.gz").file.project) is None
        assert catalog.file("acme-1.0.tar.gz") is None
        assert not catalog.has_tokens()

    def test_a_file_comes_back_as_it_was_added(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog, new = open_catalog(), new_file("acme-1.0-py3-none-any.whl")
        assert catalog.add_file(new, {}) == new.file
        assert catalog.file(new.file.filename) == new.file
        detail = catalog.project_detail(new.file.project)
        assert detail is not None
        assert (detail.files, detail.serial, detail.display_name) == ((new.file,), catalog.serial(), new.display_name)

    def test_the_same_file_again_is_the_earlier_one_and_changes_nothing(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog, new = open_catalog(), new_file("acme-1.0.tar.gz")
        first, serial = catalog.add_file(new, {}), catalog.serial()
        assert catalog.add_file(new_file("acme-1.0.tar.gz"), {}) == first
        assert catalog.serial() == serial

    def test_other_bytes_or_another_spelling_are_a_conflict_and_change_nothing(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        catalog.add_file(new_file("acme-1.0.tar.gz", b"first"), {})
        serial = catalog.serial()
        for rival in (new_file("acme-1.0.tar.gz", b"other"), new_file("ACME-1.0.tar.gz", b"other"), new_file("ACME-1.0.tar.gz", b"first")):
            assert _conflicts(catalog, rival)
        assert catalog.serial() == serial

    def test_a_change_is_seen_by_every_other_reader_at_once(self, open_catalog: Callable[[], Catalog]) -> None:
        writer, reader = open_catalog(), open_catalog()
        for number in range(20):
            new = new_file(f"acme-1.{number}.tar.gz")
            writer.add_file(new, {})
            assert reader.file(new.file.filename) == new.file
            assert reader.serial() == writer.serial()

    def test_changes_name_the_projects_and_say_whether_the_list_is_another(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        catalog.add_file(new_file("acme-1.0.tar.gz"), {})
        start = catalog.serial()
        catalog.add_file(new_file("acme-2.0.tar.gz"), {})
        only_a_file = catalog.changes_since(start)
        assert (set(map(str, only_a_file.projects)), only_a_file.list_changed) == ({"acme"}, False)
        catalog.add_file(new_file("bolt-1.0.tar.gz"), {})
        both = catalog.changes_since(start)
        assert (set(map(str, both.projects)), both.list_changed, both.serial) == ({"acme", "bolt"}, True, catalog.serial())
        assert catalog.changes_since(both.serial).projects == frozenset()

    def test_an_entry_of_the_journal_is_known_again_and_taken_for_no_other(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        for filename in ("acme-1.0.tar.gz", "acme-2.0.tar.gz"):
            catalog.add_file(new_file(filename), {})
        entries = [catalog.fingerprint(serial) for serial in range(catalog.serial() + 1)]
        assert entries[0] == catalog.fingerprint(catalog.serial() + 1) == ""
        assert len(set(entries)) == len(entries)
        assert entries == [open_catalog().fingerprint(serial) for serial in range(catalog.serial() + 1)]

    def test_a_follower_misses_no_commit_of_many_writers(self, open_catalog: Callable[[], Catalog]) -> None:
        catalogs = [open_catalog(), open_catalog()]
        names = [f"project{number}-1.0.tar.gz" for number in range(120)]
        reader, seen, serial = open_catalog(), set[str](), 0
        with ThreadPoolExecutor(_THREADS) as writers:
            work = [writers.submit(catalogs[number % 2].add_file, new_file(name), {}) for number, name in enumerate(names)]
            while not all(done.done() for done in work):
                changes = reader.changes_since(serial)
                assert changes.serial >= serial
                seen, serial = seen | set(changes.projects), changes.serial
                time.sleep(0.001)  # without it, this thread would keep the interpreter from the writers
            for done in work:
                done.result()
        seen |= reader.changes_since(serial).projects
        assert seen == {name.partition("-")[0] for name in names}

    def test_of_many_rivals_for_one_name_exactly_one_is_kept(self, open_catalog: Callable[[], Catalog]) -> None:
        catalogs = [open_catalog(), open_catalog()]
        rivals = [new_file("acme-1.0.tar.gz", bytes([number])) for number in range(_THREADS)]
        with ThreadPoolExecutor(_THREADS) as writers:
            lost = list(writers.map(lambda pair: _conflicts(catalogs[pair[0] % 2], pair[1]), enumerate(rivals)))
        assert lost.count(False) == 1
        assert catalogs[0].file("acme-1.0.tar.gz") == rivals[lost.index(False)].file

    def test_projects_are_listed_by_normalised_name(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        for filename in ("zeta-1.0.tar.gz", "Acme_Two-1.0-py3-none-any.whl", "beta-1.0.tar.gz"):
            catalog.add_file(new_file(filename), {})
        assert [name for name, _ in catalog.project_names()] == ["acme-two", "beta", "zeta"]

    def test_names_between_two_are_in_the_order_of_their_characters(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        for name in ("a", "a.b", "a1", "ab", "b"):
            catalog.add_file(new_file(f"{name}-1.0.tar.gz"), {})
        assert [name for name, _ in catalog.project_names()] == sorted(["a", "a-b", "a1", "ab", "b"])
        assert list(catalog.names_between("a-", "ab")) == [("a-b", "A.B"), ("a1", "A1")]
        assert [name for name, _ in catalog.names_between("ab", None)] == ["ab", "b"]
        assert list(catalog.names_between("", "a")) == []

    def test_a_removed_file_is_gone_and_its_project_with_the_last_one(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        one, other = new_file("acme-1.0.tar.gz"), new_file("acme-2.0.tar.gz")
        for new in (one, other):
            catalog.add_file(new, {})
        serial = catalog.serial()
        assert catalog.remove_file(one.file.filename, "owner", _NOON) == one.file
        detail = catalog.project_detail(one.file.project)
        assert detail is not None
        assert (detail.files, detail.serial) == ((other.file,), catalog.serial())
        assert not catalog.changes_since(serial).list_changed
        assert catalog.remove_file(other.file.filename, "owner", _NOON) == other.file
        assert catalog.project_detail(one.file.project) is None
        assert catalog.changes_since(serial).list_changed
        assert list(catalog.project_names()) == []

    def test_removing_what_is_not_there_changes_nothing(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        assert catalog.remove_file("acme-1.0.tar.gz", "owner", _NOON) is None
        assert catalog.serial() == 0

    def test_a_removed_file_may_come_again(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog, new = open_catalog(), new_file("acme-1.0.tar.gz", b"first")
        catalog.add_file(new, {})
        catalog.remove_file(new.file.filename, "owner", _NOON)
        other = new_file("acme-1.0.tar.gz", b"other")
        assert catalog.add_file(other, {}) == other.file

    def test_a_status_is_kept_and_the_project_with_it(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog, new = open_catalog(), new_file("acme-1.0.tar.gz")
        assert not catalog.set_status(new.file.project, ProjectStatus(Status.ARCHIVED), "owner", _NOON)
        catalog.add_file(new, {})
        serial, archived = catalog.serial(), ProjectStatus(Status.ARCHIVED, "superseded")
        assert catalog.set_status(new.file.project, archived, "owner", _NOON)
        assert catalog.changes_since(serial).list_changed
        catalog.remove_file(new.file.filename, "owner", _NOON)
        detail = catalog.project_detail(new.file.project)
        assert detail is not None
        assert (detail.status, detail.files, detail.serial) == (archived, (), catalog.serial())

    def test_a_yank_is_kept_with_its_reason_and_taken_back(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog, new = open_catalog(), new_file("acme-1.0.tar.gz")
        catalog.add_file(new, {})
        for yanked in (Yanked(), Yanked("broken"), None):
            serial = catalog.serial()
            there = replace(new.file, yanked=yanked)
            assert catalog.set_yanked([new.file.filename], yanked, "owner", _NOON) == [there]
            assert open_catalog().file(new.file.filename) == there
            assert catalog.changes_since(serial).projects == {new.file.project}
            assert catalog.serial() == serial + 1

    def test_a_deleted_file_is_gone_but_its_name_stays_taken(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog, new = open_catalog(), new_file("acme-1.0.tar.gz", b"first")
        catalog.add_file(new, {})
        assert catalog.delete_files([new.file.filename], "owner", _NOON) == [new.file]
        assert catalog.file(new.file.filename) is None
        detail = catalog.project_detail(new.file.project)
        assert detail is not None
        assert detail.files == ()
        assert catalog.deleted_files(new.file.project) == [new.file]
        assert {new.file.sha256, new.file.metadata_sha256} <= set(catalog.named_blobs())
        assert _conflicts(catalog, new_file("acme-1.0.tar.gz", b"other"))
        assert _conflicts(catalog, new_file("ACME-1.0.tar.gz", b"first"))
        assert catalog.add_file(new_file("acme-1.0.tar.gz", b"first"), {}) == new.file
        assert catalog.deleted_files(new.file.project) == []

    def test_a_deleted_file_comes_back_as_it_was(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog, new = open_catalog(), new_file("acme-1.0.tar.gz")
        catalog.add_file(new, {})
        (yanked,) = catalog.set_yanked([new.file.filename], Yanked("broken"), "owner", _NOON)
        catalog.delete_files([new.file.filename], "owner", _NOON)
        assert catalog.restore_files([new.file.filename], "owner", _NOON) == [yanked]
        assert catalog.file(new.file.filename) == yanked

    def test_all_files_that_are_named_change_or_none(self, open_catalog: Callable[[], Catalog]) -> None:
        """Somebody else may have changed one of them between the choice and the change."""
        catalog, new = open_catalog(), new_file("acme-1.0.tar.gz")
        catalog.add_file(new, {})
        serial, both = catalog.serial(), [new.file.filename, "acme-9.tar.gz"]
        assert _is_not_found(lambda: catalog.set_yanked(both, Yanked(), "owner", _NOON))
        assert _is_not_found(lambda: catalog.delete_files(both, "owner", _NOON))
        assert _is_not_found(lambda: catalog.restore_files([new.file.filename], "owner", _NOON))
        assert (catalog.serial(), catalog.file(new.file.filename)) == (serial, new.file)

    def test_indexes_keep_their_settings_and_the_default_one_is_always_there(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        assert catalog.indexes() == [Index(DEFAULT, (PYPI,))]
        team = Index(
            IndexName("team/dev"),
            ("team/stable", "https://index.example/simple/"),
            (NamePattern("acme-*"),),
            volatile=True,
            policy=Policy(timedelta(days=7)),
        )
        for index in (team, replace(team, volatile=False)):
            serial = catalog.serial()
            catalog.put_index(index, "owner", _NOON)
            assert open_catalog().indexes() == [Index(DEFAULT, (PYPI,)), index]
            assert catalog.changes_since(serial).everything
        assert catalog.remove_index(team.name, "owner", _NOON)
        assert not catalog.remove_index(team.name, "owner", _NOON)
        assert catalog.indexes() == [Index(DEFAULT, (PYPI,))]

    def test_an_index_that_hosts_something_is_not_removed(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog, team = open_catalog(), IndexName("team")
        catalog.put_index(Index(team), "owner", _NOON)
        catalog.add_file(new_file("acme-1.0.tar.gz", index=team), {})
        for name in (team, DEFAULT):
            with suppress(Conflict):
                catalog.remove_index(name, "owner", _NOON)
                raise AssertionError(f"{name} was removed")

    def test_what_one_index_hosts_no_other_does(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog, team = open_catalog(), IndexName("team")
        catalog.put_index(Index(team), "owner", _NOON)
        here, there = new_file("acme-1.0.tar.gz", b"here"), new_file("acme-1.0.tar.gz", b"there", team)
        catalog.add_file(here, {})
        catalog.add_file(there, {})
        catalog.add_file(new_file("bolt-1.0.tar.gz", index=team), {})
        assert catalog.file("acme-1.0.tar.gz") == here.file
        assert catalog.file("acme-1.0.tar.gz", team) == there.file
        assert catalog.file("bolt-1.0.tar.gz") is None
        assert [name for name, _ in catalog.project_names()] == ["acme"]
        assert [name for name, _ in catalog.project_names(team)] == ["acme", "bolt"]
        catalog.delete_files(["acme-1.0.tar.gz"], "owner", _NOON, team)
        assert catalog.file("acme-1.0.tar.gz") == here.file

    def test_a_file_that_replaces_takes_the_place_of_other_bytes(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        first, other = new_file("acme-1.0.tar.gz", b"first"), replace(new_file("ACME-1.0.tar.gz", b"other"), replaces=True)
        catalog.add_file(first, {})
        assert catalog.add_file(other, {}) == other.file
        assert catalog.file(first.file.filename) is None
        catalog.delete_files([other.file.filename], "owner", _NOON)
        assert catalog.add_file(replace(first, replaces=True), {}) == first.file
        assert catalog.deleted_files(first.file.project) == []

    def test_an_override_is_kept_until_it_is_removed(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog, acme = open_catalog(), new_file("acme-1.0.tar.gz").file.project
        override = Override(acme, "1.0", _NOON + timedelta(days=1), "owner", _NOON, "urgent")
        for there in (override, replace(override, until=_NOON + timedelta(days=2))):
            serial = catalog.serial()
            catalog.put_override(there)
            assert open_catalog().overrides(acme) == [there]
            assert catalog.changes_since(serial).projects == {acme}
        assert catalog.overrides(acme, IndexName("team")) == []
        assert catalog.remove_override(acme, "1.0", "owner", _NOON)
        assert not catalog.remove_override(acme, "1.0", "owner", _NOON)
        assert catalog.overrides(acme) == []

    def test_advisories_are_replaced_as_a_whole(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog, acme = open_catalog(), new_file("acme-1.0.tar.gz").file.project
        first = Advisory(acme, "X-1", "bad", frozenset({"1", "1.1"}), (Span("0", fixed="2.0"), Span("3.0", last="3.1"), Span("4")))
        assert catalog.replace_advisories([first, replace(first, identifier="X-2")], "owner", _NOON) == 2  # noqa: PLR2004 - the two
        assert catalog.advisories(acme) == [first, replace(first, identifier="X-2")]
        serial = catalog.serial()
        assert catalog.replace_advisories([replace(first, identifier="X-3")], "owner", _NOON) == 1
        assert catalog.advisories(acme) == [replace(first, identifier="X-3")]
        assert catalog.changes_since(serial).everything

    def test_the_newest_entry_of_a_kind_says_who_did_it(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        assert catalog.last_change(Action.SET_INDEX) is None
        for actor in ("one", "other"):
            catalog.put_index(Index(DEFAULT), actor, _NOON)
        catalog.add_file(new_file("acme-1.0.tar.gz"), {})
        entry = catalog.last_change(Action.SET_INDEX)
        assert entry is not None
        assert (entry.actor, entry.at, entry.index, entry.serial) == ("other", _NOON, DEFAULT, 2)

    def test_every_blob_of_a_row_is_named(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog, new = open_catalog(), new_file("acme-1.0.tar.gz")
        catalog.add_file(new, {"waiting": b"content"})
        assert list(catalog.named_blobs()) == sorted([new.file.sha256, str(new.file.metadata_sha256), "waiting"])

    def test_what_came_with_a_row_waits_until_it_is_forgotten(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        catalog.add_file(new_file("acme-1.0.tar.gz"), {"a": b"one", "b": b"three"})
        assert open_catalog().unsettled_blobs(10) == {"a": b"one", "b": b"three"}
        assert len(catalog.unsettled_blobs(1)) == 1
        assert (catalog.unsettled_blob("a"), catalog.unsettled_blob("c"), catalog.unsettled_size()) == (b"one", None, 8)
        catalog.forget_unsettled(["a"])
        assert catalog.unsettled_blobs(10) == {"b": b"three"}

    def test_what_comes_with_a_refused_row_is_not_kept(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        catalog.add_file(new_file("acme-1.0.tar.gz", b"first"), {})
        assert _conflicts(catalog, new_file("acme-1.0.tar.gz", b"other"), {"a": b"one"})
        assert catalog.unsettled_blobs(10) == {}

    def test_a_token_gives_its_grant_and_no_other_does(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        grant = Grant("ci", frozenset({Permission.UPLOAD}), _NOON + timedelta(days=1))
        catalog.add_token(b"digest", grant, _NOON)
        assert open_catalog().grant(b"digest") == grant
        assert catalog.grant(b"digesT") is None
        assert catalog.has_tokens()

    def test_counts_are_of_all_there_is(self, open_catalog: Callable[[], Catalog]) -> None:
        catalog = open_catalog()
        for filename, content in (("acme-1.0.tar.gz", b"12345"), ("acme-2.0.tar.gz", b"123"), ("bolt-1.0.tar.gz", b"")):
            catalog.add_file(new_file(filename, content), {})
        counts = catalog.counts()
        assert (counts.projects, counts.files, counts.bytes) == (2, 3, 8)


class ChangeSignalContract:
    """`open_signal()` opens the same signal once more; it begins at 0."""

    def test_it_only_rises_and_everybody_sees_it(self, open_signal: Callable[[], ChangeSignal]) -> None:
        one, other = open_signal(), open_signal()
        assert one.read() == 0
        for serial, expected in ((3, 3), (7, 7), (5, 7), (7, 7), (8, 8)):
            one.raise_to(serial)
            assert one.read() == other.read() == one.cells[0] == other.cells[0] == expected
        assert open_signal().read() == 8  # noqa: PLR2004 - the last of the numbers above

    def test_the_highest_of_many_writers_stands(self, open_signal: Callable[[], ChangeSignal]) -> None:
        signals = [open_signal(), open_signal()]
        with ThreadPoolExecutor(_THREADS) as writers:
            list(writers.map(lambda number: signals[number % 2].raise_to(number), range(2000)))
        assert signals[0].read() == signals[1].read() == 1999  # noqa: PLR2004 - the highest of the numbers above


def _is_not_found(change: Callable[[], object]) -> bool:
    try:
        change()
    except NotFound:
        return True
    return False


def _conflicts(catalog: Catalog, new: NewFile, unsettled: dict[str, bytes] | None = None) -> bool:
    try:
        catalog.add_file(new, unsettled or {})
    except Conflict:
        return True
    return False
