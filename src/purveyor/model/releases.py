"""A release as an index hosts it, with what is recorded about it: when it came, who checked it, who approved of it, where it was promoted.

What is recorded is about bytes, not about a version's name: it counts for exactly the files that were there when it was said.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct, field
from packaging.version import Version

from purveyor.model.files import DistributionFile
from purveyor.model.indexes import IndexName
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectStatus


class Check(Struct, frozen=True):
    """What came of one check of a release, the last time that it was recorded; `index` is where the release was then."""

    name: str
    passed: bool
    by: str
    at: datetime
    index: IndexName
    note: str = ""
    url: str = ""


class Approval(Struct, frozen=True):
    """Somebody's word that a release may go to the index `target`."""

    target: IndexName
    by: str
    at: datetime
    note: str = ""


class Release(Struct, frozen=True):
    """`since` is when the newest of the files came to the index, by whatever way."""

    index: IndexName
    project: NormalizedName
    version: str
    files: tuple[DistributionFile, ...]
    since: datetime
    status: ProjectStatus = field(default_factory=ProjectStatus)
    checks: tuple[Check, ...] = ()
    approvals: tuple[Approval, ...] = ()

    @property
    def digest(self) -> str:
        return digest_of(self.files)

    def __str__(self) -> str:
        return f"{self.project} {self.version}"


class Move(Struct, frozen=True):
    """The wish of `by` that a release goes from one index to another."""

    project: NormalizedName
    version: str
    source: IndexName
    target: IndexName
    by: str
    at: datetime


class Promotion(Struct, frozen=True):
    """A release that went to the index `target`, as it was in its own index at that time.

    `serial` is that of its last entry in the journal; `undone` that of the rollback that took it back.
    """

    release: Release
    target: IndexName
    by: str
    at: datetime
    serial: int
    undone: int | None = None


class Rollback(Struct, frozen=True):
    """The promotions that were undone, newest first; the index offers of the project again what it did at `restored`."""

    project: NormalizedName
    index: IndexName
    restored: int
    serial: int
    undone: tuple[Promotion, ...]


def of_version(files: Sequence[DistributionFile], version: str) -> tuple[DistributionFile, ...]:
    """The files of a release; 1.0 and 1.0.0 are the same one."""
    wanted = Version(version)
    return tuple(file for file in files if Version(file.version) == wanted)


def digest_of(files: Sequence[DistributionFile]) -> str:
    """A sha256 that is equal for the same bytes under the same names, in whichever index they are, and for no others."""
    lines = sorted(f"{file.sha256} {file.filename}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
