"""Gives Purveyor a site without uploading it: rows as an upload would leave them, in one transaction, and blobs without a sync for each."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from benchmarks.loaders import MOMENT, describe, link
from benchmarks.stock import Stock, StockedWheel
from purveyor.adapters.local_blobs import LocalBlobs
from purveyor.adapters.sql import Connection
from purveyor.adapters.sqlite import Database
from purveyor.model.files import DistributionFile, parse_filename

_DATABASE = "purveyor.sqlite"
_AT = int(MOMENT.timestamp()) * 1_000_000

_PROJECT = "INSERT INTO projects (index_name, name, display_name, serial) VALUES ('default', ?, ?, ?)"
_FILE = (
    "INSERT INTO files (index_name, filename, identity, project, version, kind, size, sha256, metadata_sha256, requires_python,"
    " uploaded_at, uploaded_by) VALUES ('default', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_JOURNAL = "INSERT INTO journal (serial, at, actor, action, project, version, filename) VALUES (?, ?, 'benchmarks', ?, ?, ?, ?)"


def load(stock: Stock, data: Path) -> None:
    blobs = LocalBlobs(data)
    database = Database(data / _DATABASE)
    try:
        database.write(lambda connection: _fill(connection, stock, blobs, data))
    finally:
        database.close()


def _fill(connection: Connection, stock: Stock, blobs: LocalBlobs, data: Path) -> None:
    serial = 0
    for name in stock.names:
        serial += 1
        connection.execute(_PROJECT, (name, name, serial))
        connection.execute(_JOURNAL, (serial, _AT, "create-project", name, None, None))
    for project, wheels in groupby(stock.wheels, key=lambda each: each.project):
        files = list(_kept(wheels, blobs, data))
        serial += 1
        connection.execute(_PROJECT, (project, project, serial + len(files)))
        connection.execute(_JOURNAL, (serial, _AT, "create-project", project, None, None))
        connection.executemany(_FILE, [_row(file, number) for number, file in enumerate(files)])
        connection.executemany(_JOURNAL, [_entry(file, serial + number) for number, file in enumerate(files, 1)])
        serial += len(files)


def _kept(wheels: Iterator[StockedWheel], blobs: LocalBlobs, data: Path) -> Iterator[DistributionFile]:
    for number, wheel in enumerate(wheels):
        for sha256, content in ((wheel.sha256, wheel.content), (wheel.metadata_sha256, wheel.metadata)):
            link(content, data / "blobs" / sha256[:2] / sha256[2:])
            assert blobs.exists(sha256), "Purveyor keeps its blobs elsewhere now"
        yield describe(wheel, number)


def _row(file: DistributionFile, number: int) -> tuple[object, ...]:
    identity = parse_filename(file.filename).identity
    what = (file.filename, identity, file.project, file.version, file.kind, file.size, file.sha256, file.metadata_sha256)
    return (*what, file.requires_python, _AT + number * 1_000_000, file.uploaded_by)


def _entry(file: DistributionFile, serial: int) -> tuple[object, ...]:
    return (serial, _AT, "add-file", file.project, file.version, file.filename)
