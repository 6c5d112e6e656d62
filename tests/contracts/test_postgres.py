"""The catalog, and all else that is kept beside it, on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from purveyor.adapters.auditing import SqlAudit
from purveyor.adapters.catalog import SqlCatalog
from purveyor.adapters.change_signal import MappedSignal
from purveyor.adapters.postgres import PostgresDatabase
from purveyor.adapters.promotions import SqlPromotions
from purveyor.adapters.snapshots import SqlPulledBlobs, SqlSnapshots
from purveyor.interfaces import Catalog, Promotions, PulledBlobs, Snapshots
from purveyor.testing.contracts import CatalogContract, new_file
from purveyor.testing.promotion_contracts import PromotionsContract
from purveyor.testing.upstream_contracts import PulledBlobsContract, SnapshotsContract

Open = Callable[[], PostgresDatabase]


@pytest.fixture
def open_database(postgres_url: str) -> Iterator[Open]:
    opened: list[PostgresDatabase] = []

    def once_more() -> PostgresDatabase:
        opened.append(PostgresDatabase(postgres_url))
        return opened[-1]

    yield once_more
    for database in opened:
        database.close()


class TestCatalogOnPostgres(CatalogContract):
    @pytest.fixture
    def open_catalog(self, open_database: Open, tmp_path: Path) -> Callable[[], Catalog]:
        return lambda: SqlCatalog(open_database(), MappedSignal(tmp_path / "changes"))


class TestPromotionsOnPostgres(PromotionsContract):
    @pytest.fixture
    def open_both(self, open_database: Open, tmp_path: Path) -> Callable[[], tuple[Catalog, Promotions]]:
        def once_more() -> tuple[Catalog, Promotions]:
            database = open_database()
            return SqlCatalog(database, MappedSignal(tmp_path / "changes")), SqlPromotions(database)

        return once_more


class TestSnapshotsOnPostgres(SnapshotsContract):
    @pytest.fixture
    def open_snapshots(self, open_database: Open) -> Callable[[], Snapshots]:
        database = open_database()
        return lambda: SqlSnapshots(database)


class TestPulledBlobsOnPostgres(PulledBlobsContract):
    @pytest.fixture
    def open_pulled(self, open_database: Open) -> Callable[[], PulledBlobs]:
        database = open_database()
        return lambda: SqlPulledBlobs(database)


def test_a_catalog_is_audited_as_on_any_other_database(open_database: Open, tmp_path: Path) -> None:
    database = open_database()
    catalog, audit = SqlCatalog(database, MappedSignal(tmp_path / "changes")), SqlAudit(database)
    new = new_file("acme-1.0.tar.gz", b"content")
    catalog.add_file(new, {new.file.sha256: b"content"})
    assert audit.engine_faults(quick=True) == []
    assert [*audit.journal_gaps(), *audit.wrong_serials(), *audit.homeless_files()] == []
    assert list(audit.projects()) == [(new.index, new.file.project)]
    named = list(audit.named_blobs())
    assert {blob.sha256 for blob in named} == {new.file.sha256, new.file.metadata_sha256}
    assert list(audit.names_of(new.file.sha256)) == [blob for blob in named if blob.sha256 == new.file.sha256]
    assert audit.count_named() == 2
    assert list(audit.unsettled()) == [(new.file.sha256, b"content")]


def test_a_file_is_found_by_its_name_also_in_an_index_that_came_after_the_last_look_at_the_tables(
    open_database: Open, postgres_url: str
) -> None:
    """Where all rows were of one index, PostgreSQL takes any other for empty, and may read all that is in it by now."""
    open_database()
    row = "i, 'acme', '1.0', 'bdist_wheel', 1, i FROM (SELECT i::text FROM generate_series(1, 3000) AS i) AS rows"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(b"INSERT INTO indexes VALUES ('team', '{}')")
        for index in ("default", "team"):
            connection.execute(f"INSERT INTO projects VALUES ('{index}', 'acme', 'acme', 'active', '', 1)".encode())
            columns = "index_name, filename, identity, project, version, kind, size, sha256"
            connection.execute(f"INSERT INTO files ({columns}) SELECT '{index}', i, {row}".encode())
            if index == "default":
                connection.execute(b"ANALYZE")
        plan = connection.execute(b"EXPLAIN SELECT size FROM files WHERE index_name = 'team' AND filename = '7'").fetchall()
    assert "Index Cond: ((index_name = 'team'::text) AND (filename = '7'::text))" in "\n".join(line for (line,) in plan)
