"""A project's page on an index as something to come back to, and the way back."""

import json
from collections.abc import Mapping

from msgspec import Struct, field

from purveyor.adapters.catalog_changes import Change
from purveyor.adapters.release_rows import Ask, promotions
from purveyor.errors import Conflict, NotFound
from purveyor.model.files import Yanked
from purveyor.model.indexes import IndexName
from purveyor.model.journal import PAGE_CHANGES, Action
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectStatus, Status
from purveyor.model.releases import Promotion, Rollback

# ruff: noqa: S608 - the statements are put together of constants; values are always parameters

_PAGE_CHANGES = ", ".join(f"'{action}'" for action in sorted(PAGE_CHANGES))
_SHOWN = 5


class PageState(Struct, frozen=True):
    """All of a page that can change: with these rows, the same page is made of the project. `files` are sha256 and yank by name."""

    hosted: bool = False
    status: ProjectStatus = field(default_factory=ProjectStatus)
    files: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)

    def without(self, filenames: set[str]) -> "PageState":
        return PageState(self.hosted, self.status, {name: state for name, state in self.files.items() if name not in filenames})

    def looks_like(self, other: "PageState") -> bool:
        return (self.status, self.files) == (other.status, other.files)

    def document(self) -> str:
        return json.dumps([self.hosted, self.status.status, self.status.reason, self.files])


def read_state(document: str) -> PageState:
    hosted, status, reason, files = json.loads(document)
    return PageState(hosted, ProjectStatus(Status(status), reason), {name: (sha256, yanked) for name, (sha256, yanked) in files.items()})


def page_state(ask: Ask, index: IndexName, project: NormalizedName) -> PageState:
    hosted = ask("SELECT status, status_reason FROM projects WHERE index_name = ? AND name = ?", (index, project))
    if not hosted:
        return PageState()
    return PageState(hosted=True, status=ProjectStatus(Status(hosted[0][0]), hosted[0][1]), files=_files(ask, "files", index, project))


def _files(ask: Ask, table: str, index: IndexName, project: NormalizedName) -> dict[str, tuple[str, str | None]]:
    rows = ask(f"SELECT filename, sha256, yanked FROM {table} WHERE index_name = ? AND project = ?", (index, project))
    return {filename: (sha256, yanked) for filename, sha256, yanked in rows}


class RollingBack:
    """One rollback of one project on one index, in one transaction."""

    def __init__(self, ask: Ask, change: Change, index: IndexName, project: NormalizedName) -> None:
        self._ask = ask
        self._change = change
        self._index = index
        self._project = project
        self._now = page_state(ask, index, project)
        self._standing = [one for one in promotions(ask, index, project) if one.undone is None]

    def last(self) -> Rollback:
        """Undo the newest promotion; raises `Conflict` if something else has changed since, for that would be undone as well."""
        if not self._standing:
            raise NotFound(f"There is no promotion of {self._project} to {self._index} that could be undone.")
        newest = self._standing[0]
        before, state = self._before("serial = ?", newest.serial)
        if not self._now.without({file.filename for file in newest.release.files} - state.files.keys()).looks_like(state):
            raise Conflict(
                f"{self._project} has changed on {self._index} since {newest.release.version} was promoted:"
                f" {self._changes(newest.serial)}.",
                f"--to-serial {before} undoes all of this; `purveyor delete {self._project}=={newest.release.version}"
                f" --index {self._index}` takes that release away alone.",
            )
        return self._restore(before, state, [newest])

    def to(self, serial: int) -> Rollback:
        """Undo whatever has happened since; raises `Conflict` where the page of that time is not known."""
        before, state = self._before("serial > ? ORDER BY serial LIMIT 1", serial)
        between = f"serial > ? AND serial <= ? AND action IN ({_PAGE_CHANGES})"
        if self._ask(f"SELECT 1 FROM journal WHERE index_name = ? AND project = ? AND {between}", (*self._place, serial, before)):
            raise self._unknown(serial)
        return self._restore(serial, state, [one for one in self._standing if one.serial > serial])

    @property
    def _place(self) -> tuple[str, str]:
        return self._index, self._project

    def _before(self, which: str, serial: int) -> tuple[int, PageState]:
        rows = self._ask(
            f"SELECT before_serial, before FROM promotions WHERE index_name = ? AND project = ? AND {which}", (*self._place, serial)
        )
        if not rows:
            raise self._unknown(serial)
        return rows[0][0], read_state(rows[0][1])

    def _unknown(self, serial: int) -> Conflict:
        rows = self._ask("SELECT before_serial FROM promotions WHERE index_name = ? AND project = ? ORDER BY serial DESC", self._place)
        known = ", ".join(str(before) for (before,) in rows[:_SHOWN]) or "none"
        return Conflict(
            f"How {self._project} was on {self._index} at the serial {serial} is not known: only the moment before each promotion is kept.",
            f"The newest such serials are: {known}.",
        )

    def _changes(self, since: int) -> str:
        rows = self._ask(
            f"SELECT action, filename, actor, serial FROM journal WHERE index_name = ? AND project = ? AND serial > ?"
            f" AND action IN ({_PAGE_CHANGES}) ORDER BY serial LIMIT {_SHOWN}",
            (*self._place, since),
        )
        return ", ".join(
            f"{action}{f' of {filename}' if filename else ''} by {actor} ({serial})" for action, filename, actor, serial in rows
        )

    def _restore(self, serial: int, state: PageState, undone: list[Promotion]) -> Rollback:
        self._bring_files_back(state)
        self._set_yanks(state)
        if state.hosted and self._now.status != state.status:
            self._change.set_status(self._project, state.status)
        if self._now.hosted and not state.hosted:
            self._change.remove_project(self._project)
        versions = ", ".join(one.release.version for one in undone) or "nothing promoted"
        entry = self._change.record_release(Action.ROLL_BACK, self._project, "", f"to serial {serial}, undoing {versions}")
        for one in undone:
            self._ask("UPDATE promotions SET undone = ? WHERE serial = ? RETURNING serial", (entry, one.serial))
        return Rollback(self._project, self._index, serial, entry, tuple(undone))

    def _bring_files_back(self, state: PageState) -> None:
        """Files come back from among the deleted ones only: of others, the bytes may be gone."""
        missing = [name for name in state.files if name not in self._now.files]
        deleted = _files(self._ask, "deleted_files", self._index, self._project)
        there = {**deleted, **self._now.files}
        for name, (sha256, _) in state.files.items():
            if name not in there or there[name][0] != sha256:
                raise Conflict(f"{name} was replaced or removed on {self._index} since then, and its former bytes are not kept.")
        self._change.delete_files([name for name in self._now.files if name not in state.files])
        self._change.restore_files(missing)

    def _set_yanks(self, state: PageState) -> None:
        there = _files(self._ask, "files", self._index, self._project)
        for name, (_, yanked) in state.files.items():
            if there[name][1] != yanked:
                self._change.set_yanked([name], None if yanked is None else Yanked(yanked))


def rolled_back(ask: Ask, change: Change, index: IndexName, project: NormalizedName, to_serial: int | None) -> Rollback:
    work = RollingBack(ask, change, index, project)
    return work.last() if to_serial is None else work.to(to_serial)
