"""What the whole of an index is kept in."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from purveyor.errors import Misconfigured
from purveyor.interfaces import Audit, Catalog, Originals, OwnBlobs, Phase, Tables


class Amount(Protocol):
    """How many, and how many bytes together."""

    @property
    def count(self) -> int: ...

    @property
    def bytes(self) -> int: ...


class Safekeeping(Struct, frozen=True):
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


def check_arrived(tables: Tables) -> None:
    """Raises `Misconfigured` for an index that is half of one: still on its way there, from a backup or from other stores."""
    move = tables.move()
    if move is not None and move.phase is Phase.ARRIVING:
        raise Misconfigured(f"This index is still being filled from {move.place}.", "Run the same command once more, which completes it.")
