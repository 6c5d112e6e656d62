"""What was learnt of remote indexes: known at once, and written down together a moment later, when nobody waits for it."""

import logging
import threading
from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from purveyor.errors import PurveyorError
from purveyor.interfaces import BlobStore, Snapshot, Snapshots
from purveyor.model.files import DistributionFile
from purveyor.model.names import NormalizedName

log = logging.getLogger("purveyor")

_BUSY_LOOKS = 30
_MANY = 500


class Notes:
    """All of it can be asked for again: what could not be written down, or was not when the machine went off, is let go of."""

    def __init__(self, snapshots: Snapshots, blobs: BlobStore) -> None:
        self._snapshots = snapshots
        self._blobs = blobs
        self._projects: dict[tuple[str, NormalizedName], Snapshot | datetime | None] = {}
        # By the wheel that it was found in: of which project that is, the core metadata, and its sha256.
        self._metadata: dict[str, tuple[NormalizedName, bytes, str]] = {}
        self._looks = 0
        self._turn = threading.Lock()
        self._writing = threading.Lock()

    def snapshot(self, upstream: str, name: NormalizedName) -> Snapshot | None:
        """Raises `ValueError` for what something else than this version has written."""
        key = upstream, name
        noted = self._projects.get(key)
        if isinstance(noted, Snapshot) or (noted is None and key in self._projects):
            return noted
        stored = self._snapshots.get(upstream, name)
        return stored if noted is None or stored is None else replace(stored, fresh_until=noted)

    def put(self, upstream: str, snapshot: Snapshot) -> None:
        with self._turn:
            self._projects[upstream, snapshot.detail.name] = snapshot

    def renew(self, upstream: str, name: NormalizedName, fresh_until: datetime) -> None:
        """What is known of the project stays fresh for so long."""
        with self._turn:
            noted = self._projects.get((upstream, name))
            self._projects[upstream, name] = replace(noted, fresh_until=fresh_until) if isinstance(noted, Snapshot) else fresh_until

    def forget(self, upstream: str, name: NormalizedName) -> None:
        with self._turn:
            self._projects[upstream, name] = None

    def extracted(self, name: NormalizedName) -> Mapping[str, str]:
        """The core metadata that was found in wheels of the project and is kept: its sha256 by the wheel's."""
        return self._snapshots.extracted(name)

    def metadata(self, wheel_sha256: str) -> tuple[bytes, str] | None:
        """The core metadata that was found in the wheel, but is not kept yet, and its sha256."""
        noted = self._metadata.get(wheel_sha256)
        return None if noted is None else noted[1:]

    def add_metadata(self, wheel: DistributionFile, metadata: bytes, digest: str) -> None:
        with self._turn:
            self._metadata[wheel.sha256] = (wheel.project, metadata, digest)

    def write_down_when_quiet(self, *, quiet: bool) -> None:
        """Called once a second; `quiet` says that nothing was asked for meanwhile. A busy server writes with every thirtieth call.

        Or once there is much to write.
        """
        self._looks += 1
        if quiet or self._looks % _BUSY_LOOKS == 0 or len(self._projects) + len(self._metadata) > _MANY:
            self.write_down()

    def write_down(self) -> None:
        with self._writing:
            with self._turn:
                projects, metadata = dict(self._projects), dict(self._metadata)
            if not projects and not metadata:
                return
            try:
                self._write(projects, metadata)
            except PurveyorError as error:
                log.warning("What upstreams say of %d projects is not written down: %s", len(projects), error.detail)
            finally:
                with self._turn:
                    for key, noted in projects.items():
                        if self._projects[key] is noted:
                            del self._projects[key]
                    for wheel in metadata:
                        del self._metadata[wheel]

    def _write(
        self,
        projects: Mapping[tuple[str, NormalizedName], Snapshot | datetime | None],
        metadata: Mapping[str, tuple[NormalizedName, bytes, str]],
    ) -> None:
        """The contents first: whoever reads their digests finds them."""
        if metadata:
            self._blobs.settle({digest: content for _, content, digest in metadata.values()})
        self._snapshots.write(projects, {(name, wheel): digest for wheel, (name, _, digest) in metadata.items()})
