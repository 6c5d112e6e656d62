"""What changes the catalog: the work of one transaction, with the write lock held, and its entries in the journal."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from purveyor.adapters.rows import COLUMNS, NAMES, file_of, row_of, stamp
from purveyor.adapters.sql import Connection, Row
from purveyor.errors import Conflict, WritesPaused
from purveyor.formats.index_document import write_index
from purveyor.interfaces import NewFile
from purveyor.model.advisories import Advisory
from purveyor.model.files import DistributionFile, Yanked, conflict, deleted_conflict
from purveyor.model.grants import Grant, token_identifier
from purveyor.model.indexes import DEFAULT, Index, IndexName, shown
from purveyor.model.journal import Action
from purveyor.model.names import NormalizedName
from purveyor.model.policy import Override
from purveyor.model.projects import ProjectStatus, Status

# ruff: noqa: S608 - the statements are put together of constants; values are always parameters

_PUT_OVERRIDE = (
    "INSERT INTO overrides VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (index_name, project, version)"
    " DO UPDATE SET until = excluded.until, by = excluded.by, at = excluded.at, reason = excluded.reason"
)
_PUT_ADVISORY = "INSERT INTO advisories VALUES (?, ?, ?) ON CONFLICT (project, identifier) DO UPDATE SET document = excluded.document"
_STORED = ", ".join(("index_name", "identity", *NAMES))


class Change:
    """One change of one index, by `actor` at the time `at`."""

    def __init__(self, connection: Connection, index: IndexName, actor: str, at: datetime) -> None:
        self._execute = connection.execute
        self._index = index
        self._actor = actor
        self._at = stamp(at)
        self._check_open()

    def _check_open(self) -> None:
        """Here, since every change of every process comes by: an index that has moved away must not change behind its own back."""
        moving = self._row("SELECT phase, place FROM moving WHERE phase = 'moved' OR (phase = 'paused' AND until > ?)", self._at)
        if moving is None:
            return
        phase, place = moving
        if phase == "moved":
            raise WritesPaused(f"This index has moved to {place}, and takes no changes here any more.", "Use the server that runs there.")
        raise WritesPaused(f"This index is moving to {place}, and takes no changes for a moment.", "Try again in a few seconds.")

    def put_index(self, index: Index) -> None:
        document = json.dumps(write_index(index), sort_keys=True)
        self._execute(
            "INSERT INTO indexes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET document = excluded.document", (index.name, document)
        )
        # Without the credentials that the URL of an upstream may hold: more people read the journal.
        told = {**write_index(index), "upstreams": list(map(shown, index.upstreams))}
        self.record(Action.SET_INDEX, note=json.dumps(told, sort_keys=True))

    def remove_index(self) -> bool:
        if self._index == DEFAULT:
            raise Conflict("The default index cannot be removed: it is the one at the root.")
        for table in ("projects", "deleted_files"):
            if self._row(f"SELECT 1 FROM {table} WHERE index_name = ? LIMIT 1", self._index):
                raise Conflict(f"The index {self._index} hosts projects, or keeps the names of deleted files.", "Nothing was removed.")
        if not self._execute("DELETE FROM indexes WHERE name = ?", (self._index,)).rowcount:
            return False
        self._execute("DELETE FROM overrides WHERE index_name = ?", (self._index,))
        self.record(Action.REMOVE_INDEX)
        return True

    def add_file(self, new: NewFile, action: Action = Action.ADD_FILE, note: str = "") -> DistributionFile:
        file = new.file
        self._check_status(file)
        self._check_deleted(new)
        if there := self.same_identity("files", new):
            if there.filename == file.filename and there.sha256 == file.sha256:
                return there
            if not new.replaces:
                raise conflict(there, file)
            self._forget("files", there.filename)
            self._record_file(Action.REMOVE_FILE, there)
        if not self._row("SELECT 1 FROM projects WHERE index_name = ? AND name = ?", self._index, file.project):
            serial = self._record_file(Action.CREATE_PROJECT, file)
            self._execute(
                "INSERT INTO projects (index_name, name, display_name, serial) VALUES (?, ?, ?, ?)",
                (self._index, file.project, new.display_name, serial),
            )
        self._move_on(file.project, self._record_file(action, file, note))
        row = {"index_name": self._index, "identity": new.identity, **row_of(file)}
        self._execute(f"INSERT INTO files ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
        return file

    def add_files(self, news: Sequence[NewFile], statuses: Mapping[NormalizedName, ProjectStatus]) -> list[DistributionFile]:
        added, conflicts = [], []
        for new in news:
            try:
                if self.add_file(new) is new.file:
                    added.append(new.file)
            except Conflict as error:
                conflicts.append(error)
        if conflicts:
            raise Conflict(" ".join(error.detail for error in conflicts), conflicts[0].remedy)
        for name, status in statuses.items():
            plain = "SELECT 1 FROM projects WHERE index_name = ? AND name = ? AND status = 'active' AND status_reason = ''"
            if status != ProjectStatus() and self._row(plain, self._index, name):
                self.set_status(name, status)
        return added

    def remove_file(self, filename: str) -> DistributionFile | None:
        file = self._file("files", filename)
        if file is None:
            return None
        self._forget("files", filename)
        self._move_on(file.project, self._record_file(Action.REMOVE_FILE, file))
        if not self._row("SELECT 1 FROM files WHERE index_name = ? AND project = ? LIMIT 1", self._index, file.project):
            plain = "DELETE FROM projects WHERE index_name = ? AND name = ? AND status = 'active' AND status_reason = ''"
            if self._execute(plain, (self._index, file.project)).rowcount:
                self._record_file(Action.REMOVE_PROJECT, file)
        return file

    def set_yanked(self, filenames: Sequence[str], yanked: Yanked | None) -> list[DistributionFile]:
        action, reason = (Action.YANK, yanked.reason) if yanked else (Action.UNYANK, None)

        def change(filename: str) -> None:
            self._execute("UPDATE files SET yanked = ? WHERE index_name = ? AND filename = ?", (reason, self._index, filename))

        changed = self._for_each("files", filenames, action, change, reason or "")
        return [file for file in (self._file("files", one.filename) for one in changed) if file is not None]

    def delete_files(self, filenames: Sequence[str]) -> list[DistributionFile]:
        def change(filename: str) -> None:
            self._execute(
                f"INSERT INTO deleted_files ({_STORED}, deleted_at, deleted_by) SELECT {_STORED}, ?, ? FROM files"
                " WHERE index_name = ? AND filename = ?",
                (self._at, self._actor, self._index, filename),
            )
            self._forget("files", filename)

        return self._for_each("files", filenames, Action.DELETE, change)

    def restore_files(self, filenames: Sequence[str]) -> list[DistributionFile]:
        def change(filename: str) -> None:
            self._execute(
                f"INSERT INTO files ({_STORED}) SELECT {_STORED} FROM deleted_files WHERE index_name = ? AND filename = ?",
                (self._index, filename),
            )
            self._forget("deleted_files", filename)

        return self._for_each("deleted_files", filenames, Action.RESTORE, change)

    def set_status(self, name: NormalizedName, status: ProjectStatus) -> bool:
        if not self._row("SELECT 1 FROM projects WHERE index_name = ? AND name = ?", self._index, name):
            return False
        self._execute(
            "UPDATE projects SET status = ?, status_reason = ? WHERE index_name = ? AND name = ?",
            (status.status, status.reason, self._index, name),
        )
        note = f"{status.status}: {status.reason}" if status.reason else str(status.status)
        self._move_on(name, self.record(Action.SET_STATUS, name, note=note))
        return True

    def remove_project(self, name: NormalizedName) -> None:
        """Of a project that has no files any more."""
        self._execute("DELETE FROM projects WHERE index_name = ? AND name = ?", (self._index, name))
        self.record(Action.REMOVE_PROJECT, name)

    def record_release(self, action: Action, name: NormalizedName, version: str, note: str) -> int:
        """An entry about a release as a whole; its serial, which is the project's from now on."""
        serial = self.record(action, name, version, note=note)
        self._move_on(name, serial)
        return serial

    def add_token(self, token_sha256: bytes, grant: Grant) -> None:
        """Journaled if anybody did it: the first one a server makes for itself."""
        permissions = " ".join(sorted(grant.permissions))
        row = (token_sha256, grant.subject, permissions, self._at, stamp(grant.expires_at))
        self._execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?)", row)
        if self._actor:
            self.record(Action.CREATE_TOKEN, note=f"{token_identifier(token_sha256)} for {grant.subject}: {permissions}")

    def add_first_token(self, token_sha256: bytes, grant: Grant) -> bool:
        if self._row("SELECT 1 FROM tokens LIMIT 1"):
            return False
        self.add_token(token_sha256, grant)
        return True

    def remove_token(self, identifier: str) -> bool:
        try:
            beginning = bytes.fromhex(identifier)
        except ValueError:
            return False
        there = self._row("SELECT sha256, subject FROM tokens WHERE substr(sha256, 1, 6) = ?", beginning)
        if there is None:
            return False
        self._execute("DELETE FROM tokens WHERE sha256 = ?", (there[0],))
        self.record(Action.REVOKE_TOKEN, note=f"{identifier} of {there[1]}")
        return True

    def put_override(self, override: Override) -> None:
        row = (self._index, override.project, override.version, stamp(override.until), override.by, self._at, override.reason)
        self._execute(_PUT_OVERRIDE, row)
        note = f"until {override.until:%Y-%m-%d %H:%M} UTC: {override.reason}"
        self.record(Action.OVERRIDE, override.project, override.version, note=note)

    def remove_override(self, name: NormalizedName, version: str) -> bool:
        removed = "DELETE FROM overrides WHERE index_name = ? AND project = ? AND version = ?"
        if not self._execute(removed, (self._index, name, version)).rowcount:
            return False
        self.record(Action.END_OVERRIDE, name, version)
        return True

    def replace_advisories(self, advisories: Iterable[Advisory]) -> int:
        from purveyor.formats.osv import write_advisory  # noqa: PLC0415 - as in catalog.py

        self._execute("DELETE FROM advisories")
        count = 0
        for advisory in advisories:
            document = json.dumps(write_advisory(advisory))
            self._execute(_PUT_ADVISORY, (advisory.project, advisory.identifier, document))
            count += 1
        self.record(Action.LOAD_ADVISORIES, note=str(count))
        return count

    def _for_each(
        self, table: str, filenames: Sequence[str], action: Action, change: Callable[[str], None], note: str = ""
    ) -> list[DistributionFile]:
        """Change each file that is in the table, with an entry of its own."""
        done = []
        for filename in filenames:
            file = self._file(table, filename)
            if file is not None:
                change(filename)
                self._move_on(file.project, self._record_file(action, file, note))
                done.append(file)
        return done

    def _record_file(self, action: Action, file: DistributionFile, note: str = "") -> int:
        return self.record(action, file.project, file.version, file.filename, note)

    def record(self, action: Action, project: str = "", version: str | None = None, filename: str | None = None, note: str = "") -> int:
        """Append one entry to the journal; its serial. Under the write lock, serials are taken in commit order and without gaps."""
        row = self._row(
            "INSERT INTO journal (serial, at, actor, index_name, action, project, version, filename, note)"
            " VALUES ((SELECT coalesce(max(serial), 0) + 1 FROM journal), ?, ?, ?, ?, ?, ?, ?, ?) RETURNING serial",
            *(self._at, self._actor, self._index, action, project, version, filename, note),
        )
        assert row is not None
        serial: int = row[0]
        return serial

    def _move_on(self, project: NormalizedName, serial: int) -> None:
        self._execute("UPDATE projects SET serial = ? WHERE index_name = ? AND name = ?", (serial, self._index, project))

    def _check_status(self, file: DistributionFile) -> None:
        row = self._row("SELECT status, status_reason FROM projects WHERE index_name = ? AND name = ?", self._index, file.project)
        if row is not None:
            ProjectStatus(Status(row[0]), row[1]).check_uploads(file.project)

    def _check_deleted(self, new: NewFile) -> None:
        """A name once given to a file stands for its bytes for ever; with the same bytes it may come again."""
        there = self.same_identity("deleted_files", new)
        if there is None:
            return
        if not new.replaces and (there.filename != new.file.filename or there.sha256 != new.file.sha256):
            raise deleted_conflict(there, new.file)
        self._forget("deleted_files", there.filename)

    def _forget(self, table: str, filename: str) -> None:
        self._execute(f"DELETE FROM {table} WHERE index_name = ? AND filename = ?", (self._index, filename))

    def same_identity(self, table: str, new: NewFile) -> DistributionFile | None:
        statement = f"SELECT {COLUMNS} FROM {table} f WHERE f.index_name = ? AND (f.filename = ? OR f.identity = ?)"
        row = self._row(statement, self._index, new.file.filename, new.identity)
        return file_of(row) if row is not None else None

    def _file(self, table: str, filename: str) -> DistributionFile | None:
        row = self._row(f"SELECT {COLUMNS} FROM {table} f WHERE f.index_name = ? AND f.filename = ?", self._index, filename)
        return file_of(row) if row is not None else None

    def _row(self, statement: str, *parameters: object) -> Row | None:
        row: Row | None = self._execute(statement, parameters).fetchone()
        return row


def keep_unsettled(connection: Connection, unsettled: Mapping[str, bytes]) -> None:
    connection.executemany("INSERT INTO unsettled_blobs VALUES (?, ?) ON CONFLICT DO NOTHING", unsettled.items())
