"""The use cases over the stores: all that a server can do."""

import os
import socket
from datetime import UTC, datetime
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from purveyor.access.tokens import Tokens
from purveyor.adapters.catalog import SqlCatalog
from purveyor.adapters.change_signal import MappedSignal
from purveyor.adapters.counted_upstream import CountedUpstream
from purveyor.adapters.disk_space import DiskSpace
from purveyor.adapters.file_lock import FileLock
from purveyor.adapters.folder_blobs import FolderBlobs
from purveyor.adapters.folder_catalog import FolderCatalog
from purveyor.adapters.folder_index import SqlFolderIndex
from purveyor.adapters.late_upstream import LateUpstream
from purveyor.adapters.local_blobs import LocalBlobs
from purveyor.adapters.local_folder import LocalFolder
from purveyor.adapters.promotions import SqlPromotions
from purveyor.adapters.sibling_files import SiblingFiles
from purveyor.adapters.snapshots import SqlPulledBlobs, SqlSnapshots
from purveyor.adapters.sql import SqlDatabase
from purveyor.adapters.watching import Watching
from purveyor.application import Application
from purveyor.assembly.stores import SIGNAL, check_moves, data_directory, far_blobs, in_a_file, near_blobs, newest_of, open_database
from purveyor.errors import Misconfigured
from purveyor.formats.archives import Limits
from purveyor.interfaces import Around, BlobStore, Catalog, ChangeSignal, FarBlobs, Gauge, NoTracer, OwnBlobs, Tracer, Upstream
from purveyor.model.tally import Tally
from purveyor.publishing.adoption import Adoption
from purveyor.publishing.exceptions import Exceptions
from purveyor.publishing.folder_inspection import FolderInspection
from purveyor.publishing.folder_watch import FolderWatch
from purveyor.publishing.indexing import Indexing
from purveyor.publishing.landing import Landing
from purveyor.publishing.lifecycle import Lifecycle
from purveyor.publishing.promotion import Promoting
from purveyor.publishing.publisher import Publisher
from purveyor.publishing.settling import Settler
from purveyor.serving.ahead import Ahead
from purveyor.serving.bringing import Bringing
from purveyor.serving.cached import Cached
from purveyor.serving.downloads import chosen
from purveyor.serving.explaining import Explaining
from purveyor.serving.files import Files
from purveyor.serving.following import Follower
from purveyor.serving.notes import Notes
from purveyor.serving.offers import Offers
from purveyor.serving.pages import PageKey, Pages
from purveyor.serving.project_lists import ProjectLists
from purveyor.serving.pulling import Pulling
from purveyor.serving.upstreams import Upstreams
from purveyor.settings import Settings

FOLLOWING = "following"
SIBLINGS = "workers"
TOKEN_FILE = "upload-token"  # noqa: S105 - the name of the file, not what is in it


def application(settings: Settings, tracer: Tracer | None = None) -> Application:
    """The use cases over the data directory that the settings name, which is made if it is not there."""
    _check_tracing(settings)
    tracer = tracer or NoTracer()
    data = data_directory(settings.data_dir)
    limits = Limits(settings.max_unpacked_size, settings.max_entries, settings.max_ratio)
    signal, tally = MappedSignal(data / SIGNAL), Tally()
    database, far = open_database(settings, data), far_blobs(settings, data)
    own = far or near_blobs(settings, data)
    watching = Watching(tally, tracer)
    database.around = watching.around
    if far is not None:
        far.watch(watching.around)
    check_moves(database)
    catalog, blobs, landing, watch = _stores(settings, data, _Parts(database, own, signal, limits))
    follower = Follower(catalog, signal)
    remote = _Remote(settings, database, own, far, data, tally=tally, around=watching.around)
    # What lies in a folder is listed before it is in the catalog, and so before it is in the journal.
    journaled = watch is None
    offers = Offers(catalog, follower, _now, remote.upstreams if settings.pull_through else None, journaled=journaled)
    lists = ProjectLists(catalog, offers, follower, data / "staging", journaled=journaled)
    pages = Pages(offers, lists, follower, data / "staging", settings.page_memory, now=_now)
    settler = Settler(catalog, blobs)
    if far is None:  # what is on another machine is settled once the server answers, as soon as that machine does
        settler.settle()
    return Application(
        settings=settings,
        catalog=catalog,
        blobs=blobs,
        follower=follower,
        offers=offers,
        pages=pages,
        files=Files(catalog, offers, blobs, remote.cached, downloads=chosen(settings, None if far is None else far.link, _now), far=far),
        upstreams=remote.upstreams,
        pulling=remote.pulling,
        ahead=remote.ahead(offers, pages),
        notes=remote.notes,
        via=remote.via,
        publisher=Publisher(catalog, blobs, limits, _now, landing),
        adoption=Adoption(catalog, blobs, limits, _now, landing),
        lifecycle=Lifecycle(catalog, _now, blobs.exists, folder=landing is not None),
        indexing=Indexing(catalog, _now),
        promoting=Promoting(catalog, SqlPromotions(database), _now),
        exceptions=Exceptions(catalog, _now),
        explaining=Explaining(catalog, offers, _now),
        settler=settler,
        tokens=Tokens(catalog),
        checks={"database": database, "blobs": own, "disk": DiskSpace(data, settings.least_free)},
        tally=tally,
        tracer=tracer,
        gauges=[database] if isinstance(database, Gauge) else [],
        siblings=SiblingFiles(data / SIBLINGS, os.getppid()) if settings.workers > 1 else None,
        now=_now,
        watch=watch,
        newest=newest_of(settings, database),
        bringing=None if far is None else Bringing(far),
    )


