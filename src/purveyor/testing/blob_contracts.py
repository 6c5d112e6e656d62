"""What every blob store must do, as a suite that its tests pass by subclassing it with one fixture; see `contracts.py`."""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from purveyor.interfaces import BlobStore

_THREADS = 8


class BlobStoreContract:
    """`open_blobs()` opens the same store once more; it is empty at first."""

    def test_a_blob_can_be_read_once_it_is_kept_and_settled(self, open_blobs: Callable[[], BlobStore]) -> None:
        blobs = open_blobs()
        for content in (b"", b"small", bytes(3 << 20)):
            sha256 = _put(blobs, [content])
            assert open_blobs().exists(sha256)
            assert _read(open_blobs(), sha256) == content

    def test_content_may_come_in_pieces_and_be_read_before_it_is_kept(self, open_blobs: Callable[[], BlobStore]) -> None:
        pieces = [b"a" * 300_000, b"", b"b" * 300_000, b"c"]
        with open_blobs().stage() as staging:
            for piece in pieces:
                staging.write(piece)
                with staging.reader() as reader:
                    reader.seek(staging.size - len(piece))
                    assert reader.read() == piece
            assert staging.size == len(b"".join(pieces))

    def test_what_is_not_kept_is_gone(self, open_blobs: Callable[[], BlobStore]) -> None:
        blobs, content = open_blobs(), bytes(1 << 20)
        with blobs.stage() as staging:
            staging.write(content)
        sha256 = hashlib.sha256(content).hexdigest()
        assert not blobs.exists(sha256)
        assert blobs.open(sha256) is None

    def test_keeping_what_is_there_changes_nothing(self, open_blobs: Callable[[], BlobStore]) -> None:
        blobs = open_blobs()
        for content in (b"small", bytes(2 << 20)):
            sha256 = _put(blobs, [content])
            with blobs.open(sha256) or _missing() as reading:
                assert _put(blobs, [content]) == sha256
                assert reading.read() == content
            assert _read(blobs, sha256) == content

    def test_the_same_blob_from_many_at_once_is_one(self, open_blobs: Callable[[], BlobStore]) -> None:
        for content in (b"small", bytes(range(256)) * 8192):
            with ThreadPoolExecutor(_THREADS) as writers:
                digests = set(writers.map(lambda _, content=content: _put(open_blobs(), [content]), range(_THREADS)))
            assert len(digests) == 1
            assert _read(open_blobs(), digests.pop()) == content

    def test_settling_twice_changes_nothing(self, open_blobs: Callable[[], BlobStore]) -> None:
        blobs = open_blobs()
        content = {hashlib.sha256(b"small").hexdigest(): b"small"}
        blobs.settle(content)
        blobs.settle(content)
        assert _read(blobs, *content) == b"small"

    def test_a_blob_becomes_a_file_elsewhere(self, open_blobs: Callable[[], BlobStore], tmp_path: Path) -> None:
        blobs = open_blobs()
        sha256 = _put(blobs, [b"content"])
        assert blobs.copy_to(sha256, tmp_path / "copy.whl")
        assert (tmp_path / "copy.whl").read_bytes() == b"content"
        assert not blobs.copy_to(hashlib.sha256(b"another").hexdigest(), tmp_path / "other.whl")
        assert not (tmp_path / "other.whl").exists()

    def test_a_removed_blob_is_no_longer_stored(self, open_blobs: Callable[[], BlobStore]) -> None:
        blobs = open_blobs()
        kept, removed = _put(blobs, [b"kept"]), _put(blobs, [b"removed"])
        assert [(blob.sha256, blob.size) for blob in blobs.stored()] == sorted([(kept, 4), (removed, 7)])
        for _ in range(2):
            blobs.remove(removed)
        assert [blob.sha256 for blob in open_blobs().stored()] == [kept]
        assert blobs.open(removed) is None

    def test_a_sweep_leaves_alone_what_is_under_way(self, open_blobs: Callable[[], BlobStore]) -> None:
        blobs = open_blobs()
        with blobs.stage() as staging:
            staging.write(bytes(1 << 20))
            assert open_blobs().sweep(3600.0) == 0
            with blobs.keep([(staging, hashlib.sha256(bytes(1 << 20)).hexdigest())]) as unsettled:
                blobs.settle(unsettled)
        assert blobs.exists(hashlib.sha256(bytes(1 << 20)).hexdigest())


def _put(blobs: BlobStore, pieces: Iterable[bytes]) -> str:
    content = b"".join(pieces)
    sha256 = hashlib.sha256(content).hexdigest()
    with blobs.stage() as staging:
        staging.write(content)
        with blobs.keep([(staging, sha256)]) as unsettled:
            blobs.settle(unsettled)
    return sha256


def _read(blobs: BlobStore, sha256: str) -> bytes:
    with blobs.open(sha256) or _missing() as file:
        return file.read()


def _missing() -> BinaryIO:
    raise AssertionError("the blob is not there")
