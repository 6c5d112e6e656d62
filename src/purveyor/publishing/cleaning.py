"""What no row of the index names any more, found and removed beside uploads that may name it again at the same moment."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from msgspec import Struct

from purveyor.interfaces import Catalog, OwnBlobs, StoredBlob

BLOB_AGE = 3600.0
"""Seconds an orphan is left in peace; not for safety's sake, but since a release whose upload broke off is often uploaded again."""
STAGING_AGE = 60.0
"""Seconds until a staging that no living process has locked counts as left behind."""
# Uploads of large files wait while one batch goes.
_AT_ONCE = 500


class Amount(Struct, frozen=True):
    count: int = 0
    bytes: int = 0

    @classmethod
    def of(cls, sizes: Iterable[int]) -> "Amount":
        count = total = 0
        for size in sizes:
            count, total = count + 1, total + size
        return cls(count, total)


class Cleaner:
    def __init__(self, catalog: Catalog, blobs: OwnBlobs, clock: Callable[[], float], blob_age: float = BLOB_AGE) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._clock = clock
        self._blob_age = blob_age

    def orphans(self) -> Amount:
        """Blobs in the store that the catalog does not name."""
        return Amount.of(blob.size for blob in self._orphans())

    def remove_orphans(self) -> Amount:
        return Amount.of(self._removed())

    def stagings(self) -> Amount:
        """Uploads that a process which is gone did not finish."""
        return Amount.of(self._blobs.abandoned(STAGING_AGE))

    def remove_stagings(self) -> Amount:
        found = self.stagings()
        return Amount(self._blobs.sweep(STAGING_AGE), found.bytes)

    def _orphans(self) -> Iterator[StoredBlob]:
        """Both in order, so that a million of them never stand in memory: what is stored and was passed over by the names is an orphan."""
        named = self._catalog.named_blobs()
        name = next(named, None)
        for blob in self._blobs.stored():
            while name is not None and name < blob.sha256:
                name = next(named, None)
            if name != blob.sha256 and self._clock() - blob.modified > self._blob_age:
                yield blob

    def _removed(self) -> Iterator[int]:
        # Read before the names are: what was named after them has an entry in the journal after this one, and a blob gets a name in no
        # other way. So once the gate is shut, in front of which every upload waits or has committed, this look back is the last word.
        serial = self._catalog.serial()
        orphans = self._orphans()
        while batch := list(islice(orphans, _AT_ONCE)):
            with self._blobs.removing():
                named = self._catalog.named_since(serial)
                gone = [blob for blob in batch if blob.sha256 not in named]
                for blob in gone:
                    self._blobs.remove(blob.sha256)
            yield from (blob.size for blob in gone)