def _check_tracing(settings: Settings) -> None:
    """Before anything is served, and without importing what that takes."""
    if settings.tracing:
        try:
            there = find_spec("opentelemetry.exporter.otlp.proto.http") is not None and find_spec("opentelemetry.sdk") is not None
        except ModuleNotFoundError:
            there = False
        if not there:
            raise Misconfigured("Tracing needs OpenTelemetry, which is not installed.", "pip install 'purveyor[otel]'")


class _Parts(Struct, frozen=True):
    """What stores of every kind are made of."""

    database: SqlDatabase
    own: OwnBlobs
    signal: ChangeSignal
    limits: Limits


def _stores(settings: Settings, data: Path, parts: _Parts) -> tuple[Catalog, BlobStore, Landing | None, FolderWatch | None]:
    """Of a data directory alone, or of a folder that is served with it."""
    database, own, signal, limits = parts.database, parts.own, parts.signal, parts.limits
    if settings.folder is not None and not settings.folder.is_dir():
        raise Misconfigured(f"The folder {settings.folder} is not there.", "Make it, or name the folder that holds your files.")
    if settings.folder is None:
        return SqlCatalog(database, signal), own, None, None
    if not isinstance(own, LocalBlobs):
        raise Misconfigured(
            "A folder that is served keeps its files itself, not in an object store.", "Unset PURVEYOR_BLOBS, or serve no folder."
        )
    file = in_a_file(database)
    folder, index, lock = LocalFolder(settings.folder.resolve()), SqlFolderIndex(file), FileLock(data / FOLLOWING)
    watch = FolderWatch(folder, index, FolderInspection(folder, index, limits, _now), lock.take, _now)
    catalog = FolderCatalog(file, signal, index, watch.look_first)
    return catalog, FolderBlobs(folder, index, own), Landing(folder, index), watch


class _Remote:
    """What asks other servers. Their client is imported when it is first needed: a server that never asks need not wait for it."""

    def __init__(
        self,
        settings: Settings,
        database: SqlDatabase,
        blobs: OwnBlobs,
        far: FarBlobs | None,
        data: Path,
        *,
        tally: Tally,
        around: Around,
    ) -> None:
        self.via = f"purveyor-{sha256(os.fsencode(f'{socket.gethostname()}:{data.resolve()}')).hexdigest()[:16]}"
        trusted = frozenset(settings.upstream_hosts.replace(",", " ").split()) - {"none"}
        upstream = CountedUpstream(LateUpstream(lambda: _http_upstream(settings.upstream_timeout, self.via, trusted)), tally, around)
        self.notes = notes = Notes(SqlSnapshots(database), blobs)
        self.upstreams = Upstreams(upstream, notes, _now, lambda: _ready_made(settings), settings.upstream_fresh, offline=settings.offline)
        self.cached = Cached(blobs, SqlPulledBlobs(database), _now, settings.cache_size)
        self.pulling = Pulling(upstream, blobs, self.cached, notes, offline=settings.offline, far=far)
        self._limit = 0 if settings.offline else settings.fetch_ahead

    def ahead(self, offers: Offers, pages: Pages) -> Ahead:
        def look(page: PageKey) -> None:
            if page.project is not None and offers.would_wait(page.index, page.project):
                pages.get(page)

        ahead = Ahead(
            self.pulling.start,
            lambda wheel: self.cached.has(wheel.sha256),
            look,
            lambda: self.upstreams.is_asked or self.pulling.takes_out,
            limit=self._limit,
        )
        self.pulling.tell(ahead.arrived)
        return ahead


def _http_upstream(silence: int, via: str, trusted: frozenset[str]) -> Upstream:
    from purveyor.adapters.http_upstream import HttpUpstream  # noqa: PLC0415 - see _Remote

    return HttpUpstream(silence, via, trusted)


def _ready_made(settings: Settings) -> str | None:
    if settings.pypi_url != "auto":
        return settings.pypi_url
    from purveyor.workbench import ready_made  # noqa: PLC0415 - likewise
    from purveyor.workbench.configuration.found import Surroundings  # noqa: PLC0415 - likewise

    return ready_made.url(Surroundings.here(), settings.port)


def first_token(app: Application) -> str | None:
    """On the first start make the upload token and leave it in the data directory; the token, or None on later starts.

    Of several servers that start together over one database, one makes it.
    """
    if app.tokens.any():
        return None
    path = app.settings.data_dir / TOKEN_FILE

    def leave(token: str) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())

    return app.tokens.create_first("owner", app.now(), leave, path.unlink)


def _now() -> datetime:
    return datetime.now(UTC)
