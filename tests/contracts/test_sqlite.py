"""The catalog on SQLite."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from purveyor.adapters.catalog import SqlCatalog
from purveyor.adapters.change_signal import MappedSignal
from purveyor.adapters.schema import STEPS
from purveyor.adapters.sqlite import Database
from purveyor.errors import Misconfigured
from purveyor.interfaces import Catalog
from purveyor.testing.contracts import CatalogContract, new_file


class TestSqlCatalog(CatalogContract):
    @pytest.fixture
    def open_catalog(self, tmp_path: Path) -> Iterator[Callable[[], Catalog]]:
        opened: list[Catalog] = []

        def once_more() -> Catalog:
            opened.append(SqlCatalog(Database(tmp_path / "catalog.sqlite"), MappedSignal(tmp_path / "changes")))
            return opened[-1]

        yield once_more
        for catalog in opened:
            catalog.close()


def test_the_journal_has_no_gaps_and_is_in_commit_order(tmp_path: Path) -> None:
    catalog = SqlCatalog(Database(tmp_path / "catalog.sqlite"), MappedSignal(tmp_path / "changes"))
    for number in range(10):
        catalog.add_file(new_file(f"project{number % 3}-1.{number}.tar.gz"), {})
    catalog.close()
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as connection:
        rows = connection.execute("SELECT serial, filename FROM journal ORDER BY rowid").fetchall()
    assert [serial for serial, _ in rows] == list(range(1, 14))
    assert [int(filename.split(".")[1]) for _, filename in rows] == sorted(int(filename.split(".")[1]) for _, filename in rows)


def test_every_commit_raises_the_signal_before_its_writer_is_answered(tmp_path: Path) -> None:
    signal = MappedSignal(tmp_path / "changes")
    catalog = SqlCatalog(Database(tmp_path / "catalog.sqlite"), MappedSignal(tmp_path / "changes"))
    for number in range(10):
        catalog.add_file(new_file(f"acme-1.{number}.tar.gz"), {})
        assert signal.read() == catalog.serial()
    catalog.close()


def test_a_database_newer_than_the_code_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    with pytest.raises(Misconfigured, match="written by a newer Purveyor"):
        Database(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS) + 1,)


def test_a_file_that_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(Misconfigured, match="is not a usable database"):
        Database(path)
