"""Files in a store on another machine: brought here to be served, and kept here for as long as there is room."""

from datetime import datetime

from msgspec import Struct

from purveyor.errors import StoreFailed
from purveyor.interfaces import FarBlobs
from purveyor.model.names import NormalizedName
from purveyor.serving.bodies import Growing
from purveyor.serving.flights import Flights, receive


class Far(Struct, frozen=True):
    """A file of which there is no copy here. `size` is 0 where the index does not know it."""

    sha256: str
    size: int
    project: NormalizedName
    metadata: bool
    valid_until: datetime | None


class Bringing:
    def __init__(self, blobs: FarBlobs) -> None:
        self._blobs = blobs
        self._flights = Flights(StoreFailed)

    def close(self) -> None:
        self._flights.close()

    def start(self, far: Far) -> Growing:
        """The file while it comes, once however many ask for it; if it does not, that ends with `StoreFailed`."""
        return self._flights.start(far.sha256, far.size, f"sha256 {far.sha256}", lambda growing: self._bring(far, growing))

    def _bring(self, far: Far, growing: Growing) -> None:
        remote = self._blobs.fetch(far.sha256)
        if remote is None:
            raise StoreFailed(f"The content with sha256 {far.sha256} is missing in the object store.", "Restore it from a backup.")

        def wrong(how: str) -> StoreFailed:
            return StoreFailed(f"The object store gives the content of sha256 {far.sha256} {how}.", "Restore it from a backup.")

        if far.size and remote.size != far.size:
            raise wrong(f"with {remote.size} bytes, and not {far.size}")
        growing.size = far.size or remote.size or 0
        with self._blobs.stage() as staging:
            receive(remote, staging, growing, far.sha256, wrong)
            self._blobs.hold(staging, far.sha256)
