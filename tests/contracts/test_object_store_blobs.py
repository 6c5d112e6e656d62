"""An object store keeps every promise of a folder; on a real S3 server."""

from collections.abc import Callable
from pathlib import Path

import pytest

from purveyor.adapters.file_gate import FileGate
from purveyor.adapters.object_store_blobs import ObjectStoreBlobs
from purveyor.interfaces import BlobStore
from purveyor.testing.blob_contracts import BlobStoreContract
from tests.object_server import Bucket


def opened(bucket: Bucket, folder: Path, cache: int = 1 << 30) -> ObjectStoreBlobs:
    return ObjectStoreBlobs(bucket.url, folder, FileGate(folder / "gate"), cache)


class TestObjectStoreBlobs(BlobStoreContract):
    @pytest.fixture
    def open_blobs(self, object_store: Bucket, tmp_path: Path) -> Callable[[], BlobStore]:
        return lambda: opened(object_store, tmp_path / "data")
