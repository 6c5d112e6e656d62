"""What `fsck --repair` does about what it found: only what loses nothing, and never silently."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from purveyor.errors import NotFound, StoreFailed
from purveyor.interfaces import Audit, Catalog, Originals, OwnBlobs
from purveyor.model.indexes import index_name
from purveyor.model.names import normalize
from purveyor.safekeeping.contents import State, metadata_in, state_of
from purveyor.safekeeping.findings import MENDABLE, Code, Finding

ACTOR = "fsck"
_FEW, _PART = 5, 0.1
DAMAGED = "damaged"
"""Where wrong bytes are kept that were taken out of the store."""


class Step(Struct, frozen=True):
    """What is to be done about a finding, as a sentence and as a deed."""

    finding: Finding
    will: str
    do: Callable[[], None]


class Repairer:
    """`aside` is the directory that wrong bytes are moved to before their place in the store is free again."""

    def __init__(
        self, audit: Audit, catalog: Catalog, blobs: OwnBlobs, originals: Originals, *, aside: Path, now: Callable[[], datetime]
    ) -> None:
        self._audit = audit
        self._catalog = catalog
        self._blobs = blobs
        self._originals = originals
        self._aside = aside
        self._now = now

    def steps(self, findings: list[Finding], checked: int) -> Iterator[Step]:
        """In the order in which they must be done; what cannot be mended here has none. `checked` is how many contents were looked at.

        Raises `StoreFailed` where so much is missing that it is the store that is not there, and the files are not to be taken for lost.
        """
        missing = sum(finding.code is Code.FILE_MISSING for finding in findings)
        if missing > max(_FEW, checked * _PART):
            raise StoreFailed(
                f"{missing} files have no content: it seems that what is looked at is not the whole store. Nothing was changed.",
                "See that the disk is mounted and the settings are right; or restore a backup.",
            )
        quarantined = {f.filename for f in findings if f.code in (Code.FILE_MISSING, Code.FILE_WRONG)}
        for finding in findings:
            if finding.code in MENDABLE and (step := self._step(finding, quarantined)):
                yield Step(finding, *step)

    def _step(self, finding: Finding, quarantined: set[str]) -> tuple[str, Callable[[], None]] | None:
        code, sha256 = finding.code, finding.sha256
        if code is Code.SERIAL_WRONG:
            return f"Give {finding.project} on {finding.index} the serial of a new entry.", lambda: self._serial(finding)
        if code is Code.UNSETTLED_WRONG:
            return f"Remove what waits to be settled as {sha256}.", lambda: self._catalog.forget_unsettled([sha256])
        if code is Code.COPY_WRONG:
            return f"Move the wrong bytes of {sha256} to {self._aside}, so that they are fetched again.", lambda: self._drop_copy(sha256)
        if code in (Code.FILE_MISSING, Code.FILE_WRONG):
            return f"Take {finding.filename} out of what {finding.index} offers; its name stays taken.", lambda: self._quarantine(finding)
        if finding.filename in quarantined:
            return None
        return f"Take the metadata of {finding.filename} from the file once more.", lambda: self._extract(finding)

    def _serial(self, finding: Finding) -> None:
        self._audit.mend_serial(index_name(finding.index), normalize(finding.project), ACTOR)

    def _drop_copy(self, sha256: str) -> None:
        self._audit.forget_copy(sha256)
        self._set_aside(sha256)

    def _quarantine(self, finding: Finding) -> None:
        """Deleted, as `purveyor delete` does it, so the same bytes may come again, and `purveyor restore` brings it back with them."""
        with suppress(NotFound):  # somebody was quicker
            self._catalog.delete_files([finding.filename], ACTOR, self._now(), index_name(finding.index))
        self._set_aside(finding.sha256)

    def _extract(self, finding: Finding) -> None:
        metadata = self._metadata(finding)
        if metadata is None or hashlib.sha256(metadata).hexdigest() != finding.sha256:
            raise StoreFailed(f"{finding.filename} does not hold the metadata with sha256 {finding.sha256}.", "Restore it from a backup.")
        self._set_aside(finding.sha256)
        # Under its hash it is what the row names already; nothing is committed.
        self._blobs.settle({finding.sha256: metadata})

    def _metadata(self, finding: Finding) -> bytes | None:
        file = self._catalog.file(finding.filename, index_name(finding.index))
        blob = None if file is None else self._originals.open(file.sha256)
        if blob is None:
            return None
        with blob:
            return metadata_in(blob, finding.filename)

    def _set_aside(self, sha256: str) -> None:
        """Free the place, with no upload on its way to it; the wrong bytes are kept for whoever wants to look at them."""
        with self._blobs.removing():
            if state_of(self._originals, sha256, None, quick=False) is not State.WRONG:
                return
            self._aside.mkdir(mode=0o700, exist_ok=True)
            target = self._aside / sha256
            target.unlink(missing_ok=True)
            self._originals.copy_to(sha256, target)
            self._blobs.remove(sha256)
