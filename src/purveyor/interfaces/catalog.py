"""The truth about indexes, projects and files, and the word that it has changed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from purveyor.model.advisories import Advisory
from purveyor.model.files import DistributionFile, Yanked
from purveyor.model.grants import Grant, KnownToken
from purveyor.model.indexes import DEFAULT, Index, IndexName
from purveyor.model.journal import Action, Changes, JournalEntry
from purveyor.model.names import NormalizedName
from purveyor.model.policy import Override
from purveyor.model.projects import ProjectDetail, ProjectStatus


class Counts(Struct, frozen=True):
    projects: int
    files: int
    bytes: int


class NewFile(Struct, frozen=True):
    """A file whose blobs are kept already, about to become a row. `identity` is unique beside the filename; see `model/files.py`.

    `actor` and `at` say who adds it here, and when: with a file that comes from elsewhere, neither need be who uploaded it first, and when.
    With `replaces` it takes the place of a file with other bytes, present or deleted.
    """

    file: DistributionFile
    display_name: str
    identity: str
    actor: str
    at: datetime
    index: IndexName = DEFAULT
    replaces: bool = False


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

    def indexes(self) -> Sequence[Index]:
        """Every index, ordered by name; the default one is always among them."""
        ...

    def put_index(self, index: Index, actor: str, at: datetime) -> None:
        """Create the index, or give it these settings."""
        ...

    def remove_index(self, name: IndexName, actor: str, at: datetime) -> bool:
        """Remove the index; False if there is none. Raises `Conflict` if it hosts a project or is the default one."""
        ...

    def project_detail(self, name: NormalizedName, index: IndexName = DEFAULT) -> ProjectDetail | None:
        """The project with all its files and its serial, from one snapshot."""
        ...

    def has_project(self, name: NormalizedName, index: IndexName = DEFAULT) -> bool: ...

    def project_names(self, index: IndexName = DEFAULT) -> Iterator[tuple[NormalizedName, str]]:
        """Every project's normalised and display name, ordered by the former, from one snapshot, without holding all in memory."""
        ...

    def names_between(self, first: str, before: str | None, index: IndexName = DEFAULT) -> Sequence[tuple[NormalizedName, str]]:
        """Those of them from `first` on and before `before`, which are few."""
        ...

    def file(self, filename: str, index: IndexName = DEFAULT) -> DistributionFile | None:
        """The file of that name, unless its project's status forbids to offer it (PEP 792: quarantined offers no files)."""
        ...

    def add_file(self, new: NewFile, unsettled: Mapping[str, bytes]) -> DistributionFile:
        """Add the file, and its project if it is the first; durable on return, and with it the content of the `unsettled` blobs.

        Returns the file that is there afterwards: `new.file`, or the earlier one with the same filename and the same bytes.
        Raises `Conflict` when the filename, or another spelling of it, already stands for other bytes, and `NotAllowed` when the
        project's status forbids uploads.
        """
        ...

    def add_files(
        self, news: Sequence[NewFile], statuses: Mapping[NormalizedName, ProjectStatus], *, dry: bool = False
    ) -> Sequence[DistributionFile]:
        """Add all of these files of one index, or none; those that were not there before. Their blobs are in the store already.

        A project without a status of its own gets the one that is given. Raises as `add_file`, with every conflict in one; with `dry` that
        is all it does.
        """
        ...

    def remove_file(self, filename: str, actor: str, at: datetime, index: IndexName = DEFAULT) -> DistributionFile | None:
        """Forget the file, and its project with the last of its files unless a status was set; the file, or None if there is none.

        Its blobs stay: another file may have the same content.
        """
        ...

    def set_yanked(
        self, filenames: Sequence[str], yanked: Yanked | None, actor: str, at: datetime, index: IndexName = DEFAULT
    ) -> Sequence[DistributionFile]:
        """Mark the files of one project as yanked, or no longer; they, as they are then. `NotFound` and no change if one is not there."""
        ...

    def delete_files(self, filenames: Sequence[str], actor: str, at: datetime, index: IndexName = DEFAULT) -> Sequence[DistributionFile]:
        """Take the files of one project away, and return them; `NotFound` and no change if one is not there.

        Their names stay taken: for other bytes `add_file` raises `Conflict`. Their blobs stay named, and the project hosted.
        """
        ...

    def deleted_files(self, name: NormalizedName, index: IndexName = DEFAULT) -> Sequence[DistributionFile]: ...

    def restore_files(self, filenames: Sequence[str], actor: str, at: datetime, index: IndexName = DEFAULT) -> Sequence[DistributionFile]:
        """Bring back deleted files of one project as they were, and return them; `NotFound` and no change if one was not deleted."""
        ...

    def set_status(self, name: NormalizedName, status: ProjectStatus, actor: str, at: datetime, index: IndexName = DEFAULT) -> bool:
        """Set the project's status (PEP 792); False if there is no such project."""
        ...

    def named_blobs(self) -> Iterator[str]:
        """The sha256 of every blob that a row names or that waits to be settled, in order and once; one snapshot, not all in memory."""
        ...

    def named_since(self, serial: int) -> frozenset[str]:
        """Among others every blob that a row has come to name after `serial`, and every copy of a remote index's."""
        ...

    def overrides(self, name: NormalizedName, index: IndexName = DEFAULT) -> Sequence[Override]:
        """The exceptions from the index's policy for the project, expired ones too, by version."""
        ...

    def put_override(self, override: Override, index: IndexName = DEFAULT) -> None: ...

    def remove_override(self, name: NormalizedName, version: str, actor: str, at: datetime, index: IndexName = DEFAULT) -> bool: ...

    def advisories(self, name: NormalizedName) -> Sequence[Advisory]: ...

    def replace_advisories(self, advisories: Iterable[Advisory], actor: str, at: datetime) -> int:
        """Forget all advisories there were, and take these; returns how many."""
        ...

    def journal(self, index: IndexName | None, project: str | None, before: int | None, limit: int) -> Sequence[JournalEntry]:
        """The newest `limit` entries, newest first: of one index, about one project, and before a serial, where these are given."""
        ...

    def last_change(self, action: Action, index: IndexName = DEFAULT) -> JournalEntry | None:
        """The newest entry of that kind, which must be one that is about no project."""
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

    def add_token(self, token_sha256: bytes, grant: Grant, created_at: datetime, actor: str | None = None) -> None:
        """From now on the token is worth that grant. Journaled under the name of the actor, if there is one."""
        ...

    def add_first_token(self, token_sha256: bytes, grant: Grant, created_at: datetime) -> bool:
        """As `add_token`, if there is no token yet; whether that is so. Of many servers that start together, one is told so."""
        ...

    def tokens(self) -> Sequence[KnownToken]:
        """Every token, expired ones too, the oldest first."""
        ...

    def remove_token(self, identifier: str, actor: str, at: datetime) -> bool:
        """The token of that identifier is worth nothing any more; False if there is none."""
        ...

    def has_tokens(self) -> bool: ...

    def counts(self) -> Counts: ...

    def close(self) -> None: ...


class Newest(Protocol):
    """Asks a catalog on another machine for its newest serial, on the event loop, one question at a time."""

    def start(self, answered: Callable[[int | None], None], announced: Callable[[int], None]) -> None:
        """Connect and ask a first time; called on the loop, and calls back there.

        `answered` is called with each answer, and with None when there will be none for now: then connecting is tried again by itself, and
        the next answer needs no question. `announced` is called with the serial of each commit, if its word is not lost.
        """
        ...

    def ask(self) -> None:
        """The answer is of a moment after this call. Not to be called while another is expected."""
        ...

    def stop(self) -> None: ...


class ChangeSignal(Protocol):
    """A number that every writer raises after its commit and before its acknowledgement; reading it costs next to nothing."""

    cells: memoryview
    """The number, at index 0: for a reader that cannot afford a call."""

    def read(self) -> int: ...

    def raise_to(self, serial: int) -> None: ...

    def set_back(self, serial: int) -> None:
        """Lower the number: the catalog is an older one than it was. Nothing may be written meanwhile."""
        ...
