"""What a source of files has to offer, whatever kind of source it is."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion

from purveyor.model.files import Yanked
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectStatus

T = TypeVar("T")

# All that a source states are compared.
ALGORITHMS = ("sha256", "sha512", "sha384", "blake2b", "sha1", "md5")
_FIRST = datetime(1998, 1, 1, tzinfo=UTC)
_TAKEN = (".whl", ".tar.gz")
_OTHER_KINDS = (".zip", ".egg", ".tar.bz2", ".tgz", ".tar.xz", ".tar.z", ".exe", ".msi", ".rpm", ".deb", ".dmg")
# What devpi keeps of a project's documentation beside its files.
_NO_DISTRIBUTIONS = (".doc.zip",)


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes on their way. `modified` is the date that the disk or the server gives the file, if it gives one."""

    chunks: Iterator[bytes]
    modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """One file of a source. None and empty where the source does not say; `open` raises `Refused` or `IndexUnreachable`.

    `origin` is where it lies, fit to be shown and kept: without credentials.
    """

    filename: str
    origin: str
    open: Callable[[], AbstractContextManager[Content]]
    hashes: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None
    uploaded_at: datetime | None = None
    uploaded_by: str | None = None
    yanked: Yanked | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that a source names and cannot give, with the reason as a sentence."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A project as its source offers it."""

    project: str
    offers: tuple[Offer, ...] = ()
    status: ProjectStatus = field(default_factory=ProjectStatus)
    missing: tuple[Missing, ...] = ()


class Source(Protocol):
    kind: str
    """What it is, for a sentence: "a devpi export"."""
    shown: str
    """Its path or URL, without credentials."""

    def projects(self, wanted: Sequence[NormalizedName]) -> Sequence[str]:
        """What to ask `batch` for: all projects, or those that are wanted and that the source may have."""
        ...

    def batch(self, project: str) -> Batch:
        """Never raises for a fault of one project: that is told in `missing`."""
        ...

    def patiently(self, work: Callable[[], T]) -> T:
        """The result of work that opens and reads offers, which is done again where that may help."""
        ...

    def close(self) -> None: ...


class OnDisk:
    """What every source that is a directory has in common: reading it again would help nobody."""

    def patiently(self, work: Callable[[], T]) -> T:
        return work()

    def close(self) -> None:
        """There is nothing to close."""


def is_distribution(filename: str) -> bool:
    """Whether a file is meant as a distribution file, also of a kind that no index takes any more."""
    lowered = filename.lower()
    return lowered.endswith(_TAKEN + _OTHER_KINDS) and not lowered.endswith(_NO_DISTRIBUTIONS)


def project_of(filename: str) -> str:
    """The project that a filename belongs to, as far as it can be told; enough to group files by."""
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[0]
        return parse_sdist_filename(filename)[0]
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion, ValueError):
        return canonicalize_name(filename.partition("-")[0])


def known_hashes(stated: Mapping[str, str]) -> dict[str, str]:
    """Those that can be computed here, in lower case."""
    return {name: value.lower() for name, value in stated.items() if value and name in ALGORITHMS and name in hashlib.algorithms_available}


def believable(moment: datetime | None) -> datetime | None:
    """A date in the future comes from a wrong clock; one before there were distribution files, from no clock at all."""
    if moment is None:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if _FIRST <= moment <= datetime.now(UTC) else None
