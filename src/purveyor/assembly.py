"""Puts the house together: the only file that names an adapter."""

import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from purveyor.access.tokens import Tokens
from purveyor.adapters.auditing import SqlAudit
from purveyor.adapters.catalog import SqlCatalog
from purveyor.adapters.change_signal import MappedSignal
from purveyor.adapters.counted_upstream import CountedUpstream
from purveyor.adapters.disk_space import DiskSpace
from purveyor.adapters.file_gate import FileGate
from purveyor.adapters.file_lock import FileLock
from purveyor.adapters.folder_blobs import FolderBlobs
from purveyor.adapters.folder_catalog import FolderCatalog
from purveyor.adapters.folder_index import SqlFolderIndex
from purveyor.adapters.late_upstream import LateUpstream
from purveyor.adapters.local_blobs import LocalBlobs
from purveyor.adapters.local_folder import LocalFolder
from purveyor.adapters.originals import FarOriginals, NearOriginals
from purveyor.adapters.promotions import SqlPromotions
from purveyor.adapters.sibling_files import SiblingFiles, forget_siblings
from purveyor.adapters.snapshots import SqlPulledBlobs, SqlSnapshots
from purveyor.adapters.sql import SqlDatabase
from purveyor.adapters.sqlite import Database
from purveyor.adapters.tables import SqlTables
from purveyor.adapters.watching import Watching
from purveyor.api.app import PurveyorApp
from purveyor.application import Application
from purveyor.errors import Misconfigured
from purveyor.formats.archives import Limits
from purveyor.formats.database_url import shown
from purveyor.interfaces import (
    Around,
    BlobStore,
    Catalog,
    ChangeSignal,
    FarBlobs,
    Gate,
    Gauge,
    Newest,
    NoTracer,
    Originals,
    OwnBlobs,
    Phase,
    Tracer,
    Upstream,
)
from purveyor.model.tally import Tally
from purveyor.process import logs
from purveyor.process.orphans import end_with_parent
from purveyor.publishing.adoption import Adoption
from purveyor.publishing.cleaning import Cleaner
from purveyor.publishing.exceptions import Exceptions
from purveyor.publishing.folder_inspection import FolderInspection
from purveyor.publishing.folder_watch import FolderWatch
from purveyor.publishing.indexing import Indexing
from purveyor.publishing.landing import Landing
from purveyor.publishing.lifecycle import Lifecycle
from purveyor.publishing.promotion import Promoting
from purveyor.publishing.publisher import Publisher
from purveyor.publishing.settling import Settler
from purveyor.safekeeping.stores import Safekeeping, check_arrived
from purveyor.serving.bringing import Bringing
from purveyor.serving.cached import Cached
from purveyor.serving.downloads import chosen
from purveyor.serving.explaining import Explaining
from purveyor.serving.files import Files
from purveyor.serving.following import Follower
from purveyor.serving.notes import Notes
from purveyor.serving.offers import Offers
from purveyor.serving.pages import Pages
from purveyor.serving.project_lists import ProjectLists
from purveyor.serving.pulling import Pulling
from purveyor.serving.upstreams import Upstreams
from purveyor.settings import Settings

if TYPE_CHECKING:
    from purveyor.api.express import ExpressProtocol  # see `_protocol`

log = logging.getLogger("purveyor")

DATABASE = "purveyor.sqlite"
SIGNAL = "changes"
FOLLOWING = "following"
SIBLINGS = "workers"
# After this many seconds a server looks for the first time for what dead uploads left in an object store; `clean` looks at once.
_PARTS_WAIT = 3600.0
TOKEN_FILE = "upload-token"  # noqa: S105 - the name of the file, not what is in it


