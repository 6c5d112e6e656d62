"""One file that was published elsewhere becomes one file of this index, and its history comes with it."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct, structs

from purveyor.formats.archives import Limits
from purveyor.interfaces import BlobStore, Catalog, NewFile, Staging
from purveyor.model.files import DistributionFile, ParsedFilename, Yanked, conflict
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectStatus
from purveyor.publishing.inspecting import inspect_old
from purveyor.publishing.keeping import keep
from purveyor.publishing.landing import Landing

ACTOR = "import"
"""Who the journal names."""


class History(Struct, frozen=True):
    """What a file's source says of it that is not in its bytes; None where it does not say. `origin` holds no credentials."""

    uploaded_at: datetime | None = None
    uploaded_by: str | None = None
    yanked: Yanked | None = None
    origin: str | None = None


class Adopted(Struct, frozen=True):
    """`created` is False where the very same file was here already; `faults` are those of its metadata that it was forgiven."""

    file: DistributionFile
    created: bool
    faults: tuple[str, ...] = ()


class Adoption:
    def __init__(
        self, catalog: Catalog, blobs: BlobStore, limits: Limits, now: Callable[[], datetime], landing: Landing | None = None
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._limits = limits
        self._now = now
        self._landing = landing

    def check(self) -> None:
        """Raises `NotAllowed` where the folder that is served takes no files."""
        if self._landing is not None:
            self._landing.check()

    def there(self, filename: str) -> DistributionFile | None:
        """The file of that name that is here already."""
        return self._catalog.file(filename)

    def check_same(self, there: DistributionFile, sha256: str) -> None:
        """Raises `Conflict` where a file of the same name elsewhere has other bytes."""
        if there.sha256 != sha256:
            raise conflict(there, structs.replace(there, sha256=sha256))

    def adopt(self, parsed: ParsedFilename, staging: Staging, sha256: str, history: History) -> Adopted:
        """Durable and visible to every reader on return. Raises `Refused`, `Conflict`, `NotAllowed` or `StoreFailed`."""
        with staging.reader() as source:
            inspected = inspect_old(source, parsed, self._limits)
        file = structs.replace(
            inspected.described(size=staging.size, sha256=sha256, uploaded_at=history.uploaded_at, uploaded_by=history.uploaded_by),
            yanked=history.yanked,
            origin=history.origin,
        )
        new = NewFile(file, inspected.metadata.name, inspected.parsed.identity, ACTOR, self._now())
        kept = keep(self._catalog, self._blobs, self._landing, staging=staging, new=new, inspected=inspected)
        return Adopted(kept, kept is file, inspected.faults)

    def keep_status(self, name: NormalizedName, status: ProjectStatus) -> bool:
        """Give the project the status that it has elsewhere, unless it has one of its own here; whether that changed anything."""
        detail = self._catalog.project_detail(name)
        if detail is None or detail.status != ProjectStatus() or status == ProjectStatus():
            return False
        return self._catalog.set_status(name, status, ACTOR, self._now())
