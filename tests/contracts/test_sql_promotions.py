"""Promotions on SQLite."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from purveyor.adapters.catalog import SqlCatalog
from purveyor.adapters.change_signal import MappedSignal
from purveyor.adapters.promotions import SqlPromotions
from purveyor.adapters.sqlite import Database
from purveyor.interfaces import Catalog, Promotions
from purveyor.testing.promotion_contracts import PromotionsContract


class TestSqlPromotions(PromotionsContract):
    @pytest.fixture
    def open_both(self, tmp_path: Path) -> Iterator[Callable[[], tuple[Catalog, Promotions]]]:
        opened: list[Catalog] = []

        def once_more() -> tuple[Catalog, Promotions]:
            database = Database(tmp_path / "catalog.sqlite")
            opened.append(SqlCatalog(database, MappedSignal(tmp_path / "changes")))
            return opened[-1], SqlPromotions(database)

        yield once_more
        for catalog in opened:
            catalog.close()
