"""Reads a JSON page of a remote index that keeps every rule, as nearly all do, in a tenth of the time that the lenient reader takes.

It takes a page as a whole or not at all: whatever is unusual is left to `simple_reader`, which finds the same where both find something.
"""

import re
from datetime import datetime
from typing import Annotated
from urllib.parse import urljoin

from msgspec import UNSET, DecodeError, Meta, Struct, UnsetType
from msgspec.json import Decoder
from packaging.utils import canonicalize_name

from purveyor.formats.pulled_filenames import SDISTS, WHEEL_PARTS, version_of_text
from purveyor.model.files import FILENAME_LIMIT, DistributionFile, Kind, Yanked
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail, ProjectStatus, Status

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\Z", re.ASCII)
_PLAIN_VERSION = re.compile(r"[A-Za-z0-9._+!]+\Z", re.ASCII)
_PLAIN_TAGS = re.compile(r"[A-Za-z0-9._+!-]+[A-Za-z0-9._+!]\.whl\Z", re.ASCII)
# After a wheel's release: one before each of its other parts.
_TAG_DASHES = tuple(parts - 2 for parts in WHEEL_PARTS)
# That these are hexadecimal digits is looked at for all of a page together: a pattern here would take as long as all the rest.
_DIGEST = 64
_Sha256 = Annotated[str, Meta(min_length=_DIGEST, max_length=_DIGEST)]
_Moment = Annotated[datetime, Meta(tz=True)]
_ABSOLUTE = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/", re.ASCII)
_RELATIVE = re.compile(r"(?:/|(?:\.\./)+)(?=[A-Za-z0-9])", re.ASCII)


class _Hashes(Struct, gc=False):
    sha256: _Sha256


class _MetadataHashes(Struct, gc=False):
    sha256: _Sha256 | UnsetType = UNSET


class _File(Struct, gc=False, rename="kebab"):
    filename: str
    url: str
    hashes: _Hashes
    size: Annotated[int, Meta(ge=0)] | None = None
    upload_time: _Moment | None = None
    requires_python: str | None = None
    core_metadata: bool | _MetadataHashes | UnsetType = UNSET
    dist_info_metadata: bool | _MetadataHashes | UnsetType = UNSET
    yanked: bool | str = False
    provenance: str | None = None


class _Status(Struct, gc=False):
    status: Status = Status.ACTIVE
    reason: str = ""


class _Meta(Struct, gc=False, rename="kebab"):
    api_version: Annotated[str, Meta(pattern=r"^1\.[0-9]{1,9}$")]


class _Page(Struct, rename="kebab"):
    meta: _Meta
    name: str
    files: list[_File]
    project_status: _Status | None = None


_DECODER = Decoder(_Page)


def read_plain(body: bytes, url: str, name: NormalizedName) -> tuple[ProjectDetail, int] | None:
    """The project, and how many of its files are of no use; None for a page that is to be read leniently. `url` is the page's own."""
    try:
        page = _DECODER.decode(body)
    except DecodeError:
        return None
    if canonicalize_name(page.name) != name:
        return None
    files = _Files(url, name).taken(page.files)
    if files is None:
        return None
    status = page.project_status or _Status()
    return ProjectDetail(name, page.name, ProjectStatus(status.status, status.reason), tuple(files)), len(page.files) - len(files)


class _Files:
    """The files of one page, which have few releases, places and tags in common: each of these is looked at once."""

    def __init__(self, page_url: str, project: NormalizedName) -> None:
        self._page_url = page_url
        self._project = project
        # By how a filename begins, up to its version: that in its normal form, None for a file of another project, or of no version.
        self._releases: dict[str, str | None] = {}
        # How the project is spelled in filenames, and whether that means this one.
        self._spellings: dict[str, bool] = {}
        # How the name of a wheel goes on after that, and whether it may.
        self._tags: dict[str, bool] = {}

    def taken(self, stated: list[_File]) -> list[DistributionFile] | None:  # noqa: C901 - see below
        """Those of use to a client, in order; None where one must be read leniently.

        One loop of look-ups: it runs for every file of every page that is pulled, and calls would cost more than what they do.
        """
        files: list[DistributionFile] = []
        releases, tags, project = self._releases, self._tags, self._project
        beginning = place = ""
        for file in stated:
            filename, url = file.filename, file.url
            if not beginning or not url.startswith(beginning):
                begins = self._begins(url)
                if begins is None:
                    return None
                beginning, place = begins
            if place is not beginning:
                url = place + url[len(beginning) :]
            # A link that is odd in any way, such as one that leads up again further on.
            if "/." in url:
                return None
            metadata = None
            if filename.endswith(".whl"):
                end = filename.find("-", filename.find("-") + 1)
                release, rest, kind = filename[:end], filename[end:], Kind.WHEEL
                may_follow = tags.get(rest)
                if may_follow is None:
                    may_follow = tags[rest] = _may_follow(rest)
                if not may_follow:
                    continue
                hashes = file.dist_info_metadata if file.core_metadata is UNSET else file.core_metadata
                if isinstance(hashes, _MetadataHashes):
                    metadata = hashes.sha256 or None
            else:
                release, kind = _stem(filename), Kind.SDIST
            if release in releases:
                version = releases[release]
            else:
                version = releases[release] = self._version(release)
            if version is None or len(filename) > FILENAME_LIMIT:
                continue
            yanked, provenance = file.yanked, file.provenance
            files.append(
                DistributionFile(
                    filename,
                    project,
                    version,
                    kind,
                    file.size or 0,
                    file.hashes.sha256,
                    file.upload_time,
                    None,
                    metadata,
                    file.requires_python or None,
                    Yanked(yanked if isinstance(yanked, str) else "") if yanked else None,
                    None,
                    url,
                    provenance if provenance and provenance.startswith("https://") else None,
                    metadata is None and kind is Kind.WHEEL,
                )
            )
        return _distinct(files) if _are_hexadecimal(files) else None

    def _begins(self, url: str) -> tuple[str, str] | None:
        """How the link begins, and what that stands for."""
        if match := _ABSOLUTE.match(url):
            return match[0], match[0]
        if match := _RELATIVE.match(url):
            place = urljoin(self._page_url, match[0])
            return (match[0], place) if _ABSOLUTE.match(place) else None
        return None

    def _version(self, release: str) -> str | None:
        """Of this project, in its normal form; None for a file of another one, or of no version."""
        project, _, text = release.rpartition("-")
        ours = self._spellings.get(project)
        if ours is None:
            ours = self._spellings[project] = _PLAIN_NAME.match(project) is not None and canonicalize_name(project) == self._project
        return version_of_text(text) if ours and _PLAIN_VERSION.match(text) else None


def _may_follow(tags: str) -> bool:
    """What stands after the release in the name of a wheel."""
    return tags.count("-") in _TAG_DASHES and "--" not in tags and _PLAIN_TAGS.match(tags) is not None


def _stem(sdist: str) -> str:
    return next((sdist.removesuffix(ending) for ending in SDISTS if sdist.endswith(ending)), "")


def _are_hexadecimal(files: list[DistributionFile]) -> bool:
    digests = "".join([file.sha256 for file in files] + [file.metadata_sha256 for file in files if file.metadata_sha256])
    try:
        return bytes.fromhex(digests).hex() == digests
    except ValueError:
        return False


def _distinct(files: list[DistributionFile]) -> list[DistributionFile]:
    """Of two files with one name the first counts."""
    by_name = {file.filename: file for file in reversed(files)}
    return files if len(by_name) == len(files) else [file for file in files if by_name[file.filename] is file]
