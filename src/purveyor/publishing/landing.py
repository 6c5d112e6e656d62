"""Uploads to an index that serves a folder become plain files of that folder."""

from purveyor.interfaces import Folder, FolderIndex, NewFile, Staging
from purveyor.model.files import DistributionFile


class Landing:
    def __init__(self, folder: Folder, index: FolderIndex) -> None:
        self._folder = folder
        self._index = index

    def check(self) -> None:
        """Raises `NotAllowed` where the folder takes no uploads."""
        self._folder.check_writable()

    def keep(self, staging: Staging, new: NewFile, metadata: bytes | None) -> DistributionFile:
        """Durable in the folder and known to every reader on return; if it fails, the folder is as it was."""
        if there := self._index.same_file(new):
            return there
        with staging.reader() as content, self._folder.land(new.file.filename, content) as file:
            return self._index.add_landed(new, file, metadata)
