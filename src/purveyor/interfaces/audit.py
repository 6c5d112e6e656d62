"""What can be asked of a catalog as a whole: not what it offers, but whether it is in order."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from purveyor.model.indexes import IndexName
from purveyor.model.names import NormalizedName


class Role(StrEnum):
    """What a blob is to the row that names it."""

    FILE = "file"
    METADATA = "metadata"
    PROVENANCE = "provenance"
    DELETED = "deleted"
    """Of a file that was deleted, and that can be restored for as long as its content is there."""
    COPY = "copy"
    """Of what an upstream offers; it is fetched again if it is not there."""


class NamedBlob(Struct, frozen=True):
    """A blob as one row names it. `size` is None where the row does not say; index and filename are empty for a copy."""

    sha256: str
    role: Role
    index: IndexName
    project: NormalizedName
    filename: str
    size: int | None


class WrongSerial(Struct, frozen=True):
    """A project whose serial is not that of the newest entry about it; `newest` is 0 where there is none."""

    index: IndexName
    project: NormalizedName
    serial: int
    newest: int


class Audit(Protocol):
    """Each answer is one snapshot, read as it is wanted; a server may be writing meanwhile."""

    def engine_faults(self, *, quick: bool) -> Sequence[str]:
        """What the database itself finds wrong with its files; nothing where it cannot look."""
        ...

    def journal_gaps(self) -> Iterator[tuple[int, int]]:
        """The first and the last serial of each run of entries that are not there."""
        ...

    def wrong_serials(self) -> Iterator[WrongSerial]: ...

    def homeless_files(self) -> Iterator[tuple[IndexName, str]]:
        """Files of projects, and projects of indexes, that have no row: the index and the filename or project."""
        ...

    def projects(self) -> Iterator[tuple[IndexName, NormalizedName]]:
        """Every project, quarantined ones too."""
        ...

    def named_blobs(self) -> Iterator[NamedBlob]:
        """Every blob as each row names it, ordered by sha256."""
        ...

    def names_of(self, sha256: str) -> Sequence[NamedBlob]:
        """Which rows name the blob at this moment."""
        ...

    def count_named(self) -> int:
        """How many `named_blobs` gives."""
        ...

    def unsettled(self) -> Iterator[tuple[str, bytes]]:
        """What waits to be settled, and its content."""
        ...

    def mend_serial(self, index: IndexName, project: NormalizedName, actor: str) -> None:
        """Give the project the serial of a new entry, which says that it was mended."""
        ...

    def forget_copy(self, sha256: str) -> None:
        """The copy of an upstream's file is not there, or not right."""
        ...
