"""A site's files on disk, made once; every server's data directory holds links to them instead of copies."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.sites import Site
from benchmarks.wheels import Wheel


@dataclass(frozen=True, slots=True)
class StockedWheel:
    project: str
    version: str
    filename: str
    size: int
    sha256: str
    metadata_sha256: str
    content: Path
    metadata: Path


@dataclass(frozen=True)
class Stock:
    wheels: tuple[StockedWheel, ...]
    names: tuple[str, ...]


def lay_in(site: Site, folder: Path) -> Stock:
    folder.mkdir(parents=True, exist_ok=True)
    return Stock(tuple(_stocked(wheel, folder) for wheel in site.wheels()), site.names)


def _stocked(wheel: Wheel, folder: Path) -> StockedWheel:
    content = folder / wheel.filename
    metadata = folder / f"{wheel.filename}.metadata"
    content.write_bytes(wheel.content)
    metadata.write_bytes(wheel.metadata)
    return StockedWheel(
        project=wheel.project,
        version=wheel.version,
        filename=wheel.filename,
        size=len(wheel.content),
        sha256=wheel.sha256,
        metadata_sha256=wheel.metadata_sha256,
        content=content,
        metadata=metadata,
    )
