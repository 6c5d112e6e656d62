"""What was seen of remote indexes, and which blobs are copies of theirs, in SQL. What the statements promise is in `interfaces`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from purveyor.adapters.rows import moment, stamp
from purveyor.adapters.sql import NEWEST, Connection, SqlDatabase
from purveyor.formats.snapshot_document import read_snapshot, write_snapshot
from purveyor.interfaces import PulledBlob, Snapshot, Validators
from purveyor.model.names import NormalizedName

_BLOBS = ("sha256", "metadata_sha256", "provenance_sha256")

_PUT_SNAPSHOT = (
    "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (upstream, project) DO UPDATE SET document = excluded.document,"
    " etag = excluded.etag, last_modified = excluded.last_modified, fresh_until = excluded.fresh_until, serial = excluded.serial"
)
_RENEW_SNAPSHOT = "UPDATE snapshots SET fresh_until = ? WHERE upstream = ? AND project = ?"
_FORGET_SNAPSHOT = "DELETE FROM snapshots WHERE upstream = ? AND project = ?"
_PUT_EXTRACTED = (
    "INSERT INTO extracted_metadata VALUES (?, ?, ?) ON CONFLICT (project, sha256) DO UPDATE SET metadata_sha256 = excluded.metadata_sha256"
)
_PUT_PULLED = (
    "INSERT INTO pulled_blobs VALUES (?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET size = excluded.size, used_at = excluded.used_at"
)


class SqlSnapshots:
    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def get(self, upstream: str, name: NormalizedName) -> Snapshot | None:
        rows = self._database.read(
            "SELECT document, etag, last_modified, fresh_until, serial FROM snapshots WHERE upstream = ? AND project = ?", (upstream, name)
        )
        if not rows:
            return None
        document, etag, last_modified, fresh_until, serial = rows[0]
        fresh = moment(fresh_until)
        assert fresh is not None  # the column is NOT NULL
        return Snapshot(read_snapshot(document, name, serial), Validators(etag, last_modified), fresh)

    def extracted(self, name: NormalizedName) -> Mapping[str, str]:
        return dict(self._database.read("SELECT sha256, metadata_sha256 FROM extracted_metadata WHERE project = ?", (name,)))

    def write(
        self,
        projects: Mapping[tuple[str, NormalizedName], Snapshot | datetime | None],
        extracted: Mapping[tuple[NormalizedName, str], str] = MappingProxyType({}),
    ) -> None:
        put = [_row(key, word) for key, word in projects.items() if isinstance(word, Snapshot)]
        renewed = [(stamp(word), *key) for key, word in projects.items() if isinstance(word, datetime)]
        gone = [key for key, word in projects.items() if word is None]
        found = [(*key, metadata_sha256) for key, metadata_sha256 in extracted.items()]
        statements = ((_PUT_SNAPSHOT, put), (_RENEW_SNAPSHOT, renewed), (_FORGET_SNAPSHOT, gone), (_PUT_EXTRACTED, found))

        def work(connection: Connection) -> None:
            for statement, rows in statements:
                if rows:
                    connection.executemany(statement, rows)

        self._database.write(work)


class SqlPulledBlobs:
    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def add(self, blob: PulledBlob, at: datetime) -> None:
        row = (blob.sha256, blob.size, stamp(at))
        self._database.write(lambda connection: connection.execute(_PUT_PULLED, row))

    def has(self, sha256: str) -> bool:
        statement = (
            "SELECT 1 FROM pulled_blobs WHERE sha256 = ? UNION ALL SELECT 1 FROM extracted_metadata WHERE metadata_sha256 = ? LIMIT 1"
        )
        return bool(self._database.read(statement, (sha256, sha256)))

    def used(self, sha256s: Iterable[str], at: datetime) -> None:
        rows = [(stamp(at), sha256) for sha256 in sha256s]
        if rows:
            statement = "UPDATE pulled_blobs SET used_at = ? WHERE sha256 = ?"
            self._database.write(lambda connection: connection.executemany(statement, rows))

    def size(self) -> int:
        size: int = self._database.read("SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM pulled_blobs")[0][0]
        return size

    def least_recently_used(self, limit: int) -> Sequence[PulledBlob]:
        rows = self._database.read("SELECT sha256, size FROM pulled_blobs ORDER BY used_at LIMIT ?", (limit,))
        return [PulledBlob(*row) for row in rows]

    def newest(self) -> int:
        newest: int = self._database.read(NEWEST)[0][0]
        return newest

    def hosted(self, sha256s: Sequence[str], since: int = 0) -> frozenset[str]:
        if not sha256s:
            return frozenset()
        # One look at each row, however many are asked for: an index on every digest would cost each upload, for what is asked seldom.
        named = " OR ".join(f"{column} IN ({', '.join('?' * len(sha256s))})" for column in _BLOBS)
        touched = " AND (index_name, project) IN (SELECT index_name, project FROM journal WHERE serial > ?)" if since else ""
        statements = [f"SELECT {', '.join(_BLOBS)} FROM {table} WHERE ({named}){touched}" for table in ("files", "deleted_files")]  # noqa: S608 - put together of constants
        parameters = [*list(sha256s) * len(_BLOBS), *([since] if since else [])]
        rows = self._database.read(" UNION ALL ".join(statements), parameters * len(statements))
        return frozenset(sha256s) & {sha256 for row in rows for sha256 in row}

    def forget(self, sha256s: Iterable[str]) -> None:
        rows = [(sha256,) for sha256 in sha256s]
        self._database.write(lambda connection: connection.executemany("DELETE FROM pulled_blobs WHERE sha256 = ?", rows))


def _row(key: tuple[str, NormalizedName], snapshot: Snapshot) -> tuple[Any, ...]:
    validators, serial = snapshot.validators, snapshot.detail.serial
    document = write_snapshot(snapshot.detail)
    return (*key, document, validators.etag, validators.last_modified, stamp(snapshot.fresh_until), serial)
