"""What a distribution file says of itself, and the row that this makes of it; whoever brings the file, by upload or otherwise."""

import hashlib
from datetime import datetime
from typing import BinaryIO

from msgspec import Struct

from purveyor.errors import Refused
from purveyor.formats.archives import Limits, read_archive
from purveyor.formats.core_metadata import CoreMetadata, read_core_metadata, read_old_core_metadata
from purveyor.formats.inspection import shown
from purveyor.model.files import DistributionFile, Kind, ParsedFilename, parse_version
from purveyor.model.names import normalize


class Inspected(Struct, frozen=True):
    """The archive's own word: `raw` is METADATA or PKG-INFO byte for byte, `metadata` what it says.

    `faults` are those that an old file is forgiven; for an upload there are none.
    """

    parsed: ParsedFilename
    raw: bytes
    metadata: CoreMetadata
    faults: tuple[str, ...] = ()

    @property
    def offered(self) -> bool:
        """Whether `raw` may be offered beside the file: a resolver that reads it must get what the build will say."""
        return self.parsed.kind is Kind.WHEEL or self.metadata.is_static_for_resolution

    def described(self, *, size: int, sha256: str, uploaded_at: datetime | None, uploaded_by: str | None) -> DistributionFile:
        return DistributionFile(
            filename=self.parsed.filename,
            project=self.parsed.project,
            version=str(self.parsed.version),
            kind=self.parsed.kind,
            size=size,
            sha256=sha256,
            uploaded_at=uploaded_at,
            uploaded_by=uploaded_by,
            metadata_sha256=hashlib.sha256(self.raw).hexdigest() if self.offered else None,
            requires_python=self.metadata.requires_python,
        )


def inspect(source: BinaryIO, parsed: ParsedFilename, limits: Limits) -> Inspected:
    """Raises `Refused` with every complaint about the archive, or else about its metadata."""
    contents = read_archive(source, parsed, limits)
    return Inspected(parsed, contents.metadata, read_core_metadata(contents.metadata))


def inspect_old(source: BinaryIO, parsed: ParsedFilename, limits: Limits) -> Inspected:
    """As `inspect`, but for a file that was published elsewhere already: nobody can mend its metadata any more.

    Raises `Refused` where the archive is damaged, or where its metadata is another file's.
    """
    contents = read_archive(source, parsed, limits)
    metadata, faults = read_old_core_metadata(contents.metadata)
    if normalize(metadata.name) != parsed.project or parse_version(metadata.version) != parsed.version:
        raise Refused(f"The file's metadata is that of {shown(metadata.name)} {shown(metadata.version)}, which the filename does not say.")
    return Inspected(parsed, contents.metadata, metadata, faults)
