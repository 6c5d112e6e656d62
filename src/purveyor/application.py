"""What a running index can do: the use cases that `api` is given. Assembled in `assembly`."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from purveyor.access.tokens import Tokens
from purveyor.interfaces import BlobStore, Catalog, Checks, Gauge, Newest, Siblings, Tracer
from purveyor.model.tally import Tally
from purveyor.publishing.adoption import Adoption
from purveyor.publishing.exceptions import Exceptions
from purveyor.publishing.folder_watch import FolderWatch
from purveyor.publishing.indexing import Indexing
from purveyor.publishing.lifecycle import Lifecycle
from purveyor.publishing.promotion import Promoting
from purveyor.publishing.publisher import Publisher
from purveyor.publishing.settling import Settler
from purveyor.serving.ahead import Ahead
from purveyor.serving.bringing import Bringing
from purveyor.serving.explaining import Explaining
from purveyor.serving.files import Files
from purveyor.serving.following import Follower
from purveyor.serving.notes import Notes
from purveyor.serving.offers import Offers
from purveyor.serving.pages import Pages
from purveyor.serving.pulling import Pulling
from purveyor.serving.upstreams import Upstreams
from purveyor.settings import Settings


class Application(Struct, frozen=True):
    settings: Settings
    catalog: Catalog
    blobs: BlobStore
    follower: Follower
    offers: Offers
    pages: Pages
    files: Files
    publisher: Publisher
    adoption: Adoption
    upstreams: Upstreams
    pulling: Pulling
    ahead: Ahead
    notes: Notes
    via: str
    """What this server calls itself when it asks an upstream."""
    lifecycle: Lifecycle
    indexing: Indexing
    promoting: Promoting
    exceptions: Exceptions
    explaining: Explaining
    settler: Settler
    tokens: Tokens
    checks: Checks
    """What `/health/ready` looks at."""
    tally: Tally
    tracer: Tracer
    gauges: Sequence[Gauge]
    """What has numbers of the moment for `/metrics`."""
    siblings: Siblings | None
    """Where a server has several processes."""
    now: Callable[[], datetime]
    watch: FolderWatch | None = None
    """Where a folder is served; it is started by whoever answers requests."""
    newest: Newest | None = None
    """Where the catalog is on another machine, and others write to it."""
    bringing: Bringing | None = None
    """Where the blobs are on another machine."""
