"""What every adapter of the port `Promotions` must do, as a suite; see `contracts.py` for how its tests pass it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from purveyor.errors import Conflict, NotAllowed, NotFound, PromotionRefused, PurveyorError
from purveyor.interfaces import Catalog, Promotions
from purveyor.model.files import Yanked
from purveyor.model.indexes import Index, IndexName
from purveyor.model.journal import Action
from purveyor.model.names import normalize
from purveyor.model.projects import ProjectDetail, ProjectStatus, Status
from purveyor.model.releases import Approval, Check, Move, Release
from purveyor.testing.contracts import new_file

DEV, PROD = IndexName("dev"), IndexName("prod")
ACME = normalize("acme")
FILENAMES = ("acme-1.0-py3-none-any.whl", "acme-1.0.tar.gz")
NOON = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
_THREADS = 8

Opened = tuple[Catalog, Promotions]


def move(version: str = "1.0") -> Move:
    return Move(ACME, version, DEV, PROD, "ada", LATER)


class PromotionsContract:
    """`open_both()` opens the same catalog and promotions once more; both are empty at first."""

    def test_a_release_is_its_files_and_when_the_newest_of_them_came(self, open_both: Callable[[], Opened]) -> None:
        catalog, promotions = filled(open_both())
        late = replace(new_file("acme-1.0.0-1-py3-none-any.whl", index=DEV), at=LATER)
        catalog.add_file(late, {})
        release = promotions.release(DEV, ACME, "1.0.0")
        assert {file.filename for file in release.files} == {*FILENAMES, late.file.filename}
        assert release.since == LATER
        assert _raises(NotFound, lambda: promotions.release(DEV, ACME, "9"))
        assert _raises(NotFound, lambda: promotions.release(PROD, ACME, "1.0"))

    def test_all_files_are_added_as_they_are(self, open_both: Callable[[], Opened]) -> None:
        catalog, promotions = filled(open_both())
        there, serial = detail(catalog, DEV), catalog.serial()
        shown: list[Release] = []
        promotion = promotions.promote(move(), shown.append)
        assert promotion is not None
        assert shown == [promotion.release]
        here = detail(open_both()[0], PROD)
        assert (here.files, here.display_name, here.serial) == (there.files, there.display_name, catalog.serial())
        assert promotion.serial == catalog.serial()
        assert promotions.promotions(PROD, ACME) == [promotion]
        changes = catalog.changes_since(serial)
        assert (set(changes.projects), changes.list_changed) == ({ACME}, True)
        entries = [entry for entry in catalog.journal(PROD, ACME, None, 10) if entry.action is Action.PROMOTE]
        assert {(entry.filename, entry.actor, entry.at, entry.note) for entry in entries} == {
            (filename, "ada", LATER, "from dev") for filename in FILENAMES
        }

    def test_what_is_there_already_changes_nothing_and_is_not_judged(self, open_both: Callable[[], Opened]) -> None:
        catalog, promotions = filled(open_both())
        promotions.promote(move(), _agree)
        serial = catalog.serial()
        assert promotions.promote(move(), _refuse) is None
        assert catalog.serial() == serial

    def test_a_refusal_leaves_nothing_behind(self, open_both: Callable[[], Opened]) -> None:
        catalog, promotions = filled(open_both())
        serial = catalog.serial()
        assert _raises(PromotionRefused, lambda: promotions.promote(move(), _refuse))
        assert (catalog.serial(), catalog.project_detail(ACME, PROD), promotions.promotions(PROD, ACME)) == (serial, None, [])

    def test_a_conflict_of_one_file_leaves_nothing_behind(self, open_both: Callable[[], Opened]) -> None:
        catalog, promotions = filled(open_both())
        catalog.add_file(new_file(FILENAMES[1], b"other", PROD), {})
        before, serial = detail(catalog, PROD), catalog.serial()
        assert _raises(Conflict, lambda: promotions.promote(move(), _agree))
        assert (detail(catalog, PROD), catalog.serial(), promotions.promotions(PROD, ACME)) == (before, serial, [])

    def test_every_file_in_conflict_is_named(self, open_both: Callable[[], Opened]) -> None:
        catalog, promotions = filled(open_both())
        for filename in FILENAMES:
            catalog.add_file(new_file(filename, b"other", PROD), {})
        catalog.delete_files(FILENAMES[:1], "owner", NOON, PROD)
        said = ""
        try:
            promotions.promote(move(), _agree)
        except Conflict as conflict:
            said = conflict.detail
        assert all(f"File already exists: {filename}" in said for filename in FILENAMES)

    def test_a_status_that_forbids_new_files_forbids_it(self, open_both: Callable[[], Opened]) -> None:
        catalog, promotions = filled(open_both())
        catalog.add_file(new_file("acme-0.9.tar.gz", index=PROD), {})
        catalog.set_status(ACME, ProjectStatus(Status.ARCHIVED), "owner", NOON, PROD)
        assert _raises(NotAllowed, lambda: promotions.promote(move(), _agree))

    def test_of_many_at_once_one_promotes(self, open_both: Callable[[], Opened]) -> None:
        filled(open_both())
        opened = [open_both()[1], open_both()[1]]
        with ThreadPoolExecutor(_THREADS) as pool:
            done = list(pool.map(lambda number: opened[number % 2].promote(move(), _agree), range(_THREADS)))
        assert len([promotion for promotion in done if promotion is not None]) == 1

    def test_checks_and_approvals_are_of_the_files_that_were_there(self, open_both: Callable[[], Opened]) -> None:
        catalog, promotions = filled(open_both())
        check, approval = Check("tests", passed=True, by="ci", at=NOON, index=DEV, note="n", url="u"), Approval(PROD, "bob", NOON, "n")
        promotions.record_check(DEV, ACME, "1.0", replace(check, passed=False))
        assert promotions.record_check(DEV, ACME, "1.0", check).checks == (check,)
        assert promotions.approve(DEV, ACME, "1.0.0", approval).approvals == (approval,)
        promotion = promotions.promote(move(), _agree)
        assert promotion is not None
        assert (promotion.release.checks, promotion.release.approvals) == ((check,), (approval,))
        assert promotions.promotions(PROD, ACME)[0].release == promotion.release
        assert promotions.release(PROD, ACME, "1.0").checks == (check,)
        catalog.add_file(new_file("acme-1.0-1-py3-none-any.whl", index=DEV), {})
        assert (promotions.release(DEV, ACME, "1.0").checks, promotions.release(DEV, ACME, "1.0").approvals) == ((), ())
        assert _raises(NotFound, lambda: promotions.record_check(DEV, ACME, "9", check))
        assert _raises(NotFound, lambda: promotions.approve(DEV, ACME, "9", approval))

    def test_a_rollback_gives_back_what_was_there_before(self, open_both: Callable[[], Opened]) -> None:
        catalog, promotions = filled(open_both())
        catalog.add_file(new_file("acme-0.9.tar.gz", index=PROD), {})
        catalog.set_yanked(["acme-0.9.tar.gz"], Yanked("old"), "owner", NOON, PROD)
        catalog.set_status(ACME, ProjectStatus(Status.DEPRECATED, "bolt"), "owner", NOON, PROD)
        before, serial = detail(catalog, PROD), catalog.serial()
        promotion = promotions.promote(move(), _agree)
        assert promotion is not None
        done = promotions.roll_back(PROD, ACME, None, "bob", LATER)
        assert (done.restored, done.serial) == (serial, catalog.serial())
        assert [one.serial for one in done.undone] == [promotion.serial]
        assert replace(detail(catalog, PROD), serial=before.serial) == before
        assert [one.undone for one in promotions.promotions(PROD, ACME)] == [done.serial]
        newest = catalog.journal(PROD, ACME, None, 1)[0]
        assert (newest.action, newest.actor, newest.serial) == (Action.ROLL_BACK, "bob", done.serial)
        assert {file.filename for file in catalog.deleted_files(ACME, PROD)} == set(FILENAMES)
        assert _raises(NotFound, lambda: promotions.roll_back(PROD, ACME, None, "bob", LATER))

    def test_a_project_that_came_with_a_promotion_goes_with_it_and_may_come_again(self, open_both: Callable[[], Opened]) -> None:
        catalog, promotions = filled(open_both())
        promotions.promote(move(), _agree)
        after, serial = detail(catalog, PROD), catalog.serial()
        promotions.roll_back(PROD, ACME, None, "bob", LATER)
        assert catalog.project_detail(ACME, PROD) is None
        assert catalog.changes_since(serial).list_changed
        promotions.promote(move(), _agree)
        assert detail(catalog, PROD).files == after.files

    def test_a_rollback_that_would_undo_more_is_a_conflict_without_a_serial(self, open_both: Callable[[], Opened]) -> None:
        catalog, promotions = filled(open_both())
        catalog.add_file(new_file("acme-0.9.tar.gz", index=PROD), {})
        before, serial = detail(catalog, PROD), catalog.serial()
        promotions.promote(move(), _agree)
        catalog.delete_files(["acme-0.9.tar.gz"], "owner", LATER, PROD)
        now = detail(catalog, PROD)
        assert _raises(Conflict, lambda: promotions.roll_back(PROD, ACME, None, "bob", LATER))
        assert detail(catalog, PROD) == now
        promotions.roll_back(PROD, ACME, serial, "bob", LATER)
        assert replace(detail(catalog, PROD), serial=before.serial) == before

    def test_a_page_that_is_not_known_and_bytes_that_are_not_kept_are_conflicts(self, open_both: Callable[[], Opened]) -> None:
        catalog, promotions = filled(open_both())
        catalog.add_file(new_file("acme-0.9.tar.gz", index=PROD), {})
        serial = catalog.serial()
        promotions.promote(move(), _agree)
        assert _raises(Conflict, lambda: promotions.roll_back(PROD, ACME, serial - 1, "bob", LATER))
        assert _raises(Conflict, lambda: promotions.roll_back(PROD, ACME, serial + 99, "bob", LATER))
        catalog.remove_file("acme-0.9.tar.gz", "owner", LATER, PROD)
        assert _raises(Conflict, lambda: promotions.roll_back(PROD, ACME, serial, "bob", LATER))


def filled(opened: Opened) -> Opened:
    """Two indexes, the first of which hosts a release."""
    catalog, _ = opened
    for name in (DEV, PROD):
        catalog.put_index(Index(name), "owner", NOON)
    for filename in FILENAMES:
        catalog.add_file(replace(new_file(filename, filename.encode(), DEV), at=NOON), {})
    return opened


def detail(catalog: Catalog, index: IndexName) -> ProjectDetail:
    found = catalog.project_detail(ACME, index)
    assert found is not None
    return found


def _agree(_: Release) -> None:
    pass


def _refuse(_: Release) -> None:
    raise PromotionRefused("no")


def _raises(kind: type[PurveyorError], work: Callable[[], object]) -> bool:
    try:
        work()
    except kind:
        return True
    return False
