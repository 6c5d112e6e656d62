"""Blobs in an object store: `blobs/ab/cdef...` below its URL, under their sha256, as `LocalBlobs` lays them out in a folder.

Small ones travel in the row's own commit and come here when they are settled. Large ones are staged in the data directory and are in the
store, looked at once more, before their row is committed. What is read is brought to the data directory first, checked against its digest,
and read there: a file with a descriptor, which the kernel sends as it sends any other.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from hashlib import sha256 as sha256_of
from pathlib import Path
from typing import BinaryIO

from purveyor.adapters.abandoned_parts import AbandonedParts
from purveyor.adapters.blob_cache import BlobCache
from purveyor.adapters.disk import check_usable, explained
from purveyor.adapters.object_store import ObjectStore
from purveyor.adapters.staging_folder import LocalStaging, StagingFolder
from purveyor.errors import StoreFailed
from purveyor.interfaces import Around, Gate, RemoteFile, Staging, StoredBlob

_FOLDER = "blobs"
_AT_ONCE = 8


class ObjectStoreBlobs:
    """`url` names the store; stagings and copies are below `data`, up to `cache` bytes of the latter."""

    def __init__(self, url: str, data: Path, gate: Gate, cache: int, wait: float = 0.0) -> None:
        """Parts that dead uploads left are looked for after `wait` seconds, then now and then."""
        self._store = ObjectStore(url)
        self._staging = StagingFolder(data / "staging")
        self._cache = BlobCache(data / "cache", cache)
        self._gate = gate
        self._parts = AbandonedParts(url, _FOLDER, wait)

    def watch(self, around: Around) -> None:
        self._store.around = around

    def check(self) -> str:
        check_usable(self._staging.path)
        self.exists("0" * 64)  # there is no such blob, and only the store can say so
        return "The object store answers."

    def stage(self) -> LocalStaging:
        return self._staging.stage()

    @contextmanager
    def keep(self, staged: Sequence[tuple[Staging, str]]) -> Iterator[Mapping[str, bytes]]:
        unsettled: dict[str, bytes] = {}
        large: list[tuple[LocalStaging, str]] = []
        for staging, sha256 in staged:
            assert isinstance(staging, LocalStaging)  # stagings come back to the store that made them
            content = staging.content()
            if content is None:
                large.append((staging, sha256))
                # Before the gate, which is not held for as long as a large file takes.
                self._put(staging, sha256)
            else:
                unsettled[sha256] = content
        with self._gate.together() if large else nullcontext():
            for staging, sha256 in large:
                self._check(staging, sha256)
            yield unsettled

    def _put(self, staging: LocalStaging, sha256: str) -> bool:
        """Whether it had to be put at all."""
        if self._store.size(_key(sha256)) == staging.size:
            return False
        with staging.reader() as content:
            self._store.put(_key(sha256), content)
        return True

    def _check(self, staging: LocalStaging, sha256: str) -> None:
        """No row names what did not arrive; nor what was there before, as an orphan, and was removed before the gate was passed."""
        if self._put(staging, sha256) and self._store.size(_key(sha256)) != staging.size:
            raise StoreFailed("The object store does not have what it took.", "Try again in a moment.")

    def settle(self, blobs: Mapping[str, bytes]) -> None:
        # Whoever removes blobs does so before these come, or after their rows can be seen.
        with self._gate.together(), ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(lambda item: self._store.put(_key(item[0]), item[1]), blobs.items()))

    def here(self, sha256: str) -> BinaryIO | None:
        return self._cache.open(sha256)

    def fetch(self, sha256: str) -> RemoteFile | None:
        found = self._store.get(_key(sha256))
        return None if found is None else RemoteFile(*found)

    def hold(self, staging: Staging, sha256: str) -> None:
        assert isinstance(staging, LocalStaging)  # as above
        self._cache.take(staging, sha256)

    def link(self, sha256: str, seconds: int) -> str:
        return self._store.link(_key(sha256), seconds)

    def open(self, sha256: str) -> BinaryIO | None:
        if (blob := self.here(sha256)) is not None:
            return blob
        with self._staging.stage() as staging:
            if not self._receive(sha256, staging):
                return None
            blob = staging.in_file()
            self.hold(staging, sha256)
            return blob

    def _receive(self, sha256: str, staging: Staging) -> bool:
        """Whether the store has it; its bytes are right, or `StoreFailed` is raised."""
        remote = self.fetch(sha256)
        if remote is None:
            return False
        digest = sha256_of()
        for piece in remote.pieces:
            digest.update(piece)
            staging.write(piece)
        if digest.hexdigest() != sha256:
            raise StoreFailed(f"What the object store has under sha256 {sha256} is something else.", "Restore it from a backup.")
        return True

    def exists(self, sha256: str) -> bool:
        return self._store.size(_key(sha256)) is not None

    def copy_to(self, sha256: str, target: Path) -> bool:
        blob = self.open(sha256)
        if blob is None:
            return False
        with blob, explained(target), target.open("xb") as copy:
            while piece := blob.read(1 << 20):
                copy.write(piece)
        return True

    def stored(self) -> Iterator[StoredBlob]:
        for found in self._store.keys(_FOLDER):
            yield StoredBlob(found.sha256.removeprefix(_FOLDER).replace("/", ""), found.size, found.modified)

    def remove(self, sha256: str) -> None:
        self._store.remove(_key(sha256))
        self._cache.remove(sha256)

    def removing(self) -> AbstractContextManager[None]:
        return self._gate.alone()

    def sweep(self, older_than: float) -> int:
        return self._staging.sweep(older_than) + self._parts.sweep()

    def abandoned(self, older_than: float) -> Sequence[int]:
        return [*self._staging.abandoned(older_than), *self._parts.sizes()]


def _key(sha256: str) -> str:
    return f"{_FOLDER}/{sha256[:2]}/{sha256[2:]}"
