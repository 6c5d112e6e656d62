"""Blobs as files, and what a power cut may leave of them."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from purveyor.adapters.local_blobs import LocalBlobs
from purveyor.errors import StoreFailed
from purveyor.interfaces import BlobStore
from purveyor.testing.blob_contracts import BlobStoreContract
from tests.distributions import wheel
from tests.live_server import LiveServer


class TestLocalBlobs(BlobStoreContract):
    @pytest.fixture
    def open_blobs(self, tmp_path: Path) -> Callable[[], BlobStore]:
        return lambda: LocalBlobs(tmp_path)


def test_a_sweep_removes_what_a_dead_process_left_behind(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path)
    left, fresh = tmp_path / "staging" / "upload-old", tmp_path / "staging" / "upload-new"
    for path in (left, fresh):
        path.write_bytes(b"half of it")
    os.utime(left, (0, 0))
    assert blobs.sweep(3600.0) == 1
    assert [path.name for path in (tmp_path / "staging").iterdir()] == ["upload-new"]


def test_a_staging_of_a_living_process_is_never_swept(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path)
    with blobs.stage() as staging:
        staging.write(bytes(1 << 20))
        for path in (tmp_path / "staging").iterdir():
            os.utime(path, (0, 0))
        assert LocalBlobs(tmp_path).abandoned(3600.0) == []
        assert LocalBlobs(tmp_path).sweep(3600.0) == 0


def test_nothing_is_removed_between_keeping_a_blob_and_committing_its_row(tmp_path: Path) -> None:
    order: list[str] = []
    blobs, others, begun = LocalBlobs(tmp_path), LocalBlobs(tmp_path), threading.Event()

    def remove() -> None:
        begun.set()
        with others.removing():
            order.append("removed")

    remover = threading.Thread(target=remove)
    with blobs.stage() as staging:
        staging.write(bytes(1 << 20))
        with blobs.keep([(staging, "ab" * 32)]):
            remover.start()
            begun.wait()
            time.sleep(0.05)
            order.append("committed")
    remover.join()

    assert order == ["committed", "removed"]


def test_who_removes_gives_up_with_a_sentence_where_uploads_never_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("purveyor.adapters.file_gate._PATIENCE", 0.0)
    blobs = LocalBlobs(tmp_path)
    with blobs.stage() as staging:
        staging.write(bytes(1 << 20))
        with blobs.keep([(staging, "ab" * 32)]), pytest.raises(StoreFailed, match="Large uploads follow each other"), blobs.removing():
            pass


@pytest.mark.parametrize("left", ["nothing", "empty files", "half of each", "as many zeros"])
def test_what_was_acknowledged_is_whole_again_after_a_power_cut(tmp_path: Path, left: str) -> None:
    """Whatever the cut left of files that were never synced, the rows brought their content along."""
    with LiveServer(tmp_path / "data") as server:
        hosted = dict(wheel("acme", f"1.{number}") for number in range(5))
        server.host(*hosted.items())
        server.kill()
        for path in (path for path in (tmp_path / "data" / "blobs").rglob("*") if path.is_file()):
            content = path.read_bytes()
            path.write_bytes(
                {"nothing": b"", "empty files": b"", "half of each": content[: len(content) // 2]}.get(left, bytes(len(content)))
            )
            if left == "nothing":
                path.unlink()
        server.start()
        assert server.files("acme") == hosted
        for file in server.entries("acme"):
            assert server.http.get(file["url"] + ".metadata").content.startswith(b"Metadata-Version")
