"""The rows of a catalog in a spelling that belongs to no database: what a backup holds, and what a move is compared by.

One JSON array a row, its values in the order of `Table.columns`. Bytes are written in hex. Version 1.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from purveyor.errors import Refused

FORMAT = 1
# One for all: making it takes longer than using it.
_encode = json.JSONEncoder(separators=(",", ":")).encode

Row = tuple[Any, ...]

_FILE = (
    *("index_name", "filename", "identity", "project", "version", "kind", "size", "sha256", "metadata_sha256", "provenance_sha256"),
    *("requires_python", "uploaded_at", "uploaded_by", "yanked", "origin"),
)


class Table(Struct, frozen=True):
    name: str
    columns: tuple[str, ...]
    binary: frozenset[str] = frozenset()
    """The columns that hold bytes."""

    def column(self, name: str) -> int:
        return self.columns.index(name)


INDEXES = Table("indexes", ("name", "document"))
PROJECTS = Table("projects", ("index_name", "name", "display_name", "status", "status_reason", "serial"))
FILES = Table("files", _FILE)
DELETED_FILES = Table("deleted_files", (*_FILE, "deleted_at", "deleted_by"))
JOURNAL = Table("journal", ("serial", "at", "actor", "action", "project", "version", "filename", "index_name", "note"))
OF_PROJECTS = (PROJECTS, FILES, DELETED_FILES)
"""Of which every change has an entry in the journal about its project."""
SMALL = (
    Table("tokens", ("sha256", "subject", "permissions", "created_at", "expires_at"), frozenset({"sha256"})),
    Table("overrides", ("index_name", "project", "version", "until", "by", "at", "reason")),
    Table("advisories", ("project", "identifier", "document")),
    Table("checks", ("release_digest", "name", "passed", "by", "at", "index_name", "note", "url")),
    Table("approvals", ("release_digest", "target", "by", "at", "note")),
    Table("promotions", ("serial", "index_name", "project", "by", "at", "evidence", "before_serial", "before", "undone")),
)
TABLES = (INDEXES, *OF_PROJECTS, JOURNAL, *SMALL)
"""All that an index is, in an order in which rows come after those they refer to.

What was seen of upstreams, small uploads that wait to be settled, and what lies in a served folder are not among them: the first is fetched
again, the second are contents, the third is looked at again.
"""
BLOB_COLUMNS = ("sha256", "metadata_sha256", "provenance_sha256")


def write_row(table: Table, row: Row) -> bytes:
    if table.binary:
        row = tuple(value.hex() if column in table.binary else value for column, value in zip(table.columns, row, strict=True))
    return _encode(row).encode() + b"\n"


def read_row(table: Table, line: bytes) -> Row:
    """Raises `Refused` for what `write_row` has not written."""
    try:
        values = json.loads(line)
        return tuple(bytes.fromhex(value) if column in table.binary else value for column, value in zip(table.columns, values, strict=True))
    except (ValueError, TypeError):
        raise Refused(f"A row of the table {table.name} cannot be understood.") from None


class Tally:
    """How many rows, and a digest over all of them, whatever their order: two databases sort differently."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, line: bytes) -> None:
        self.rows += 1
        self._sum += int.from_bytes(hashlib.sha256(line).digest())

    @property
    def digest(self) -> str:
        return f"{self._sum % (1 << 256):064x}"

    def document(self) -> dict[str, Any]:
        return {"rows": self.rows, "digest": self.digest}


def counted(table: Table, rows: Iterable[Row], tally: Tally) -> Iterator[Row]:
    for row in rows:
        tally.add(write_row(table, row))
        yield row
