"""What an index offers of one project, and the release that the later checks look at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from msgspec.structs import replace
from packaging.utils import NormalizedName
from packaging.version import InvalidVersion, Version

from purveyor.errors import Refused
from purveyor.formats.simple_reader import OfferedFile, ProjectPage
from purveyor.model.files import ParsedFilename, parse_filename


@dataclass(frozen=True, slots=True)
class Offer:
    """One project's pages; `files` joins both forms, since JSON says more and HTML may list more."""

    name: NormalizedName
    html: ProjectPage | None
    json: ProjectPage | None
    files: tuple[OfferedFile, ...]
    parsed: Mapping[str, ParsedFilename]
    version: Version | None

    @property
    def release(self) -> tuple[OfferedFile, ...]:
        """The files of the version that is looked at."""
        return tuple(file for file in self.files if self.version_of(file) == self.version and self.version is not None)

    def version_of(self, file: OfferedFile) -> Version | None:
        parsed = self.parsed.get(file.filename)
        return parsed.version if parsed else None


def offer_of(name: NormalizedName, html: ProjectPage | None, json: ProjectPage | None, pinned: Version | None) -> Offer:
    """`pinned`, or what an installer would take: the newest final release that is not yanked, else the next best."""
    files = _joined(html, json)
    parsed = {file.filename: reading for file in files if (reading := reading_of(file.filename, name))}
    return Offer(name, html, json, files, parsed, pinned or _best(files, parsed))


def reading_of(filename: str, name: NormalizedName) -> ParsedFilename | None:
    """What the filename says, if it is a wheel or sdist of this project (pip still takes a .zip for an sdist)."""
    tried = f"{filename.removesuffix('.zip')}.tar.gz" if filename.endswith(".zip") else filename
    try:
        parsed = parse_filename(tried)
    except Refused:
        return None
    return replace(parsed, filename=filename) if parsed.project == name else None


def version_or_none(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _joined(html: ProjectPage | None, json: ProjectPage | None) -> tuple[OfferedFile, ...]:
    files = {file.filename: file for file in (json.files if json else ())}
    for file in html.files if html else ():
        files.setdefault(file.filename, file)
    return tuple(files.values())


def _best(files: Iterable[OfferedFile], parsed: Mapping[str, ParsedFilename]) -> Version | None:
    ranked = [
        (file.yanked is None, not parsed[file.filename].version.is_prerelease, parsed[file.filename].version)
        for file in files
        if file.filename in parsed
    ]
    return max(ranked)[2] if ranked else None
