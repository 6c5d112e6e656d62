"""The catalog where the default index serves a folder: before it says anything of a project, that project's files have been inspected."""

from collections.abc import Callable, Iterator, Mapping
from heapq import merge

from purveyor.adapters.catalog import SqlCatalog
from purveyor.adapters.folder_index import SqlFolderIndex
from purveyor.adapters.sqlite import Database
from purveyor.interfaces import ChangeSignal, NewFile
from purveyor.model.files import DistributionFile, project_named_by
from purveyor.model.indexes import DEFAULT, IndexName
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail


class FolderCatalog(SqlCatalog):
    """`look_first` is called with the project in question, or with None before the list of projects; it may take its time."""

    def __init__(
        self, database: Database, signal: ChangeSignal, index: SqlFolderIndex, look_first: Callable[[NormalizedName | None], None]
    ) -> None:
        super().__init__(database, signal)
        self._index = index
        self._look_first = look_first

    def project_detail(self, name: NormalizedName, index: IndexName = DEFAULT) -> ProjectDetail | None:
        if index == DEFAULT:
            self._look_first(name)
        return super().project_detail(name, index)

    def has_project(self, name: NormalizedName, index: IndexName = DEFAULT) -> bool:
        if index == DEFAULT:
            self._look_first(name)
        return super().has_project(name, index)

    def project_names(self, index: IndexName = DEFAULT) -> Iterator[tuple[NormalizedName, str]]:
        """With the projects whose files were seen, but not inspected yet."""
        if index != DEFAULT:
            return super().project_names(index)
        self._look_first(None)
        waiting = [(name, str(name)) for name in self._index.waiting_names()]
        return merge(super().project_names(), waiting) if waiting else super().project_names()

    def file(self, filename: str, index: IndexName = DEFAULT) -> DistributionFile | None:
        if index == DEFAULT:
            self._look_first(project_named_by(filename))
        return super().file(filename, index)

    def add_file(self, new: NewFile, unsettled: Mapping[str, bytes]) -> DistributionFile:
        if new.index == DEFAULT:
            self._look_first(new.file.project)
        return super().add_file(new, unsettled)
