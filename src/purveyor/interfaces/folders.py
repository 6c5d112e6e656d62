"""A folder that is served: what lies in it, and what is known of that."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from msgspec import Struct

from purveyor.interfaces.catalog import NewFile
from purveyor.model.files import DistributionFile
from purveyor.model.names import NormalizedName


class FolderFile(NamedTuple):
    """A wheel or sdist in a served folder, and what tells this state of it from any other without reading it.

    `path` is relative to the folder; bytes that are not UTF-8 are spelled as `os.fsdecode` does it.
    """

    path: str
    size: int
    mtime_ns: int
    inode: int

    @property
    def filename(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def directory(self) -> str:
        return self.path.rpartition("/")[0]


class Listing(Struct, frozen=True):
    """One directory of a served folder: its sub-directories, and its wheels and sdists, which are looked at as they are iterated.

    `gone` are names that are not among either any more.
    """

    directories: Sequence[str]
    files: Iterable[FolderFile]
    gone: Collection[str] = ()


class Folder(Protocol):
    """A directory tree of wheels and sdists that belongs to somebody else. Paths are relative to it; it is itself ""."""

    root: Path

    def count(self) -> int:
        """How many wheels and sdists seem to be there, by their names alone."""
        ...

    def changed_at(self, directory: str) -> int | None:
        """When an entry was last added or removed, in nanoseconds since 1970; None if the directory is not there."""
        ...

    def listing(self, directory: str, known: Mapping[str, int]) -> Listing:
        """Without files that are `known` by this name and inode: these alone tell of all that changes a directory.

        Raises `OSError` where it cannot be read. What is hidden, no regular file or just landing is not in it.
        """
        ...

    def files_of(self, project: NormalizedName) -> Sequence[FolderFile]:
        """The files that are a project's by their names, found without a look at any other."""
        ...

    def look(self, path: str) -> FolderFile | None:
        """The file as it is now; None if it is not there, or no regular file."""
        ...

    def open(self, path: str) -> tuple[BinaryIO, FolderFile]:
        """The open file and its state. Raises `OSError`; anything but a regular file is not opened."""
        ...

    def check_writable(self) -> None:
        """Raises `NotAllowed` where nothing can be put into the folder."""
        ...

    def land(self, filename: str, content: BinaryIO) -> AbstractContextManager[FolderFile]:
        """Put a file into the folder, durably; it is taken back if the `with` block raises. Raises `Conflict` where the name is taken."""
        ...


class Verdict(Struct, frozen=True):
    """What the inspection of one file of the folder has found: what to add, and its metadata if that is offered; or a fault."""

    file: FolderFile
    new: NewFile | None
    metadata: bytes | None = None
    fault: str = ""
    again: bool = False
    """Whether the fault may pass although the file stays as it is: it is inspected again with the next look at its directory."""


class FolderIndex(Protocol):
    """What is known of the files of a served folder, beside the catalog and in the same transactions."""

    def directories(self) -> Sequence[str]:
        """The directories in which files were last seen."""
        ...

    def inodes(self, directory: str) -> Mapping[str, int]:
        """The files known to be in the directory: their names and inodes."""
        ...

    def amend(self, files: Sequence[FolderFile], gone: Sequence[str], at: datetime) -> frozenset[NormalizedName]:
        """Make known that these few files are there, and that those paths are not. The projects of which something was different."""
        ...

    def take_in(
        self, found: Iterable[tuple[str, Iterable[FolderFile]]], is_there: Callable[[str], bool], at: datetime
    ) -> frozenset[NormalizedName]:
        """Make known what lies in these directories: what is new or another now waits to be inspected, what is gone is forgotten, and so
        is its row in the catalog. The projects of which something was different.

        Of what was not found, `is_there` is asked before it is forgotten: it may have landed since.
        """
        ...

    def take_in_project(self, project: NormalizedName, found: Sequence[FolderFile], is_there: Callable[[str], bool], at: datetime) -> None:
        """The same for one project, of which these are all files."""
        ...

    def revise(self, file: FolderFile) -> None:
        """Make known that a file is as it is now: where that is another state than was known, it waits to be inspected."""
        ...

    def waiting(self, project: NormalizedName | None, after: str, limit: int) -> Sequence[FolderFile]:
        """Files that wait to be inspected, ordered by path, from beyond the path `after`; None stands for all projects."""
        ...

    def settle(self, verdicts: Sequence[Verdict], at: datetime) -> Sequence[tuple[str, str]]:
        """Act on the verdicts, as far as the files are still known as they were inspected; of two that are the same file the first by
        path is added. Paths that are not served now, each with the reason, if it is another than it was.
        """
        ...

    def withdraw(self, file: FolderFile, at: datetime) -> None:
        """Take what the catalog offered from this path out of it: the file is being written."""
        ...

    def same_file(self, new: NewFile) -> DistributionFile | None:
        """The file, if the catalog has it already. Raises `Conflict` where its name, or another spelling of it, stands for other bytes."""
        ...

    def add_landed(self, new: NewFile, file: FolderFile, metadata: bytes | None) -> DistributionFile:
        """As `Catalog.add_file`, for a file that has just landed in the folder."""
        ...

    def counts(self) -> tuple[int, int]:
        """How many files are known, and how many of them are not served."""
        ...
