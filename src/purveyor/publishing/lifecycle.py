"""What happens to a release after it was published: yanked, deleted, restored; and what a project's status says of all of them."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct
from packaging.version import Version

from purveyor.errors import BadRequest, NotAllowed, NotFound
from purveyor.interfaces import Catalog
from purveyor.model.files import DistributionFile, Yanked, parse_version
from purveyor.model.indexes import DEFAULT, IndexName
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail, ProjectStatus


class Selection(Struct, frozen=True):
    """Files of one project that an index hosts: those of a version, or those named."""

    index: IndexName
    project: NormalizedName
    version: str | None = None
    filenames: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join(self.filenames) or f"{self.project} {self.version}"

    def of(self, files: Sequence[DistributionFile]) -> list[str]:
        """The names of the files that are meant; raises `NotFound` naming the first that is not among them, `BadRequest` if none can be."""
        if self.filenames:
            there = {file.filename for file in files}
            for filename in self.filenames:
                if filename not in there:
                    raise NotFound(f"{self.index} has no file {filename} of {self.project} for this.")
            return list(self.filenames)
        if self.version is None:
            raise BadRequest("Neither a version nor filenames are given.", "Say which files are meant.")
        wanted = parse_version(self.version)
        found = [file.filename for file in files if Version(file.version) == wanted]
        if not found:
            raise NotFound(f"{self.index} has no release {wanted} of {self.project} for this.")
        return found


class Lifecycle:
    """Each change is journaled under the name of its `actor`; all files that are meant change together or not at all."""

    def __init__(
        self, catalog: Catalog, now: Callable[[], datetime], has: Callable[[str], bool] = lambda _: True, *, folder: bool = False
    ) -> None:
        """With `folder` the default index serves a folder, whose files only the folder's owner puts there and takes away.

        `has` says whether the store has the content of that sha256.
        """
        self._has = has
        self._catalog = catalog
        self._now = now
        self._folder = folder

    def yank(self, selection: Selection, reason: str, actor: str) -> Sequence[DistributionFile]:
        """Installers skip the files from now on unless nothing else satisfies what was asked (PEP 592)."""
        filenames = selection.of(self._hosted(selection).files)
        return self._catalog.set_yanked(filenames, Yanked(reason), actor, self._now(), selection.index)

    def unyank(self, selection: Selection, actor: str) -> Sequence[DistributionFile]:
        filenames = selection.of(self._hosted(selection).files)
        return self._catalog.set_yanked(filenames, None, actor, self._now(), selection.index)

    def delete(self, selection: Selection, actor: str) -> Sequence[DistributionFile]:
        """The files are gone, for everyone and at once; their names stay taken, and `restore` brings them back."""
        filenames = selection.of(self._hosted(selection).files)
        self._check_folder(selection, f"Remove {', '.join(filenames)} from the folder, or yank the release.")
        return self._catalog.delete_files(filenames, actor, self._now(), selection.index)

    def restore(self, selection: Selection, actor: str) -> Sequence[DistributionFile]:
        self._check_folder(selection, "Put the file into the folder again.")
        deleted = self._catalog.deleted_files(selection.project, selection.index)
        filenames = selection.of(deleted)
        for file in deleted:
            if file.filename in filenames and not self._is_there(file):
                raise NotFound(f"The content of {file.filename} is gone.", "Upload the same file again: that brings it back.")
        return self._catalog.restore_files(filenames, actor, self._now(), selection.index)

    def _is_there(self, file: DistributionFile) -> bool:
        named = (file.sha256, file.metadata_sha256)
        return all(self._has(sha256) or self._catalog.unsettled_blob(sha256) is not None for sha256 in named if sha256 is not None)

    def set_status(self, index: IndexName, name: NormalizedName, status: ProjectStatus, actor: str) -> None:
        """PEP 792; `quarantined` offers no files, `archived` and `quarantined` take no new ones."""
        if not self._catalog.set_status(name, status, actor, self._now(), index):
            raise _not_hosted(index, name)

    def _check_folder(self, selection: Selection, remedy: str) -> None:
        if self._folder and selection.index == DEFAULT:
            raise NotAllowed(f"The index {selection.index} serves a folder, and offers what is in it.", remedy)

    def _hosted(self, selection: Selection) -> ProjectDetail:
        detail = self._catalog.project_detail(selection.project, selection.index)
        if detail is None:
            raise _not_hosted(selection.index, selection.project)
        return detail


def _not_hosted(index: IndexName, name: NormalizedName) -> NotFound:
    return NotFound(f"The index {index} does not host {name}.", "Only the index that hosts a project can change it.")
