"""`restore` of a backup: into stores that are empty, all of it verified before anything can be seen."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from purveyor.errors import Misconfigured, Refused, StoreFailed
from purveyor.formats.catalog_rows import TABLES, Row, Table, Tally, write_row
from purveyor.interfaces import Move, Phase, Tables
from purveyor.safekeeping.backing_up import named_by
from purveyor.safekeeping.backup_folder import Backup
from purveyor.safekeeping.carrying import Carried, Carrier
from purveyor.safekeeping.checking import Progress, no_progress
from purveyor.safekeeping.stores import Safekeeping

_SHOWN = 5


def restore(backup: Backup, stores: Safekeeping, progress: Progress = no_progress) -> Carried:
    """Raises `Refused` for a backup that is damaged, `Misconfigured` where something is already; then nothing was made visible.

    Killed at any moment, the same again completes it; until then no server starts there.
    """
    backup.check_rows()
    move = Move(Phase.ARRIVING, backup.manifest.rows_sha256, f"the backup {backup.path}")
    check_room(stores)
    stores.tables.set_move(move)
    names = {sha256 for table, row in backup.rows() for sha256 in named_by(table, row)} - set(backup.manifest.absent)
    with progress("Contents", len(names)) as advance:
        carried = Carrier(backup, stores.blobs, stores.originals).carry(sorted(names), advance)
    if carried.damaged:
        shown = ", ".join(carried.damaged[:_SHOWN])
        raise Refused(
            f"{len(carried.damaged)} contents of the backup are not there, or damaged: {shown}.",
            "Restore another backup; this one is not whole.",
        )
    stores.tables.fill(_by_table(backup))
    if tallies(stores.tables) != backup.manifest.tables:
        raise StoreFailed("The rows that were written are not those that were read.", "Empty the database, and restore once more.")
    stores.tables.set_move(None)
    return carried


def check_room(stores: Safekeeping) -> None:
    """Whether there is nothing yet, or only what was on its way there and never arrived, which no server has shown to anybody."""
    there = stores.tables.move()
    if there is not None and there.phase is Phase.ARRIVING:
        return
    if there is not None or not stores.tables.is_empty():
        raise Misconfigured(
            f"There is an index in {stores.place} already; nothing was changed.", "Name an empty or a new place, or remove what is there."
        )


def _by_table(backup: Backup) -> Iterator[tuple[Table, Iterator[Row]]]:
    for table, rows in groupby(backup.rows(), key=lambda pair: pair[0]):
        yield table, (row for _, row in rows)


def tallies(tables: Tables) -> dict[str, dict[str, object]]:
    """Of every table, how many rows, and a digest over all."""
    with tables.snapshot() as snapshot:
        return {table.name: tally(table, snapshot.rows(table)) for table in TABLES}


def tally(table: Table, rows: Iterable[Row]) -> dict[str, object]:
    found = Tally()
    for row in rows:
        found.add(write_row(table, row))
    return found.document()
