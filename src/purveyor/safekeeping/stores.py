"""What the whole of an index is kept in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from purveyor.interfaces import Audit, Catalog, Originals, OwnBlobs, Tables


class Amount(Protocol):
    """How many, and how many bytes together."""

    @property
    def count(self) -> int: ...

    @property
    def bytes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Safekeeping:
    """One index's stores. `originals` are what `blobs` has, and what lies in a served folder if there is one."""

    data: Path
    place: str
    """Where they are, fit to be shown."""
    contents: str
    """Where the contents alone are."""
    folder: bool
    catalog: Catalog
    audit: Audit
    tables: Tables
    blobs: OwnBlobs
    originals: Originals
    orphans: Callable[[], Amount]
    remove_orphans: Callable[[], Amount]
    settle: Callable[[], int]
