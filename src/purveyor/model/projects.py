"""A project as one index offers it: the noun that every reader produces and every writer consumes."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct
from packaging.version import Version

from purveyor.errors import NotAllowed
from purveyor.model.files import DistributionFile, LateFiles
from purveyor.model.names import NormalizedName


class Status(StrEnum):
    """PyPUG "Project Status Markers" (PEP 792)."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    QUARANTINED = "quarantined"
    DEPRECATED = "deprecated"

    @property
    def accepts_uploads(self) -> bool:
        return self in (Status.ACTIVE, Status.DEPRECATED)

    @property
    def offers_files(self) -> bool:
        return self is not Status.QUARANTINED


class ProjectStatus(Struct, frozen=True):
    status: Status = Status.ACTIVE
    reason: str = ""

    def check_uploads(self, name: NormalizedName) -> None:
        """Raises `NotAllowed` where the status forbids new files."""
        if not self.status.accepts_uploads:
            because = f" ({self.reason})" if self.reason else ""
            raise NotAllowed(f"{name} is {self.status}{because} and takes no new files.", "Ask its owner to set it active first.")


class ProjectDetail(Struct, frozen=True):
    """`serial` grows with every change of the project on this index; it is not part of what the standards describe."""

    name: NormalizedName
    display_name: str
    status: ProjectStatus
    files: Sequence[DistributionFile]
    serial: int = 0

    @property
    def versions(self) -> list[str]:
        """Every version that has a file, in version order. A release is files grouped by version, not a row of its own.

        Where all files were pulled, in the order of these: it means nothing (PEP 700), and upstreams have thousands of them.
        """
        if isinstance(self.files, LateFiles):
            return self.files.versions
        versions = dict.fromkeys(file.version for file in self.files)
        if all(file.origin is not None for file in self.files):
            return list(versions)
        # In the order of the files, which is nearly that of the versions: sorting them takes a tenth of the comparisons then.
        return sorted(versions, key=Version)

    def file(self, filename: str) -> DistributionFile | None:
        if isinstance(self.files, LateFiles):
            return self.files.named(filename)
        return next((file for file in self.files if file.filename == filename), None)
