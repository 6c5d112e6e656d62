"""Where bytes are kept."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from msgspec import Struct

from purveyor.interfaces.operation import Around, Check
from purveyor.interfaces.remote import RemoteFile


class StoredBlob(Struct, frozen=True):
    sha256: str
    size: int
    modified: float
    """Seconds since 1970."""


class Staging(Protocol):
    """Bytes on their way into a blob store. Leaving the `with` block without `keep` throws them away."""

    size: int

    def write(self, data: bytes) -> None: ...

    def reader(self) -> BinaryIO:
        """The bytes written so far, seekable, for inspection before they are kept."""
        ...

    def follow(self) -> BinaryIO | None:
        """What was written so far as a file with a descriptor, to be read while more is written; None while it is in memory."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None: ...


class Gate(Protocol):
    """A gate with two sides: uploads pass it together, from `keep` to their commit; whoever removes blobs has it alone.

    Without it this could happen: an upload finds its blob there already, as an orphan, and does not write it; the blob is removed; the row
    is committed. With it, either the row is there when it is looked for, or the upload comes afterwards and finds no blob. It holds between
    all that share the store, and lets go of whoever dies.
    """

    def together(self) -> AbstractContextManager[None]: ...

    def alone(self) -> AbstractContextManager[None]:
        """Raises `StoreFailed` where there is no moment for it, after some seconds of waiting."""
        ...


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


class OwnBlobs(BlobStore, Check, Protocol):
    """A store that holds nothing but blobs of one catalog, so that those which it does not name can go."""

    def removing(self) -> AbstractContextManager[None]:
        """While inside, no blob is kept, nor is there one whose row is about to be committed: what no row names now can be removed."""
        ...

    def abandoned(self, older_than: float) -> Sequence[int]:
        """The sizes of the stagings that `sweep` would remove."""
        ...


class FarBlobs(OwnBlobs, Protocol):
    """A store on another machine. Of its blobs some lie here too, as copies that come and go; `open` brings what does not."""

    def watch(self, around: Around) -> None:
        """From now on whatever is put into the store is put inside of this."""
        ...

    def here(self, sha256: str) -> BinaryIO | None:
        """The blob as a file with a descriptor if a copy is here; asks the store for nothing."""
        ...

    def fetch(self, sha256: str) -> RemoteFile | None:
        """The blob from the store, whatever bytes it gives: the caller checks them. Reading raises `StoreFailed` where they end early."""
        ...

    def hold(self, staging: Staging, sha256: str) -> None:
        """Make the staging, which has been checked, the copy that is here for as long as there is room."""
        ...

    def link(self, sha256: str, seconds: int) -> str:
        """A URL of the store under which anybody can GET the blob for that long."""
        ...
