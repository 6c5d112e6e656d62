"""What the catalog asks of a database, whichever it is. The SQL above this line is the subset that SQLite and PostgreSQL both take.

Parameters are marked by `?`. What either engine has alone (connections, locks, durability, the names of types) is in its own module.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from purveyor.interfaces import Around

T = TypeVar("T")
Row = tuple[Any, ...]

NEWEST = "SELECT coalesce(max(serial), 0) FROM journal"


class Cursor(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """A connection in the middle of a transaction."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Cursor: ...
    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Any: ...


class Reading(Protocol):
    """A database at one moment."""

    def stream(self, statement: str, parameters: Sequence[Any] = ..., /) -> Iterator[Row]:
        """The rows of one statement, fetched as they are wanted."""
        ...


class SqlDatabase(Protocol):
    """A database shared by threads and processes.

    Everything raises `StoreFailed` when the database cannot do its work now; then a write was not made, unless the sentence says that
    nobody knows.
    """

    after_commit: Callable[[int], None]
    """Told the newest serial after each commit, before any writer of it is answered."""

    around: Around
    """Each write is made inside of it."""

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of one statement, which is one snapshot."""
        ...

    def stream(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of one statement, one snapshot, fetched as they are wanted: on a connection of its own, since the caller may be slow."""
        ...

    def snapshot(self) -> AbstractContextManager[Reading]:
        """For several statements that must see the same moment; on a connection of its own, since the caller may be slow."""
        ...

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that is durable on return; what it raises undoes it and is raised here.

        Only one transaction writes at a time, whichever process it is of, so serials are taken in the order of commits.
        """
        ...

    def tidy(self) -> None:
        """Do now what the next writer should not have to wait for."""
        ...

    def faults(self, *, quick: bool) -> list[str]:
        """What the database finds wrong with its own files, where that can be asked; `quick` leaves out what takes long."""
        ...

    def check(self) -> str:
        """How it is now; see `interfaces.Check`."""
        ...

    def close(self) -> None: ...
