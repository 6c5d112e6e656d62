"""One upload becomes one file of the index, or is refused with every reason at once."""

import base64
import binascii
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

from msgspec import Struct

from purveyor.errors import Refused
from purveyor.formats.archives import Limits
from purveyor.interfaces import BlobStore, Catalog, NewFile
from purveyor.model.files import DistributionFile, ParsedFilename, parse_filename
from purveyor.model.grants import Grant
from purveyor.model.indexes import DEFAULT, Index, IndexName
from purveyor.model.policy import NO_POLICY, objections
from purveyor.publishing.form import check_agreement, check_form
from purveyor.publishing.inspecting import Inspected, inspect
from purveyor.publishing.keeping import keep
from purveyor.publishing.landing import Landing
from purveyor.publishing.upload import DIGEST_FIELDS, Upload

T = TypeVar("T")


class Published(Struct, frozen=True):
    """`created` is False when the very same file was there already: then nothing has changed."""

    file: DistributionFile
    created: bool


class Publisher:
    """With `landing`, what is published becomes a file of the folder that is served; without it, a blob."""

    def __init__(
        self, catalog: Catalog, blobs: BlobStore, limits: Limits, now: Callable[[], datetime], landing: Landing | None = None
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._limits = limits
        self._now = now
        self._landing = landing

    def publish(self, upload: Upload, grant: Grant, index: Index) -> Published:
        """Durable and visible to every reader on return.

        Raises `Refused`, `Conflict`, `NotAllowed` or `StoreFailed`; then nothing has changed.
        """
        index.check_uploads()
        if self._landing is not None and index.name == DEFAULT:
            self._landing.check()
        complaints = list(_check_digests(upload))
        parsed = _collect(complaints, lambda: parse_filename(upload.filename))
        if parsed is None:
            raise _refusal(complaints)
        complaints.extend(check_form(upload.declared, parsed))
        if not complaints and (there := self._already(upload, index.name)):
            return Published(there, created=False)
        inspected = _collect(complaints, lambda: self._inspect(upload, parsed))
        complaints.extend(self._objections(upload, parsed, index))
        if inspected is not None:
            complaints.extend(check_agreement(upload.declared, parsed, inspected.metadata))
        if inspected is None or complaints:
            raise _refusal(complaints)
        return self._keep(upload, inspected, grant, index)

    def _already(self, upload: Upload, index: IndexName) -> DistributionFile | None:
        there = self._catalog.file(upload.filename, index)
        return there if there is not None and there.sha256 == upload.sha256 else None

    def _objections(self, upload: Upload, parsed: ParsedFilename, index: Index) -> list[str]:
        """What the index would not offer, it does not take either."""
        if index.policy == NO_POLICY:
            return []
        name = parsed.project
        file = DistributionFile(parsed.filename, name, str(parsed.version), parsed.kind, upload.staging.size, upload.sha256, None)
        advisories = self._catalog.advisories(name) if index.policy.of(name).advisories else ()
        return objections(file, index.policy, self._now(), self._catalog.overrides(name, index.name), advisories)

    def _inspect(self, upload: Upload, parsed: ParsedFilename) -> Inspected:
        """METADATA or PKG-INFO is what the index believes, and all else must agree with it."""
        with upload.staging.reader() as source:
            return inspect(source, parsed, self._limits)

    def _keep(self, upload: Upload, inspected: Inspected, grant: Grant, index: Index) -> Published:
        now = self._now()
        file = inspected.described(size=upload.staging.size, sha256=upload.sha256, uploaded_at=now, uploaded_by=grant.subject)
        new = NewFile(file, inspected.metadata.name, inspected.parsed.identity, grant.subject, now, index.name, replaces=index.volatile)
        kept = keep(self._catalog, self._blobs, self._landing, staging=upload.staging, new=new, inspected=inspected)
        return Published(kept, created=kept is file)


def _collect(complaints: list[str], step: Callable[[], T]) -> T | None:
    """The step's result, or None and its reasons added: nobody should have to upload five times to hear of five mistakes."""
    try:
        return step()
    except Refused as refused:
        complaints.extend(refused.complaints)
        return None


def _refusal(complaints: list[str]) -> Refused:
    return Refused(tuple(dict.fromkeys(complaints)))


def _check_digests(upload: Upload) -> Iterator[str]:
    """Every digest that was given is compared; a client that gives none has not said what it meant to send."""
    given = {name: value for name in DIGEST_FIELDS for value in upload.declared.get(name, ()) if value}
    if not given:
        yield "The form gives no digest of the file: at least one of sha256_digest, blake2_256_digest and md5_digest is needed."
    for name, value in given.items():
        if not _same_digest(name, value, upload.digests[name]):
            arrived = f"{upload.digests[name]} ({upload.staging.size} bytes)"
            yield f"The {name} of the form is {value[:128]!r}, but the file that arrived has {arrived}."


def _same_digest(name: str, given: str, actual: str) -> bool:
    if given.lower() == actual:
        return True
    # PyPI's page describes md5_digest as urlsafe base64 without padding, though every client seen sends hex.
    if name != "md5_digest":
        return False
    try:
        return base64.urlsafe_b64decode(given + "==").hex() == actual
    except (binascii.Error, ValueError):
        return False