def application(settings: Settings, tracer: Tracer | None = None) -> Application:
    """The use cases over the data directory that the settings name, which is made if it is not there."""
    _check_tracing(settings)
    tracer = tracer or NoTracer()
    data = data_directory(settings.data_dir)
    limits = Limits(settings.max_unpacked_size, settings.max_entries, settings.max_ratio)
    signal, tally = MappedSignal(data / SIGNAL), Tally()
    database, far = _database(settings, data), _far_blobs(settings, data)
    own = far or _near_blobs(settings, data)
    watching = Watching(tally, tracer)
    database.around = watching.around
    if far is not None:
        far.watch(watching.around)
    _check_moves(database)
    catalog, blobs, landing, watch = _stores(settings, data, _Parts(database, own, signal, limits))
    follower = Follower(catalog, signal)
    remote = _Remote(settings, database, own, far, data, tally=tally, around=watching.around)
    offers = Offers(catalog, follower, _now, remote.upstreams if settings.pull_through else None)
    # What lies in a folder is listed before it is in the catalog, and so before it is in the journal.
    lists = ProjectLists(catalog, offers, follower, data / "staging", journaled=watch is None)
    settler = Settler(catalog, blobs)
    if far is None:  # what is on another machine is settled once the server answers, as soon as that machine does
        settler.settle()
    return Application(
        settings=settings,
        catalog=catalog,
        blobs=blobs,
        follower=follower,
        offers=offers,
        pages=Pages(offers, lists, follower, data / "staging", settings.page_memory, now=_now),
        files=Files(catalog, offers, blobs, remote.cached, downloads=chosen(settings, None if far is None else far.link, _now), far=far),
        upstreams=remote.upstreams,
        pulling=remote.pulling,
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
        newest=_newest(settings, database),
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


def _tracer(settings: Settings) -> Tracer | None:
    if not settings.tracing:
        return None
    from purveyor.adapters.open_telemetry import OpenTelemetry  # noqa: PLC0415 - for who wants it

    return OpenTelemetry()


def _check_moves(database: SqlDatabase) -> None:
    tables = SqlTables(database)
    try:
        check_arrived(tables)
    except Misconfigured:
        database.close()
        raise
    move = tables.move()
    if move is not None and move.phase is Phase.MOVED:
        log.warning("This index has moved to %s. What is here is read, and takes no changes.", move.place)


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
    file = _in_a_file(database)
    folder, index, lock = LocalFolder(settings.folder.resolve()), SqlFolderIndex(file), FileLock(data / FOLLOWING)
    watch = FolderWatch(folder, index, FolderInspection(folder, index, limits, _now), lock.take, _now)
    catalog = FolderCatalog(file, signal, index, watch.look_first)
    return catalog, FolderBlobs(folder, index, own), Landing(folder, index), watch


def _database(settings: Settings, data: Path) -> SqlDatabase:
    """A file in the data directory, or PostgreSQL, whose driver nobody else needs to have installed."""
    if settings.database == "sqlite":
        return Database(data / DATABASE)
    with _postgres():
        from purveyor.adapters.postgres import PostgresDatabase  # noqa: PLC0415 - see above
    return PostgresDatabase(settings.database)


def _in_a_file(database: SqlDatabase) -> Database:
    """For what a folder needs; raises `Misconfigured` if it is none."""
    if not isinstance(database, Database):
        raise Misconfigured(
            "A folder that is served is followed by one server, with its database in the data directory, not in PostgreSQL.",
            "Unset PURVEYOR_DATABASE, or serve no folder.",
        )
    return database


def _gate(settings: Settings, data: Path) -> Gate:
    """Between the processes of this machine, or all servers over one database."""
    if settings.database == "sqlite":
        return FileGate(data / "gate")
    with _postgres():
        from purveyor.adapters.postgres_gate import PostgresGate  # noqa: PLC0415 - see `_database`
    return PostgresGate(settings.database)


def _newest(settings: Settings, database: SqlDatabase) -> Newest | None:
    """Where others than this machine's processes may write."""
    if settings.database == "sqlite":
        return None
    with _postgres():
        from purveyor.adapters.postgres import PostgresDatabase  # noqa: PLC0415 - see `_database`
        from purveyor.adapters.postgres_newest import PostgresNewest  # noqa: PLC0415 - likewise
    assert isinstance(database, PostgresDatabase)
    return PostgresNewest(settings.database, database.lost)


@contextmanager
def _postgres() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise Misconfigured(
            "A database on PostgreSQL needs psycopg, which is not installed.", "pip install 'purveyor[postgres]'"
        ) from error


def has_index(settings: Settings) -> bool:
    """Whether there is an index to open; opening one that is not there makes it."""
    return settings.database != "sqlite" or (settings.data_dir / DATABASE).exists()


def _near_blobs(settings: Settings, data: Path) -> LocalBlobs:
    return LocalBlobs(data, _gate(settings, data))


def _far_blobs(settings: Settings, data: Path, wait: float = _PARTS_WAIT) -> FarBlobs | None:
    """Those of an object store, whose client nobody else needs to have installed; None where files are kept in the data directory."""
    if settings.blobs == "local":
        return None
    try:
        from purveyor.adapters.object_store_blobs import ObjectStoreBlobs  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise Misconfigured(
            f"Files in an object store need {error.name}, which is not installed.", "pip install 'purveyor[objects]'"
        ) from error
    return ObjectStoreBlobs(settings.blobs, data, _gate(settings, data), settings.blob_cache, wait)


@contextmanager
def cleaner(settings: Settings) -> Iterator[Cleaner]:
    """Of the data directory and its blobs alone: a folder that it serves is not looked at, and nothing is settled."""
    data = settings.data_dir
    database = _database(settings, data)
    _check_moves(database)  # of contents on their way, none has a row yet
    catalog = SqlCatalog(database, MappedSignal(data / SIGNAL))
    try:
        yield Cleaner(catalog, _far_blobs(settings, data, 0.0) or _near_blobs(settings, data), time.time)
    finally:
        catalog.close()


@contextmanager
def safekeeping(settings: Settings, signal: str = SIGNAL) -> Iterator[Safekeeping]:
    """The stores that the settings name, with no server's use cases: to be checked, copied or moved as a whole.

    A served folder is read where it lies; its files are not looked for anew. `signal` is another file where servers may be at work over
    other stores, but the same data directory.
    """
    data = settings.data_dir
    database, far = _database(settings, data), _far_blobs(settings, data, 0.0)
    own = far or _near_blobs(settings, data)
    catalog = SqlCatalog(database, MappedSignal(data / signal))
    cleaner = Cleaner(catalog, own, time.time)
    try:
        yield Safekeeping(
            data=data,
            place=_place(settings),
            contents=str(data.resolve()) if far is None else settings.blobs,
            folder=settings.folder is not None,
            catalog=catalog,
            audit=SqlAudit(database),
            tables=SqlTables(database),
            blobs=own,
            originals=FarOriginals(far, data / "staging") if far else _near_originals(settings, database, own),
            orphans=cleaner.orphans,
            remove_orphans=cleaner.remove_orphans,
            settle=Settler(catalog, own).settle,
        )
    finally:
        catalog.close()


def _place(settings: Settings) -> str:
    """Where an index is, without its password."""
    database = str(settings.data_dir) if settings.database == "sqlite" else shown(settings.database)
    return database if settings.blobs == "local" else f"{database} and {settings.blobs}"


def _near_originals(settings: Settings, database: SqlDatabase, own: OwnBlobs) -> Originals:
    if settings.folder is None:
        return NearOriginals(own)
    return NearOriginals(FolderBlobs(LocalFolder(settings.folder.resolve()), SqlFolderIndex(_in_a_file(database)), own))


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


def _http_upstream(silence: int, via: str, trusted: frozenset[str]) -> Upstream:
    from purveyor.adapters.http_upstream import HttpUpstream  # noqa: PLC0415 - see _Remote

    return HttpUpstream(silence, via, trusted)


def _ready_made(settings: Settings) -> str | None:
    if settings.pypi_url != "auto":
        return settings.pypi_url
    from purveyor.workbench import ready_made  # noqa: PLC0415 - likewise
    from purveyor.workbench.configuration.found import Surroundings  # noqa: PLC0415 - likewise

    return ready_made.url(Surroundings.here(), settings.port)


def asgi_app() -> PurveyorApp:
    """The ASGI application of the environment's settings, for a worker process or another ASGI server."""
    end_with_parent()
    settings = Settings.from_environment()
    logs.configure(settings)
    return PurveyorApp(application(settings, _tracer(settings)))


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


def data_directory(data: Path) -> Path:
    """The same, made for its owner alone if it is not there. Raises `Misconfigured` if it cannot be used."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Misconfigured(f"The data directory {data} cannot be made: {error.strerror}.", "Name another with --data.") from error
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        raise Misconfigured(
            f"The data directory {data} is not yours to write to.",
            "Change its permissions, or name another with --data.",
        )
    return data


def _now() -> datetime:
    return datetime.now(UTC)


def serve(settings: Settings, listener: socket.socket) -> None:
    """Answer on `listener` until told to stop by SIGINT or SIGTERM; requests under way are finished first."""
    import uvicorn  # noqa: PLC0415 - a seventh of a second that other commands need not wait for

    _raise_descriptor_limit()
    workers = settings.workers
    os.environ.update(settings.to_environment())
    config = uvicorn.Config(
        "purveyor.assembly:asgi_app",
        factory=True,
        workers=workers,
        http=_protocol(settings),
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=settings.drain_timeout,
    )
    if workers > 1:
        from purveyor.process.workers import supervisor  # noqa: PLC0415 - only for several workers

        forget_siblings(settings.data_dir / SIBLINGS)
        supervisor(config, listener).run()
        forget_siblings(settings.data_dir / SIBLINGS)
    else:
        uvicorn.Server(config).run(sockets=[listener])


def _protocol(settings: Settings) -> "type[ExpressProtocol]":
    """The one that asks the database before each held answer, where others may have changed it and every answer is to be exact."""
    if settings.database != "sqlite" and settings.consistency == "exact":
        from purveyor.api.exact import ExactProtocol  # noqa: PLC0415 - as uvicorn

        return ExactProtocol
    from purveyor.api.express import ExpressProtocol  # noqa: PLC0415 - likewise

    return ExpressProtocol


def _raise_descriptor_limit() -> None:
    """Each connection and each file on its way out is a descriptor; the default limit of 1,024 is for other times."""
    import resource  # noqa: PLC0415 - not on every system

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65536) if hard != resource.RLIM_INFINITY else 65536
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
