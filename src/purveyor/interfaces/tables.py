"""The whole of a catalog at once, for a copy of it; and what keeps servers away meanwhile."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from msgspec import Struct

from purveyor.formats.catalog_rows import Table

Row = tuple[Any, ...]


class Phase(StrEnum):
    ARRIVING = "arriving"
    """A catalog that is being filled: no server starts over it."""
    COPYING = "copying"
    """A catalog that is being copied elsewhere; it is read and written as ever."""
    PAUSED = "paused"
    """The last of it is being copied: it is read, and written again once `until` is past."""
    MOVED = "moved"
    """It is elsewhere now: what is left here is read, and never written again."""


class Move(Struct, frozen=True):
    """`mark` is that of both ends, `place` where the other end is, fit to be shown; `until` is in microseconds since 1970."""

    phase: Phase
    mark: str
    place: str
    until: int = 0


class TablesSnapshot(Protocol):
    """A catalog as it was at one moment."""

    def serial(self) -> int: ...

    def count(self, table: Table) -> int: ...

    def rows(self, table: Table) -> Iterator[Row]:
        """In the order of its columns; fetched as they are wanted."""
        ...

    def journal_after(self, serial: int) -> Iterator[Row]: ...

    def touched_after(self, serial: int) -> Sequence[tuple[str, str]]:
        """The index and the name of each project that the journal tells of after the serial."""
        ...

    def rows_of(self, table: Table, index: str, project: str) -> Sequence[Row]: ...

    def unsettled(self) -> Iterator[tuple[str, bytes]]: ...

    def names_folder(self) -> bool:
        """Whether files of a served folder are among those it offers."""
        ...


class Tables(Protocol):
    def snapshot(self) -> AbstractContextManager[TablesSnapshot]: ...

    def is_empty(self) -> bool:
        """Whether nothing has ever happened here."""
        ...

    def fill(self, rows: Iterable[tuple[Table, Iterable[Row]]]) -> None:
        """Put these rows in the place of all there were, in one transaction."""
        ...

    def follow(
        self,
        projects: Mapping[tuple[str, str], Mapping[str, Sequence[Row]]],
        journal: Iterable[Row],
        whole: Iterable[tuple[Table, Sequence[Row]]],
    ) -> None:
        """In one transaction: the rows of these projects, by table, and these tables as a whole, in the place of those there were; and
        further entries of the journal.
        """
        ...

    def move(self) -> Move | None: ...

    def set_move(self, move: Move | None) -> None: ...

    def renew(self, mark: str, until: int) -> None:
        """Let a pause of this mark last until then; where there is none any more, nothing happens."""
        ...

    def leave(self, move: Move, serial: int) -> bool:
        """End the pause of the same mark with this, unless there is none any more or anything has happened after the serial; then False."""
        ...


class Originals(Protocol):
    """Blobs as the store itself has them: no copy that is nearer counts. Reading checks nothing."""

    def open(self, sha256: str) -> BinaryIO | None:
        """The blob, seekable; None if it is not in the store."""
        ...

    def size(self, sha256: str) -> int | None: ...

    def copy_to(self, sha256: str, target: Path) -> bool:
        """Make it a file at `target`, which must not be there yet: by hard link where possible; False if it is not in the store."""
        ...
