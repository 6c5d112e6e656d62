"""Files in the JSON form of the Simple API, as a page that is read states them and as a page that is written does."""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime
from typing import Annotated, overload

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from purveyor.model.files import SIZE_LIMIT, DistributionFile, Kind, LateFiles, Yanked
from purveyor.model.names import NormalizedName

_DIGEST = 64


class Hashes(Struct, gc=False, frozen=True):
    """That the digits are hexadecimal is for the reader to see to: a pattern here would take as long as all the rest of a page."""

    sha256: Annotated[str, Meta(min_length=_DIGEST, max_length=_DIGEST)]


class StatedFile(Struct, gc=False, rename="kebab", omit_defaults=True):
    """In this order on a page. `dist-info-metadata` is read only: pip 22.3 to 23.1 stops at that key (PEP 714, Motivation)."""

    filename: str
    url: str
    hashes: Hashes
    core_metadata: Hashes | bool | UnsetType = UNSET
    yanked: bool | str | UnsetType = UNSET
    size: Annotated[int, Meta(ge=0, le=SIZE_LIMIT)] | None = None
    # msgspec writes UTC with a Z and as many digits of a second as there are, at most six (PEP 700).
    upload_time: Annotated[datetime, Meta(tz=True)] | None = None
    requires_python: str | None = None
    provenance: str | None = None
    dist_info_metadata: Hashes | bool | UnsetType = UNSET


class PulledFiles(LateFiles):
    """The files of a page that was read: `stated` as a page of ours states them, and for each its version and its URL at the upstream."""

    def __init__(self, project: NormalizedName, stated: Sequence[StatedFile], versions: Sequence[str], origins: Sequence[str]) -> None:
        self._project = project
        self._stated = stated
        self._versions = versions
        self._origins = origins
        self._found: Mapping[str, str] = {}
        self._lacks_metadata = any(file.core_metadata is True for file in stated)

    @property
    def stated(self) -> Sequence[StatedFile]:
        return [self._completed(file) for file in self._stated] if self._found else self._stated

    @property
    def versions(self) -> list[str]:
        return list(dict.fromkeys(self._versions))

    @property
    def lacks_metadata(self) -> bool:
        return self._lacks_metadata

    def named(self, filename: str) -> DistributionFile | None:
        return next((self[place] for place, file in enumerate(self._stated) if file.filename == filename), None)

    def with_metadata(self, found: Mapping[str, str]) -> "PulledFiles":
        files = copy(self)
        files._found = found  # noqa: SLF001 - of our own copy
        return files

    def __iter__(self) -> Iterator[DistributionFile]:
        return (self[place] for place in range(len(self)))

    def __len__(self) -> int:
        return len(self._stated)

    @overload
    def __getitem__(self, place: int) -> DistributionFile: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[DistributionFile]: ...
    def __getitem__(self, place: int | slice) -> DistributionFile | Sequence[DistributionFile]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        file = self._completed(self._stated[place])
        metadata, yanked = file.core_metadata, file.yanked
        return DistributionFile(
            filename=file.filename,
            project=self._project,
            version=self._versions[place],
            kind=Kind.WHEEL if file.filename.endswith(".whl") else Kind.SDIST,
            size=file.size or 0,
            sha256=file.hashes.sha256,
            uploaded_at=file.upload_time,
            metadata_sha256=metadata.sha256 if isinstance(metadata, Hashes) else None,
            requires_python=file.requires_python,
            yanked=Yanked(yanked if isinstance(yanked, str) else "") if yanked else None,
            origin=self._origins[place],
            provenance_url=file.provenance,
            metadata_on_demand=metadata is True,
        )

    def _completed(self, file: StatedFile) -> StatedFile:
        """With the digest of metadata that the upstream does not offer, where it was found."""
        if file.core_metadata is not True or file.hashes.sha256 not in self._found:
            return file
        return replace(file, core_metadata=Hashes(self._found[file.hashes.sha256]))
