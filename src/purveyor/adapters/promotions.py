"""Promotions in SQL. What the statements promise is in `interfaces.Promotions`."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from purveyor.adapters import release_rows
from purveyor.adapters.catalog_changes import Change
from purveyor.adapters.release_rows import Ask
from purveyor.adapters.rolling_back import page_state, rolled_back
from purveyor.adapters.rows import stamp
from purveyor.adapters.sql import NEWEST, Connection, SqlDatabase
from purveyor.errors import Conflict
from purveyor.interfaces import NewFile
from purveyor.model.files import parse_filename
from purveyor.model.indexes import IndexName
from purveyor.model.journal import Action
from purveyor.model.names import NormalizedName
from purveyor.model.releases import Approval, Check, Move, Promotion, Release, Rollback

_PUT_CHECK = (
    "INSERT INTO checks VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (release_digest, name) DO UPDATE SET passed = excluded.passed,"
    " by = excluded.by, at = excluded.at, index_name = excluded.index_name, note = excluded.note, url = excluded.url"
)
_PUT_APPROVAL = (
    "INSERT INTO approvals VALUES (?, ?, ?, ?, ?) ON CONFLICT (release_digest, target, by)"
    " DO UPDATE SET at = excluded.at, note = excluded.note"
)


class SqlPromotions:
    """Over the same database as the catalog; a change is one transaction here as well."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def release(self, index: IndexName, project: NormalizedName, version: str) -> Release:
        return release_rows.release(self._database.read, index, project, version)

    def promotions(self, index: IndexName, project: NormalizedName) -> Sequence[Promotion]:
        return release_rows.promotions(self._database.read, index, project)

    def record_check(self, index: IndexName, project: NormalizedName, version: str, check: Check) -> Release:
        def record(connection: Connection) -> Release:
            release = release_rows.release(_asking(connection), index, project, version)
            row = (release.digest, check.name, int(check.passed), check.by, stamp(check.at), index, check.note, check.url)
            connection.execute(_PUT_CHECK, row)
            said = f"{check.name} {'passed' if check.passed else 'failed'}{f': {check.note}' if check.note else ''}"
            Change(connection, index, check.by, check.at).record_release(Action.RECORD_CHECK, project, release.version, said)
            return release_rows.release(_asking(connection), index, project, version)

        return self._database.write(record)

    def approve(self, index: IndexName, project: NormalizedName, version: str, approval: Approval) -> Release:
        def approve(connection: Connection) -> Release:
            release = release_rows.release(_asking(connection), index, project, version)
            row = (release.digest, approval.target, approval.by, stamp(approval.at), approval.note)
            connection.execute(_PUT_APPROVAL, row)
            said = f"from {index}{f': {approval.note}' if approval.note else ''}"
            Change(connection, approval.target, approval.by, approval.at).record_release(Action.APPROVE, project, release.version, said)
            return release_rows.release(_asking(connection), index, project, version)

        return self._database.write(approve)

    def promote(self, move: Move, judge: Callable[[Release], None]) -> Promotion | None:
        return self._database.write(lambda connection: _promote(connection, move, judge))

    def roll_back(self, index: IndexName, project: NormalizedName, to_serial: int | None, actor: str, at: datetime) -> Rollback:
        def undo(connection: Connection) -> Rollback:
            return rolled_back(_asking(connection), Change(connection, index, actor, at), index, project, to_serial)

        return self._database.write(undo)


def _promote(connection: Connection, move: Move, judge: Callable[[Release], None]) -> Promotion | None:
    ask = _asking(connection)
    release = release_rows.release(ask, move.source, move.project, move.version)
    page = page_state(ask, move.target, move.project)
    if all(page.files.get(file.filename, ("",))[0] == file.sha256 for file in release.files):
        return None
    judge(release)
    before = _newest(ask)
    _add(connection, release, move)
    serial = _newest(ask)
    promotion = Promotion(release, move.target, move.by, move.at, serial)
    evidence = json.dumps(release_rows.write_evidence(release))
    row = (serial, move.target, move.project, move.by, stamp(move.at), evidence, before, page.document(), None)
    connection.execute("INSERT INTO promotions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    return promotion


def _add(connection: Connection, release: Release, move: Move) -> None:
    """The rows as they are in the source: the same digests, so the same blobs, uploaded by whom and when they were."""
    change = Change(connection, move.target, move.by, move.at)
    display_name: str = _asking(connection)(
        "SELECT display_name FROM projects WHERE index_name = ? AND name = ?", (move.source, move.project)
    )[0][0]
    conflicts = []
    for file in release.files:
        new = NewFile(file, display_name, parse_filename(file.filename).identity, move.by, move.at, move.target)
        try:
            change.add_file(new, Action.PROMOTE, f"from {move.source}")
        except Conflict as conflict:
            conflicts.append(conflict)
    if conflicts:
        raise Conflict(" ".join(conflict.detail for conflict in conflicts), conflicts[0].remedy)


def _newest(ask: Ask) -> int:
    serial: int = ask(NEWEST, ())[0][0]
    return serial


def _asking(connection: Connection) -> Ask:
    return lambda statement, parameters: connection.execute(statement, parameters).fetchall()
