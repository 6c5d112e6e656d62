"""Blobs of an index whose distribution files lie in a folder: their bytes stay there, and nowhere else."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from purveyor.adapters.folder_index import SqlFolderIndex
from purveyor.errors import NotFound, StoreFailed
from purveyor.interfaces import BlobStore, Folder, FolderFile, Staging, StoredBlob


class FolderBlobs:
    """What the folder has, then what `local` has: files that were in the data directory before it followed the folder."""

    def __init__(self, folder: Folder, index: SqlFolderIndex, local: BlobStore) -> None:
        self._folder = folder
        self._index = index
        self._local = local

    def stage(self) -> Staging:
        return self._local.stage()

    def keep(self, staged: Sequence[tuple[Staging, str]]) -> AbstractContextManager[Mapping[str, bytes]]:
        return self._local.keep(staged)

    def settle(self, blobs: Mapping[str, bytes]) -> None:
        self._local.settle(blobs)

    def open(self, sha256: str) -> BinaryIO | None:
        """Raises `NotFound` for a file of the folder that is gone or is another by now."""
        if blob := self._local.open(sha256):
            return blob
        if (metadata := self._index.metadata(sha256)) is not None:
            return _as_file(metadata)
        holders = self._index.holders(sha256)
        for known in holders:
            if file := self._unchanged(known):
                return file
        if holders:
            self._check_folder()
            raise NotFound(f"The file {holders[0].filename} is no longer in the folder as it was.", "Ask for its project's page again.")
        return None

    def _unchanged(self, known: FolderFile) -> BinaryIO | None:
        try:
            file, now = self._folder.open(known.path)
        except OSError:
            return None
        if now == known:
            return file
        file.close()
        self._index.revise(now)
        return None

    def _check_folder(self) -> None:
        if self._folder.changed_at("") is None:
            raise StoreFailed("The folder that is served here is not there at present.", "Bring it back; the server goes on from there.")

    def exists(self, sha256: str) -> bool:
        return self._local.exists(sha256) or self._index.metadata(sha256) is not None or bool(self._index.holders(sha256))

    def copy_to(self, sha256: str, target: Path) -> bool:
        """By copying, except for blobs of the data directory: a link would tie a file that is its owner's to write to."""
        if self._local.copy_to(sha256, target):
            return True
        blob = self.open(sha256)
        if blob is None:
            return False
        with blob, target.open("xb") as copy:
            shutil.copyfileobj(blob, copy)
        return True

    def stored(self) -> Iterator[StoredBlob]:
        """Of the data directory alone: what is in the folder is not the index's to clean."""
        return self._local.stored()

    def remove(self, sha256: str) -> None:
        self._local.remove(sha256)

    def sweep(self, older_than: float) -> int:
        return self._local.sweep(older_than)


def _as_file(content: bytes) -> BinaryIO:
    """With a descriptor, as the port promises it; without a disk, where the system has such a thing."""
    file = _in_memory()
    file.write(content)
    file.seek(0)
    return file


def _in_memory() -> BinaryIO:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("metadata"), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)
