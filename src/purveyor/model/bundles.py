"""A bundle: files of an index as they are carried to where no index can be reached."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec import Struct, field

from purveyor.model.files import DistributionFile
from purveyor.model.projects import ProjectDetail


class Member(Struct, frozen=True):
    """One file inside the bundle. `path` is relative to its top."""

    path: str
    size: int
    sha256: str


class Bundle(Struct, frozen=True):
    """What a bundle holds, by what its manifest says.

    `indexes` are the URLs it was made from, without credentials. `pythons` and `platforms` are those that were asked for; empty stands for
    all. `metadata_sizes` has the bytes of each file's core metadata, by the file's name. `pages` are those of the Simple API.
    """

    created: datetime
    indexes: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    projects: tuple[ProjectDetail, ...] = ()
    metadata_sizes: Mapping[str, int] = field(default_factory=dict)
    pages: tuple[Member, ...] = ()

    @property
    def files(self) -> Iterator[DistributionFile]:
        return (file for project in self.projects for file in project.files)

    @property
    def size(self) -> int:
        """Bytes of the distribution files."""
        return sum(file.size for file in self.files)
