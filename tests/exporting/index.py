"""An index without a server, changed as a server would change it, and how a test looks at what was exported from it."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Self

from purveyor import assembly
from purveyor.formats.archives import Limits
from purveyor.interfaces import NewFile
from purveyor.model.files import parse_filename
from purveyor.model.names import normalize
from purveyor.model.projects import ProjectStatus, Status
from purveyor.publishing.inspecting import inspect
from purveyor.settings import Settings
from tests.distributions import wheel

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
_LIMITS = Limits(1 << 30, 10_000, 100)


class Index:
    """The use cases over the data directory `data`, in this process."""

    def __init__(self, data: Path, *distributions: tuple[str, bytes]) -> None:
        self.data = data
        self.app = assembly.application(Settings(data=data))
        self._uploads = 0
        self.host(distributions)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.app.catalog.close()

    def host(self, distributions: Iterable[tuple[str, bytes]], *, settled: bool = True) -> None:
        for filename, content in distributions:
            self._host(filename, content)
        if settled:
            self.app.settler.settle()

    def remove(self, *filenames: str) -> None:
        for filename in filenames:
            assert self.app.catalog.remove_file(filename, "owner", NOON)

    def set_status(self, project: str, status: Status, reason: str = "") -> None:
        assert self.app.catalog.set_status(normalize(project), ProjectStatus(status, reason), "owner", NOON)

    def _host(self, filename: str, content: bytes) -> None:
        self._uploads += 1
        at = NOON + timedelta(minutes=self._uploads)
        parsed = parse_filename(filename)
        inspected = inspect(BytesIO(content), parsed, _LIMITS)
        file = inspected.described(size=len(content), sha256=hashlib.sha256(content).hexdigest(), uploaded_at=at, uploaded_by="owner")
        with self.app.blobs.stage() as staging, self.app.blobs.stage() as beside:
            staging.write(content)
            beside.write(inspected.raw)
            staged = [(staging, file.sha256)]
            if file.metadata_sha256 is not None:
                staged.append((beside, file.metadata_sha256))
            with self.app.blobs.keep(staged) as unsettled:
                self.app.catalog.add_file(NewFile(file, inspected.metadata.name, parsed.identity, "owner", at), unsettled)


def wheels(*projects: str, version: str = "1.0") -> list[tuple[str, bytes]]:
    return [wheel(project, version) for project in projects]


def contents(tree: Path) -> dict[str, bytes]:
    """Every file below the directory but the one in which the export notes where it stands."""
    return {path: (tree / path).read_bytes() for path in _files(tree)}


def inodes(tree: Path) -> dict[str, tuple[int, int, int]]:
    """What changes when a file is written again, though with the same content."""
    stats = {path: (tree / path).stat() for path in _files(tree)}
    return {path: (stat.st_ino, stat.st_mtime_ns, stat.st_size) for path, stat in stats.items()}


def changed(before: dict[str, tuple[int, int, int]], after: dict[str, tuple[int, int, int]]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def _files(tree: Path) -> list[str]:
    found = [path.relative_to(tree).as_posix() for path in tree.rglob("*") if not path.is_dir()]
    return [path for path in found if path != ".purveyor-export"]


def pages_of(project: str) -> set[str]:
    return {f"simple/{project}/index.html", f"simple/{project}/index.json"}


LIST = {"simple/index.html", "simple/index.json"}
