"""Remote indexes: what asks them, and what is kept of them here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct

from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail


class Validators(Struct, frozen=True):
    """What an upstream wants to be told to know whether its page is still the one we have (RFC 9110 8.8)."""

    etag: str | None = None
    last_modified: str | None = None


class FetchedPage(Struct, frozen=True):
    """`url` is the page's own, after redirects; `lifetime` the seconds for which the upstream says it stays right, 0 if it does not say."""

    body: bytes
    content_type: str
    url: str
    validators: Validators
    lifetime: int


class Unchanged(Struct, frozen=True):
    """The page is still what it was when it had the validators that were given."""

    lifetime: int


class RemoteFile(Struct, frozen=True):
    """`size` is None where the upstream does not say; reading `pieces` raises `UpstreamFailed` when they end early or stop coming."""

    size: int | None
    pieces: Iterator[bytes]


class FilePart(Struct, frozen=True):
    """Bytes of a file from `start` on; the whole has `size`."""

    start: int
    data: bytes
    size: int


class Upstream(Protocol):
    """Remote indexes, each given by its URL. Whatever goes wrong there is `UpstreamFailed`; a URL's credentials are told to nobody else."""

    def page(self, index_url: str, name: NormalizedName, known: Validators) -> FetchedPage | Unchanged | None:
        """The project's page, unless it is the one with these validators; None if the index says that it has no such project."""
        ...

    def file(self, index_url: str, url: str) -> AbstractContextManager[RemoteFile]:
        """The file at a URL that a page of the index named. Its bytes are whatever comes: the caller checks them."""
        ...

    def part(self, index_url: str, url: str, start: int, length: int) -> FilePart | None:
        """So many bytes of such a file from `start` on, or its last ones where `start` is negative; None where the upstream gives no parts.

        As with `file`, they are whatever comes; and fewer, where the file has no more.
        """
        ...

    def close(self) -> None: ...


class Snapshot(Struct, frozen=True):
    """A project as a remote index described it; its `serial` grows whenever the description changes."""

    detail: ProjectDetail
    validators: Validators
    fresh_until: datetime


class Snapshots(Protocol):
    """What was seen of remote indexes, so that it can be offered when they are not there. `upstream` is any text that names one."""

    def get(self, upstream: str, name: NormalizedName) -> Snapshot | None: ...

    def extracted(self, name: NormalizedName) -> Mapping[str, str]:
        """The core metadata that was found in wheels of the project: its sha256 by the wheel's."""
        ...

    def write(
        self,
        projects: Mapping[tuple[str, NormalizedName], Snapshot | datetime | None],
        extracted: Mapping[tuple[NormalizedName, str], str] = MappingProxyType({}),
    ) -> None:
        """All of it or nothing. Of a project as an upstream has it: how that looks, or until when it stays fresh, or that it is gone.

        Of a project and one of its wheels, by sha256: the sha256 of the metadata that was found there.
        """
        ...


class PulledBlob(Struct, frozen=True):
    sha256: str
    size: int


class PulledBlobs(Protocol):
    """Which blobs are copies of an upstream's, when they were last of use, and their bytes together: what may go when room is wanting."""

    def add(self, blob: PulledBlob, at: datetime) -> None: ...

    def has(self, sha256: str) -> bool:
        """Whether it was added and not forgotten, or is core metadata that was found in such a blob."""
        ...

    def used(self, sha256s: Iterable[str], at: datetime) -> None: ...

    def size(self) -> int: ...

    def least_recently_used(self, limit: int) -> Sequence[PulledBlob]:
        """Those to give up first, unless they are `hosted`."""
        ...

    def newest(self) -> int:
        """The newest serial of the journal."""
        ...

    def hosted(self, sha256s: Sequence[str], since: int = 0) -> frozenset[str]:
        """Those of them that a hosted file names, or a deleted one; with `since`, files of projects that changed after that serial.

        Without it, every row is looked at.
        """
        ...

    def forget(self, sha256s: Iterable[str]) -> None: ...
