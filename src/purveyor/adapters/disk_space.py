"""How much room there is where the data directory lies."""

import shutil
from pathlib import Path

from purveyor.errors import StoreFailed, StoreFull


class DiskSpace:
    """Of the file system with `path`, of which `least` bytes must be free."""

    def __init__(self, path: Path, least: int) -> None:
        self._path = path
        self._least = least

    def check(self) -> str:
        try:
            free = shutil.disk_usage(self._path).free
        except OSError as error:
            raise StoreFailed(f"The data directory cannot be looked at: {error.strerror}.") from error
        said = f"{free >> 20} MiB are free where the data directory is"
        if free < self._least:
            raise StoreFull(f"{said}, and should be {self._least >> 20}.", "Free some space, or set `least_free` to less.")
        return f"{said}."
