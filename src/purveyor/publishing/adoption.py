"""One file that was published elsewhere becomes one file of this index, and its history comes with it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from purveyor.formats.archives import Limits
from purveyor.interfaces import BlobStore, Catalog, NewFile, Staging
from purveyor.model.files import DistributionFile, ParsedFilename, Yanked, conflict
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectStatus
from purveyor.publishing.inspecting import Inspected, inspect_old

ACTOR = "import"
"""Who the journal names."""


@dataclass(frozen=True, slots=True)
class History:
    """What a file's source says of it that is not in its bytes; None where it does not say. `origin` holds no credentials."""

    uploaded_at: datetime | None = None
    uploaded_by: str | None = None
    yanked: Yanked | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Adopted:
    """`created` is False where the very same file was here already; `faults` are those of its metadata that it was forgiven."""

    file: DistributionFile
    created: bool
    faults: tuple[str, ...] = ()


class Adoption:
    def __init__(self, catalog: Catalog, blobs: BlobStore, limits: Limits, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._limits = limits
        self._now = now

    def there(self, filename: str) -> DistributionFile | None:
        """The file of that name that is here already."""
        return self._catalog.file(filename)

    def check_same(self, there: DistributionFile, sha256: str) -> None:
        """Raises `Conflict` where a file of the same name elsewhere has other bytes."""
        if there.sha256 != sha256:
            raise conflict(there, replace(there, sha256=sha256))

    def adopt(self, parsed: ParsedFilename, staging: Staging, sha256: str, history: History) -> Adopted:
        """Durable and visible to every reader on return. Raises `Refused`, `Conflict`, `NotAllowed` or `StoreFailed`."""
        with staging.reader() as source:
            inspected = inspect_old(source, parsed, self._limits)
        file = replace(
            inspected.described(size=staging.size, sha256=sha256, uploaded_at=history.uploaded_at, uploaded_by=history.uploaded_by),
            yanked=history.yanked,
            origin=history.origin,
        )
        kept = self._keep(file, staging, inspected)
        return Adopted(kept, kept is file, inspected.faults)

    def _keep(self, file: DistributionFile, staging: Staging, inspected: Inspected) -> DistributionFile:
        # Blobs first, as with an upload.
        with self._blobs.stage() as beside:
            staged = [(staging, file.sha256)]
            if file.metadata_sha256 is not None:
                beside.write(inspected.raw)
                staged.append((beside, file.metadata_sha256))
            new = NewFile(file, inspected.metadata.name, inspected.parsed.identity, ACTOR, self._now())
            with self._blobs.keep(staged) as unsettled:
                return self._catalog.add_file(new, unsettled)

    def keep_status(self, name: NormalizedName, status: ProjectStatus) -> bool:
        """Give the project the status that it has elsewhere, unless it has one of its own here; whether that changed anything."""
        detail = self._catalog.project_detail(name)
        if detail is None or detail.status != ProjectStatus() or status == ProjectStatus():
            return False
        return self._catalog.set_status(name, status, ACTOR, self._now())
