"""The index that things are brought into, as a test sees it: a data directory without a server."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from purveyor import assembly
from purveyor.interfaces import Counts
from purveyor.model.files import DistributionFile
from purveyor.model.names import normalize
from purveyor.model.projects import ProjectStatus
from purveyor.settings import Settings
from tests.workbench.command import Ran, purveyor

MOMENT = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)
STAMP = MOMENT.timestamp()


@dataclass(frozen=True, slots=True)
class Here:
    data: Path

    def bring(self, source: str | Path, *arguments: str, **environment: str) -> Ran:
        """`purveyor import`, with its result as JSON."""
        return purveyor("import", source, *arguments, "--data", self.data, "--json", cwd=None, HOME=str(self.data.parent), **environment)

    def files(self, project: str) -> dict[str, DistributionFile]:
        app = assembly.application(Settings(data=self.data))
        try:
            detail = app.catalog.project_detail(normalize(project))
            return {file.filename: file for file in detail.files} if detail else {}
        finally:
            app.catalog.close()

    def content(self, file: DistributionFile) -> bytes:
        app = assembly.application(Settings(data=self.data))
        try:
            blob = app.blobs.open(file.sha256)
            assert blob is not None
            with blob:
                return blob.read()
        finally:
            app.catalog.close()

    def status(self, project: str) -> ProjectStatus | None:
        app = assembly.application(Settings(data=self.data))
        try:
            detail = app.catalog.project_detail(normalize(project))
            return detail.status if detail else None
        finally:
            app.catalog.close()

    def serial(self) -> int:
        app = assembly.application(Settings(data=self.data))
        try:
            return app.catalog.serial()
        finally:
            app.catalog.close()

    def counts(self) -> Counts:
        app = assembly.application(Settings(data=self.data))
        try:
            return app.catalog.counts()
        finally:
            app.catalog.close()


def imported(ran: Ran) -> list[str]:
    return sorted(file["filename"] for file in ran.document["imported"])


def refused(ran: Ran) -> dict[str, str]:
    return {entry["name"]: " ".join(entry["reasons"]) for entry in ran.document["refused"]}


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path / "here" / "data")
