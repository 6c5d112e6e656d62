"""The whole catalog looked at in SQL. What the statements promise is in `interfaces.Audit`."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from purveyor.adapters.catalog_changes import Change
from purveyor.adapters.sql import Connection, Row, SqlDatabase
from purveyor.interfaces import NamedBlob, Role, WrongSerial
from purveyor.model.indexes import IndexName
from purveyor.model.journal import ASIDE, Action
from purveyor.model.names import NormalizedName

# ruff: noqa: S608 - the statements are put together of constants; values are always parameters


def _names(column: str, role: Role, size: str = "NULL", table: str = "files") -> str:
    columns = f"{column} AS sha256, '{role}' AS role, index_name, project, filename, {size} AS size"
    return f"SELECT {columns} FROM {table} WHERE {column} IS NOT NULL"


_NAMED = " UNION ALL ".join(
    (
        _names("sha256", Role.FILE, "size"),
        _names("metadata_sha256", Role.METADATA),
        _names("provenance_sha256", Role.PROVENANCE),
        _names("sha256", Role.DELETED, "size", "deleted_files"),
        _names("metadata_sha256", Role.DELETED, table="deleted_files"),
        _names("provenance_sha256", Role.DELETED, table="deleted_files"),
        f"SELECT sha256, '{Role.COPY}', '', '', '', size FROM pulled_blobs",
        f"SELECT metadata_sha256, '{Role.COPY}', '', project, '', NULL FROM extracted_metadata",
    )
)
_ASIDE = ", ".join(f"'{action}'" for action in sorted(ASIDE))
_ABOUT = f"j.index_name = p.index_name AND j.project = p.name AND j.action NOT IN ({_ASIDE})"
_NEWEST = f"(SELECT coalesce(max(j.serial), 0) FROM journal j WHERE {_ABOUT})"


class SqlAudit:
    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def engine_faults(self, *, quick: bool) -> Sequence[str]:
        return self._database.faults(quick=quick)

    def journal_gaps(self) -> Iterator[tuple[int, int]]:
        expected = 1
        for (serial,) in self._database.stream("SELECT serial FROM journal ORDER BY serial"):
            if serial != expected:
                yield expected, serial - 1
            expected = serial + 1

    def wrong_serials(self) -> Iterator[WrongSerial]:
        statement = (
            f"SELECT index_name, name, serial, newest FROM (SELECT p.*, {_NEWEST} AS newest FROM projects p) AS x WHERE serial <> newest"
        )
        return (WrongSerial(*row) for row in self._database.stream(statement))

    def homeless_files(self) -> Iterator[tuple[IndexName, str]]:
        project = "SELECT 1 FROM projects p WHERE p.index_name = f.index_name AND p.name = f.project"
        index = "SELECT 1 FROM indexes i WHERE i.name = p.index_name"
        rows = self._database.stream(
            f"SELECT f.index_name, f.filename FROM files f WHERE NOT EXISTS ({project})"
            f" UNION ALL SELECT p.index_name, p.name FROM projects p WHERE NOT EXISTS ({index})"
        )
        return ((index_name, name) for index_name, name in rows)

    def projects(self) -> Iterator[tuple[IndexName, NormalizedName]]:
        rows = self._database.stream("SELECT index_name, name FROM projects ORDER BY index_name, name")
        return ((index, name) for index, name in rows)

    def named_blobs(self) -> Iterator[NamedBlob]:
        return map(_named, self._database.stream(f"SELECT * FROM ({_NAMED}) AS named ORDER BY sha256"))

    def names_of(self, sha256: str) -> Sequence[NamedBlob]:
        return [_named(row) for row in self._database.read(f"SELECT * FROM ({_NAMED}) AS named WHERE sha256 = ?", (sha256,))]

    def count_named(self) -> int:
        count: int = self._database.read(f"SELECT count(*) FROM ({_NAMED}) AS named")[0][0]
        return count

    def unsettled(self) -> Iterator[tuple[str, bytes]]:
        rows = self._database.stream("SELECT sha256, content FROM unsettled_blobs")
        return ((sha256, content) for sha256, content in rows)

    def mend_serial(self, index: IndexName, project: NormalizedName, actor: str) -> None:
        now = datetime.now(UTC)
        self._database.write(lambda connection: Change(connection, index, actor, now).record_release(Action.REPAIR, project, "", "serial"))

    def forget_copy(self, sha256: str) -> None:
        def forget(connection: Connection) -> None:
            connection.execute("DELETE FROM pulled_blobs WHERE sha256 = ?", (sha256,))
            connection.execute("DELETE FROM extracted_metadata WHERE metadata_sha256 = ?", (sha256,))

        self._database.write(forget)


def _named(row: Row) -> NamedBlob:
    sha256, role, *rest = row
    return NamedBlob(sha256, Role(role), *rest)
