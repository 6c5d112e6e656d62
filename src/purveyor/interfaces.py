"""The ports: what the use cases ask of the world. Each is a small Protocol; `testing/contracts.py` says what every adapter must do."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Protocol, Self

from purveyor.model.files import DistributionFile
from purveyor.model.grants import Grant
from purveyor.model.journal import Changes
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail, ProjectStatus


@dataclass(frozen=True, slots=True)
class Counts:
    projects: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file whose blobs are kept already, about to become a row. `identity` is unique beside the filename; see `model/files.py`.

    `actor` and `at` say who adds it here, and when: with a file that comes from elsewhere, neither need be who uploaded it first, and when.
    """

    file: DistributionFile
    display_name: str
    identity: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredBlob:
    sha256: str
    size: int
    modified: float
    """Seconds since 1970."""


class Catalog(Protocol):
    """The truth about projects and files. One change is one transaction: rows, the project's serial, one journal entry."""

    def serial(self) -> int:
        """The newest serial of the journal; 0 when nothing has happened yet."""
        ...

    def changes_since(self, serial: int) -> Changes:
        """What has changed after `serial`; a follower that calls this in a loop misses no commit."""
        ...

    def fingerprint(self, serial: int) -> str:
        """What tells the journal's entry with that serial from those of every other journal; empty if there is no such entry."""
        ...

    def project_detail(self, name: NormalizedName) -> ProjectDetail | None:
        """The project with all its files and its serial, from one snapshot."""
        ...

    def project_names(self) -> Iterator[tuple[NormalizedName, str]]:
        """Every project's normalised and display name, ordered by the former, from one snapshot, without holding all in memory."""
        ...

    def file(self, filename: str) -> DistributionFile | None:
        """The file of that name, unless its project's status forbids to offer it (PEP 792: quarantined offers no files)."""
        ...

    def add_file(self, new: NewFile, unsettled: Mapping[str, bytes]) -> DistributionFile:
        """Add the file, and its project if it is the first; durable on return, and with it the content of the `unsettled` blobs.

        Returns the file that is there afterwards: `new.file`, or the earlier one with the same filename and the same bytes.
        Raises `Conflict` when the filename, or another spelling of it, already stands for other bytes, and `NotAllowed` when the
        project's status forbids uploads.
        """
        ...

    def remove_file(self, filename: str, actor: str, at: datetime) -> DistributionFile | None:
        """Forget the file, and its project with the last of its files unless a status was set; the file, or None if there is none.

        Its blobs stay: another file may have the same content.
        """
        ...

    def set_status(self, name: NormalizedName, status: ProjectStatus, actor: str, at: datetime) -> bool:
        """Set the project's status (PEP 792); False if there is no such project."""
        ...

    def named_blobs(self) -> Iterator[str]:
        """The sha256 of every blob that a row names or that waits to be settled, in order and once; one snapshot, not all in memory."""
        ...

    def unsettled_blobs(self, limit: int) -> Mapping[str, bytes]:
        """Blobs that were committed with a row and that the blob store has not taken in yet, by sha256."""
        ...

    def unsettled_blob(self, sha256: str) -> bytes | None: ...

    def unsettled_size(self) -> int:
        """Their bytes together."""
        ...

    def forget_unsettled(self, sha256s: Iterable[str]) -> None: ...

    def grant(self, token_sha256: bytes) -> Grant | None: ...

    def add_token(self, token_sha256: bytes, grant: Grant, created_at: datetime) -> None: ...

    def has_tokens(self) -> bool: ...

    def counts(self) -> Counts: ...

    def close(self) -> None: ...


class Staging(Protocol):
    """Bytes on their way into a blob store. Leaving the `with` block without `keep` throws them away."""

    size: int

    def write(self, data: bytes) -> None: ...

    def reader(self) -> BinaryIO:
        """The bytes written so far, seekable, for inspection before they are kept."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None: ...


class BlobStore(Protocol):
    """Immutable byte strings under their sha256."""

    def stage(self) -> Staging: ...

    def keep(self, staged: Sequence[tuple[Staging, str]]) -> AbstractContextManager[Mapping[str, bytes]]:
        """Make each staging the blob of that sha256; keeping what is there already changes nothing.

        They are durable once the `with` block is entered, but for those that entering it gives: these are small, and are not in the store
        yet. Their bytes must be committed together with the row that names them, and settled later; one sync of the database's log then
        stands for all. The row is committed inside the block: until its end nobody removes a blob because no row names it yet.
        """
        ...

    def settle(self, blobs: Mapping[str, bytes]) -> None:
        """Take in blobs that `keep` returned, durably, whatever of them is there already."""
        ...

    def open(self, sha256: str) -> BinaryIO | None:
        """The blob as a file with a descriptor, or None where it is not in the store (any more, or not settled yet)."""
        ...

    def exists(self, sha256: str) -> bool: ...

    def copy_to(self, sha256: str, target: Path) -> bool:
        """Make the blob a file at `target`, which must not be there yet: by hard link where possible; False if it is not in the store."""
        ...

    def stored(self) -> Iterator[StoredBlob]:
        """Every blob in the store, ordered by sha256, without holding all in memory."""
        ...

    def remove(self, sha256: str) -> None:
        """Forget the blob, if it is there; whoever reads it already goes on reading."""
        ...

    def sweep(self, older_than: float) -> int:
        """Remove stagings left behind by a process that died more than `older_than` seconds ago; returns how many."""
        ...


class OwnBlobs(BlobStore, Protocol):
    """A store that holds nothing but blobs of one catalog, so that those which it does not name can go."""

    def removing(self) -> AbstractContextManager[None]:
        """While inside, no blob is kept, nor is there one whose row is about to be committed: what no row names now can be removed."""
        ...

    def abandoned(self, older_than: float) -> Sequence[int]:
        """The sizes of the stagings that `sweep` would remove."""
        ...


class ChangeSignal(Protocol):
    """A number that every writer raises after its commit and before its acknowledgement; reading it costs next to nothing."""

    cells: memoryview
    """The number, at index 0: for a reader that cannot afford a call."""

    def read(self) -> int: ...

    def raise_to(self, serial: int) -> None: ...

    def set_back(self, serial: int) -> None:
        """Lower the number: the catalog is an older one than it was. Nothing may be written meanwhile."""
        ...


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


@dataclass(frozen=True, slots=True)
class Listing:
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


@dataclass(frozen=True, slots=True)
class Verdict:
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
