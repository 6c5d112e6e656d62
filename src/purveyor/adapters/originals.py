"""Blobs read where they are kept, past every copy that is nearer. What is promised is in `interfaces.Originals`."""

import tempfile
from pathlib import Path
from typing import BinaryIO, cast

from purveyor.adapters.disk import explained
from purveyor.errors import NotFound
from purveyor.interfaces import BlobStore, FarBlobs

_IN_MEMORY = 8 << 20


class NearOriginals:
    """Of a store on this machine, or a served folder."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def open(self, sha256: str) -> BinaryIO | None:
        try:
            return self._blobs.open(sha256)
        except NotFound:  # a file of a served folder that its owner has taken away
            return None

    def size(self, sha256: str) -> int | None:
        blob = self.open(sha256)
        if blob is None:
            return None
        with blob:
            return blob.seek(0, 2)

    def copy_to(self, sha256: str, target: Path) -> bool:
        try:
            return self._blobs.copy_to(sha256, target)
        except NotFound:
            return False


class FarOriginals:
    """Of a store on another machine. `folder` is for those on their way that are large."""

    def __init__(self, blobs: FarBlobs, folder: Path) -> None:
        self._blobs = blobs
        self._folder = folder

    def open(self, sha256: str) -> BinaryIO | None:
        remote = self._blobs.fetch(sha256)
        if remote is None:
            return None
        # A file that need not be one while it is small; for whoever reads it there is no difference.
        file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self._folder)))  # noqa: SIM115 - the caller closes it
        with explained(self._folder):
            for piece in remote.pieces:
                file.write(piece)
        file.seek(0)
        return file

    def size(self, sha256: str) -> int | None:
        remote = self._blobs.fetch(sha256)
        return None if remote is None else remote.size

    def copy_to(self, sha256: str, target: Path) -> bool:
        remote = self._blobs.fetch(sha256)
        if remote is None:
            return False
        with explained(target), target.open("xb") as copy:
            for piece in remote.pieces:
                copy.write(piece)
        return True
