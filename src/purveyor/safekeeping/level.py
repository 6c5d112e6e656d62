"""Bringing a copy of a catalog level with the original: all of it once, then what the journal tells of, again and again."""

from collections.abc import Iterator, Mapping, Sequence

from purveyor.errors import StoreFailed
from purveyor.formats.catalog_rows import INDEXES, JOURNAL, OF_PROJECTS, SMALL, TABLES, Row
from purveyor.interfaces import Role, TablesSnapshot
from purveyor.safekeeping.restoring import tallies, tally
from purveyor.safekeeping.stores import Safekeeping

_NAMES = frozenset({Role.FILE, Role.METADATA, Role.PROVENANCE})


def level_of(source: Safekeeping, target: Safekeeping) -> int | None:
    """The serial up to which the copy has everything; None if it has to be filled."""
    serial = target.catalog.serial()
    if serial == 0 or target.catalog.fingerprint(serial) != source.catalog.fingerprint(serial):
        return None
    return serial


def fill(source: Safekeeping, target: Safekeeping) -> int:
    """Copy all rows of one moment; its serial."""
    with source.tables.snapshot() as snapshot:
        serial = snapshot.serial()
        target.tables.fill((table, snapshot.rows(table)) for table in TABLES)
    return serial


def follow(source: Safekeeping, target: Safekeeping, level: int, *, last: bool) -> int:
    """Copy what has changed after `level`; the serial reached. The `last` time, with nothing written any more, also what has no entries."""
    with source.tables.snapshot() as snapshot:
        return _follow(snapshot, target, level, last=last)


def _follow(snapshot: TablesSnapshot, target: Safekeeping, level: int, *, last: bool) -> int:
    serial = snapshot.serial()
    if serial != level or last:
        projects = {(index, name): _of_project(snapshot, index, name) for index, name in snapshot.touched_after(level)}
        whole = [(table, list(snapshot.rows(table))) for table in ((INDEXES, *SMALL) if last else (INDEXES,))]
        target.tables.follow(projects, snapshot.journal_after(level), whole)
    return serial


def _of_project(snapshot: TablesSnapshot, index: str, name: str) -> Mapping[str, Sequence[Row]]:
    return {table.name: snapshot.rows_of(table, index, name) for table in OF_PROJECTS}


def names_after(source: Safekeeping, level: int) -> Iterator[str]:
    """The contents that projects which have changed after `level` name now."""
    with source.tables.snapshot() as snapshot:
        for index, name in snapshot.touched_after(level):
            for table in OF_PROJECTS[1:]:
                for row in snapshot.rows_of(table, index, name):
                    yield from (sha256 for sha256 in row[table.column("sha256") : table.column("provenance_sha256") + 1] if sha256)


def compare_all(source: Safekeeping, target: Safekeeping, level: int) -> int:
    """Bring the copy to some serial, which is given, and compare every row of every table as it was then."""
    with source.tables.snapshot() as snapshot:
        serial = _follow(snapshot, target, level, last=True)
        here = {table.name: tally(table, snapshot.rows(table)) for table in TABLES}
    _demand_equal(here, tallies(target.tables))
    return serial


def compare_since(source: Safekeeping, target: Safekeeping, compared: int) -> None:
    """With nothing written any more: compare what has changed since everything was, and what has no entries; and count everything."""
    with source.tables.snapshot() as here, target.tables.snapshot() as there:
        projects = here.touched_after(compared)
        _demand_equal(_since(here, compared, projects), _since(there, compared, projects))


def _since(snapshot: TablesSnapshot, compared: int, projects: Sequence[tuple[str, str]]) -> dict[str, object]:
    found: dict[str, object] = {f"the number of {table.name}": snapshot.count(table) for table in TABLES}
    for table in OF_PROJECTS:
        rows = (row for index, name in projects for row in snapshot.rows_of(table, index, name))
        found[table.name] = tally(table, rows)
    found[JOURNAL.name] = tally(JOURNAL, snapshot.journal_after(compared))
    return found | {table.name: tally(table, snapshot.rows(table)) for table in (INDEXES, *SMALL)}


def _demand_equal(here: Mapping[str, object], there: Mapping[str, object]) -> None:
    different = ", ".join(name for name in here if here[name] != there[name])
    if different:
        raise StoreFailed(f"What arrived is not what was sent: {different}.", "Run the same command again; the index is as it was.")


def check_contents(source: Safekeeping, target: Safekeeping, level: int) -> None:
    """Raises `StoreFailed` unless everything that is offered is at its new place, in its size. Its hash was looked at when it arrived.

    What came after `level` is on its way.
    """
    stored = iter(target.blobs.stored())
    blob = next(stored, None)
    missing: dict[str, str] = {}
    for named in source.audit.named_blobs():
        while blob is not None and blob.sha256 < named.sha256:
            blob = next(stored, None)
        is_there = blob is not None and blob.sha256 == named.sha256 and named.size in (None, blob.size)
        if named.role in _NAMES and not is_there:
            missing[named.sha256] = named.filename
    lost = missing.keys() - set(names_after(source, level)) if missing else set()
    if lost:
        raise StoreFailed(f"The content of {missing[lost.pop()]} is not at its new place.", "Run the same command again.")
