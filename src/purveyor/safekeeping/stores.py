"""What the whole of an index is kept in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from purveyor.interfaces import Audit, BlobStore, Catalog, OwnBlobs


class Amount(Protocol):
    """How many, and how many bytes together."""

    @property
    def count(self) -> int: ...

    @property
    def bytes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Safekeeping:
    """One index's stores. `blobs` has what `own` has, and what lies in a served folder."""

    data: Path
    catalog: Catalog
    audit: Audit
    blobs: BlobStore
    own: OwnBlobs
    orphans: Callable[[], Amount]
    remove_orphans: Callable[[], Amount]
    settle: Callable[[], int]
