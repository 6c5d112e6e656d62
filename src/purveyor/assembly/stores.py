"""Databases and blobs as the settings name them, and the stores as a whole: for what checks, copies, moves or cleans them."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from purveyor.adapters.auditing import SqlAudit
from purveyor.adapters.catalog import SqlCatalog
from purveyor.adapters.change_signal import MappedSignal
from purveyor.adapters.file_gate import FileGate
from purveyor.adapters.folder_blobs import FolderBlobs
from purveyor.adapters.folder_index import SqlFolderIndex
from purveyor.adapters.local_blobs import LocalBlobs
from purveyor.adapters.local_folder import LocalFolder
from purveyor.adapters.originals import FarOriginals, NearOriginals
from purveyor.adapters.sql import SqlDatabase
from purveyor.adapters.sqlite import Database
from purveyor.adapters.tables import SqlTables
from purveyor.errors import Misconfigured
from purveyor.formats.database_url import shown
from purveyor.interfaces import FarBlobs, Gate, Newest, Originals, OwnBlobs, Phase
from purveyor.publishing.cleaning import Cleaner
from purveyor.publishing.settling import Settler
from purveyor.safekeeping.stores import Safekeeping, check_arrived
from purveyor.settings import Settings

log = logging.getLogger("purveyor")

DATABASE = "purveyor.sqlite"
SIGNAL = "changes"
# After this many seconds a server looks for the first time for what dead uploads left in an object store; `clean` looks at once.
_PARTS_WAIT = 3600.0


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


def has_index(settings: Settings) -> bool:
    """Whether there is an index to open; opening one that is not there makes it."""
    return settings.database != "sqlite" or (settings.data_dir / DATABASE).exists()


def open_database(settings: Settings, data: Path) -> SqlDatabase:
    """A file in the data directory, or PostgreSQL, whose driver nobody else needs to have installed."""
    if settings.database == "sqlite":
        return Database(data / DATABASE)
    with _postgres():
        from purveyor.adapters.postgres import PostgresDatabase  # noqa: PLC0415 - see above
    return PostgresDatabase(settings.database)


def in_a_file(database: SqlDatabase) -> Database:
    """For what a folder needs; raises `Misconfigured` if it is none."""
    if not isinstance(database, Database):
        raise Misconfigured(
            "A folder that is served is followed by one server, with its database in the data directory, not in PostgreSQL.",
            "Unset PURVEYOR_DATABASE, or serve no folder.",
        )
    return database


@contextmanager
def _postgres() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise Misconfigured(
            "A database on PostgreSQL needs psycopg, which is not installed.", "pip install 'purveyor[postgres]'"
        ) from error


def check_moves(database: SqlDatabase) -> None:
    tables = SqlTables(database)
    try:
        check_arrived(tables)
    except Misconfigured:
        database.close()
        raise
    move = tables.move()
    if move is not None and move.phase is Phase.MOVED:
        log.warning("This index has moved to %s. What is here is read, and takes no changes.", move.place)


def _gate(settings: Settings, data: Path) -> Gate:
    """Between the processes of this machine, or all servers over one database."""
    if settings.database == "sqlite":
        return FileGate(data / "gate")
    with _postgres():
        from purveyor.adapters.postgres_gate import PostgresGate  # noqa: PLC0415 - see `open_database`
    return PostgresGate(settings.database)


def newest_of(settings: Settings, database: SqlDatabase) -> Newest | None:
    """Where others than this machine's processes may write."""
    if settings.database == "sqlite":
        return None
    with _postgres():
        from purveyor.adapters.postgres import PostgresDatabase  # noqa: PLC0415 - see `open_database`
        from purveyor.adapters.postgres_newest import PostgresNewest  # noqa: PLC0415 - likewise
    assert isinstance(database, PostgresDatabase)
    return PostgresNewest(settings.database, database.lost)


def near_blobs(settings: Settings, data: Path) -> LocalBlobs:
    return LocalBlobs(data, _gate(settings, data))


def far_blobs(settings: Settings, data: Path, wait: float = _PARTS_WAIT) -> FarBlobs | None:
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
    database = open_database(settings, data)
    check_moves(database)  # of contents on their way, none has a row yet
    catalog = SqlCatalog(database, MappedSignal(data / SIGNAL))
    try:
        yield Cleaner(catalog, far_blobs(settings, data, 0.0) or near_blobs(settings, data), time.time)
    finally:
        catalog.close()


@contextmanager
def safekeeping(settings: Settings, signal: str = SIGNAL) -> Iterator[Safekeeping]:
    """The stores that the settings name, with no server's use cases: to be checked, copied or moved as a whole.

    A served folder is read where it lies; its files are not looked for anew. `signal` is another file where servers may be at work over
    other stores, but the same data directory.
    """
    data = settings.data_dir
    database, far = open_database(settings, data), far_blobs(settings, data, 0.0)
    own = far or near_blobs(settings, data)
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
    return NearOriginals(FolderBlobs(LocalFolder(settings.folder.resolve()), SqlFolderIndex(in_a_file(database)), own))
