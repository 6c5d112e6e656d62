"""Distribution files: what an index says of each, and what a filename says of itself."""

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from math import prod

from msgspec import Struct
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    canonicalize_version,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from purveyor.errors import Conflict, Refused
from purveyor.model.names import NAME_LIMIT, NormalizedName

VERSION_LIMIT = 100
TAG_LIMIT = 1000
# A filename carries name, version, build and tags; a path component of common file systems holds 255 bytes, and `.metadata` is appended.
FILENAME_LIMIT = 240
METADATA_LIMIT = 10 << 20
"""Bytes of core metadata, wherever it comes from."""
# Larger is no file but a mistake; JSON's numbers are exact up to here.
SIZE_LIMIT = 1 << 53
_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\Z", re.ASCII)
_SPELLED_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._]*[A-Za-z0-9])?\Z", re.ASCII)


class Kind(StrEnum):
    """Values are the legacy upload API's `filetype`."""

    SDIST = "sdist"
    WHEEL = "bdist_wheel"


class Yanked(Struct, frozen=True):
    """A file that installers skip unless nothing else satisfies (PEP 592). Only the writers know how each format spells it."""

    reason: str = ""


class DistributionFile(Struct, frozen=True, gc=False):
    """One file as one index offers it. `metadata_sha256` is None where no `.metadata` sibling is offered.

    A record in C: popular projects have thousands, each made, compared and written in a tenth of a dataclass's time, and none of them
    is a matter for the garbage collector, since nothing in a file leads back to it.

    With a pulled file, `origin` is its URL at the upstream, `provenance_url` the place of its provenance, if the upstream states one,
    and `size` 0 where the upstream does not say: no distribution file is empty. `metadata_on_demand` says that `.metadata` is
    offered without a digest: it is taken out of the wheel once somebody asks.
    """

    filename: str
    project: NormalizedName
    version: str
    kind: Kind
    size: int
    sha256: str
    uploaded_at: datetime | None
    uploaded_by: str | None = None
    metadata_sha256: str | None = None
    requires_python: str | None = None
    yanked: Yanked | None = None
    provenance_sha256: str | None = None
    origin: str | None = None
    provenance_url: str | None = None
    metadata_on_demand: bool = False


class LateFiles(Sequence[DistributionFile]):
    """Files that become records when somebody looks at them: a page may have thousands, of which clients ask for one."""

    @property
    @abstractmethod
    def versions(self) -> list[str]:
        """Each once, in the order of the files."""

    @property
    @abstractmethod
    def lacks_metadata(self) -> bool:
        """Whether there is a wheel for which none is offered."""

    @abstractmethod
    def named(self, filename: str) -> DistributionFile | None: ...

    @abstractmethod
    def with_metadata(self, found: Mapping[str, str]) -> "LateFiles":
        """The same with core metadata that was found in wheels for which none is offered: its sha256 by the wheel's."""


def conflict(there: DistributionFile, given: DistributionFile) -> Conflict:
    """The refusal of other bytes under a name that is taken: both hashes, who uploaded the first and when.

    Clients know a duplicate by the words "already exist".
    """
    when = f" at {there.uploaded_at:%Y-%m-%d %H:%M:%S} UTC" if there.uploaded_at else ""
    spelled = "" if there.filename == given.filename else f" (the same file as {given.filename})"
    return Conflict(
        f"File already exists: {there.filename}{spelled} has sha256 {there.sha256}, uploaded by {there.uploaded_by or 'unknown'}{when};"
        f" yours has sha256 {given.sha256}.",
        "Published files never change: raise the version and upload again.",
    )


def deleted_conflict(there: DistributionFile, given: DistributionFile) -> Conflict:
    """The refusal of other bytes under the name of a deleted file: what once was installed by its hash must not become something else."""
    return Conflict(
        f"File already exists: {there.filename} was deleted here and had sha256 {there.sha256}; yours has sha256 {given.sha256}.",
        "A filename is never used again for other bytes: raise the version and upload again.",
    )


class ParsedFilename(Struct, frozen=True):
    """What a filename says of its file. `identity` is equal for two spellings of the same file (case, escaping, 1.0 and 1.0.0)."""

    filename: str
    project: NormalizedName
    version: Version
    kind: Kind
    pyversion: str
    identity: str


