"""A file that a bundle is to hold, as a lock file or a resolver names it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from purveyor.model.names import NormalizedName


@dataclass(frozen=True, slots=True)
class Wanted:
    """`index` is the URL of the index it was found on, `url` its own; None where that is not said."""

    project: NormalizedName
    filename: str
    hashes: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    index: str | None = None
    size: int | None = None
    uploaded_at: datetime | None = None


def filename_of(url: str) -> str:
    return PurePosixPath(unquote(urlsplit(url).path)).name
