"""An index that serves a folder keeps every promise of one that does not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from purveyor.adapters.change_signal import MappedSignal
from purveyor.adapters.folder_blobs import FolderBlobs
from purveyor.adapters.folder_catalog import FolderCatalog
from purveyor.adapters.folder_index import SqlFolderIndex
from purveyor.adapters.local_blobs import LocalBlobs
from purveyor.adapters.local_folder import LocalFolder
from purveyor.adapters.sqlite import Database
from purveyor.interfaces import BlobStore, Catalog
from purveyor.testing.blob_contracts import BlobStoreContract
from purveyor.testing.contracts import CatalogContract


class TestFolderCatalog(CatalogContract):
    @pytest.fixture
    def open_catalog(self, tmp_path: Path) -> Iterator[Callable[[], Catalog]]:
        opened: list[Catalog] = []

        def once_more() -> Catalog:
            database = Database(tmp_path / "catalog.sqlite")
            opened.append(FolderCatalog(database, MappedSignal(tmp_path / "changes"), SqlFolderIndex(database), lambda _: None))
            return opened[-1]

        yield once_more
        for catalog in opened:
            catalog.close()


class TestFolderBlobs(BlobStoreContract):
    @pytest.fixture
    def open_blobs(self, tmp_path: Path) -> Iterator[Callable[[], BlobStore]]:
        database = Database(tmp_path / "catalog.sqlite")
        yield lambda: FolderBlobs(LocalFolder(tmp_path), SqlFolderIndex(database), LocalBlobs(tmp_path))
        database.close()