def parse_version(text: str) -> Version:
    """A PEP 440 version, or `Refused`; capped before parsing, because digits cost quadratic time and Python refuses 4,300 of them."""
    if len(text) > VERSION_LIMIT:
        raise Refused(f"The version has {len(text)} characters; at most {VERSION_LIMIT} are accepted.")
    if not text.isascii():
        raise Refused(f"The version {text!r} has characters other than ASCII.")
    try:
        return Version(text)
    except InvalidVersion:
        raise Refused(f"{text!r} is not a valid version (PyPUG version specifiers).") from None


def parse_filename(filename: str) -> ParsedFilename:
    """Read a wheel's or an sdist's filename; raises `Refused` with the one rule it breaks."""
    if len(filename) > FILENAME_LIMIT:
        raise Refused(f"The filename has {len(filename)} characters; at most {FILENAME_LIMIT} are accepted.")
    if not _FILENAME.match(filename):
        raise Refused(f"{filename!r} is not an acceptable filename: only ASCII letters, digits and '._+!-' are allowed, and no path.")
    if filename.endswith(".whl"):
        return _parse_wheel(filename)
    if filename.endswith(".tar.gz"):
        return _parse_sdist(filename)
    raise Refused(f"{filename!r} is neither a wheel (.whl) nor a source distribution (.tar.gz), the two kinds an index takes.")


def project_named_by(filename: str) -> NormalizedName:
    """The project that the filename of a wheel or sdist begins with, unchecked; for every name that `parse_filename` accepts, the same."""
    stem = filename.partition("-")[0] if filename.endswith(".whl") else filename.removesuffix(".tar.gz").rpartition("-")[0]
    return canonicalize_name(stem)


def _parse_wheel(filename: str) -> ParsedFilename:
    parts = filename[: -len(".whl")].split("-")
    _check_parts(filename, *(parts[:2] if len(parts) > 1 else ("", "")))
    _check_tags(filename, parts[-3:])
    try:
        name, version, build, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion, ValueError) as error:
        raise Refused(f"{filename!r} is not a valid wheel filename: {_reason(error)}.") from None
    stamp = f"-{build[0]}{build[1]}" if build else ""
    identity = f"{name}-{canonicalize_version(version)}{stamp}-{'.'.join(sorted(map(str, tags)))}.whl"
    return ParsedFilename(filename, name, version, Kind.WHEEL, parts[-3], identity)


def _parse_sdist(filename: str) -> ParsedFilename:
    stem = filename[: -len(".tar.gz")]
    _check_parts(filename, *(stem.rsplit("-", 1) if "-" in stem else ("", "")))
    try:
        name, version = parse_sdist_filename(filename)
    except (InvalidSdistFilename, InvalidVersion, ValueError) as error:
        raise Refused(f"{filename!r} is not a valid source distribution filename: {_reason(error)}.") from None
    return ParsedFilename(filename, name, version, Kind.SDIST, "source", f"{name}-{canonicalize_version(version)}.tar.gz")


def _check_parts(filename: str, name: str, version: str) -> None:
    """Lengths before parsing, and the spelling of the name, which `packaging` reads more leniently for sdists."""
    if not name or not version:
        raise Refused(f"{filename!r} does not name a project and a version.")
    if len(name) > NAME_LIMIT or len(version) > VERSION_LIMIT:
        raise Refused(f"{filename!r} has a name over {NAME_LIMIT} or a version over {VERSION_LIMIT} characters.")
    if filename.endswith(".tar.gz"):
        name = name.replace("-", "_")
    if not _SPELLED_NAME.match(name):
        raise Refused(f"{filename!r} does not begin with a valid project name.")


def _check_tags(filename: str, tags: list[str]) -> None:
    """Each tag set stands for all combinations of its parts: 240 characters would expand to 50,000 tags."""
    if prod(tag.count(".") + 1 for tag in tags) > TAG_LIMIT:
        raise Refused(f"{filename!r} stands for more than {TAG_LIMIT} combinations of Python, ABI and platform.")
    if not all(part for tag in tags for part in tag.split(".")):
        raise Refused(f"{filename!r} has an empty tag for Python, ABI or platform.")


def _reason(error: Exception) -> str:
    return str(error).split(":", 1)[0].rstrip(".")
