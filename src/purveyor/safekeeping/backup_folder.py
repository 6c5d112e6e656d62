"""A backup on a disk: contents under their digest, which all backups in the directory share, and for each backup its rows and a manifest.

blobs/ab/cdef...                  contents
20261128T213000Z-4711.rows.gz     every row of the catalog at the serial 4711, see formats/catalog_rows.py
20261128T213000Z-4711.json        what is in it, with digests; written last: without it, there is no such backup
"""

import fcntl
import gzip
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from msgspec import Struct
from msgspec.structs import asdict

from purveyor.errors import Misconfigured, Refused
from purveyor.formats.catalog_rows import FORMAT, TABLES, Row, Table, Tally, read_row, write_row
from purveyor.safekeeping.contents import digest

_MANIFEST = re.compile(r"(\d{8}T\d{6}Z)-(\d+)\.json\Z")
_OURS = re.compile(r"(\d{8}T\d{6}Z-\d+\.(json|rows\.gz)|blobs|partial)\Z")
_LEVEL = 1


class Manifest(Struct, frozen=True):
    """`index` is the digest of the journal's first entry, by which backups of one index are known; `absent` are contents of deleted files
    that were gone already.
    """

    format: int
    version: str
    created: str
    index: str
    serial: int
    rows_sha256: str
    tables: dict[str, dict[str, Any]]
    contents: int
    bytes: int
    absent: tuple[str, ...]


class BackupFolder:
    """The directory, which this process alone changes while it is in the `with` block."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._partial = root / "partial"
        self.new = 0
        """Contents that were not there before, and their bytes."""
        self.new_bytes = 0

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not all(_OURS.match(path.name) for path in self.root.iterdir()):
            raise Misconfigured(
                f"{self.root} is not empty, and what is in it is no backup; nothing was changed.",
                "Name a directory that is empty, not there yet, or was backed up to before.",
            )
        self._lock = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise Misconfigured(f"Another process is writing a backup to {self.root} at this moment.", "Wait for it.") from None
        self._clear()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        shutil.rmtree(self._partial, ignore_errors=True)
        os.close(self._lock)

    def _clear(self) -> None:
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(mode=0o700)
        (self.root / "blobs").mkdir(exist_ok=True, mode=0o700)
        for path in self.root.glob("*.rows.gz"):
            if not _manifest_of(path).exists():  # a backup that was broken off
                path.unlink()

    def newest(self) -> "Backup | None":
        """Of several of one second, the one with the highest serial."""
        found = [(match[1], int(match[2]), path) for path in self.root.iterdir() if (match := _MANIFEST.match(path.name))]
        return Backup(max(found)[2]) if found else None

    def has(self, sha256: str) -> bool:
        return self.blob(sha256).exists()

    def blob(self, sha256: str) -> Path:
        return self.root / "blobs" / sha256[:2] / sha256[2:]

    def put(self, sha256: str, content: bytes) -> bool:
        """False if it has another hash; nothing is kept then."""
        return self.bring(sha256, lambda path: bool(path.write_bytes(content)) or True)

    def bring(self, sha256: str, copy: Callable[[Path], bool]) -> bool:
        """Have `copy` make the file at the path it is given, and keep it if it has the hash; whether that is so."""
        path = self._partial / sha256
        path.unlink(missing_ok=True)
        if not copy(path):
            return False
        with path.open("rb", buffering=0) as file:
            if digest(file) != sha256:
                path.unlink()
                return False
        target = self.blob(sha256)
        target.parent.mkdir(exist_ok=True, mode=0o700)
        path.replace(target)
        self.new, self.new_bytes = self.new + 1, self.new_bytes + target.stat().st_size
        return True

    def write_rows(self, tables: Iterable[tuple[Table, Iterable[Row]]]) -> "Draft":
        draft = Draft(self._partial / "rows.gz")
        with gzip.GzipFile(draft.path, "wb", compresslevel=_LEVEL, mtime=0) as out:
            for table, rows in tables:
                tally = draft.tallies[table.name] = Tally()
                out.write(json.dumps({"table": table.name}).encode() + b"\n")
                for row in rows:
                    line = write_row(table, row)
                    tally.add(line)
                    out.write(line)
        return draft

    def finish(self, draft: "Draft", manifest: Manifest) -> "Backup":
        """Durable on return, and before that no backup."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{manifest.serial}"
        draft.path.replace(self.root / f"{name}.rows.gz")
        os.sync()
        unfinished = self._partial / "manifest"
        with unfinished.open("w") as file:
            file.write(json.dumps(asdict(manifest), indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.root / f"{name}.json")
        os.fsync(self._lock)
        return Backup(self.root / f"{name}.json")


class Draft:
    """Rows that are no backup yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tallies: dict[str, Tally] = {}

    def rows(self) -> Iterator[tuple[Table, Row]]:
        return _rows(self.path)

    def sha256(self) -> str:
        return _sha256(self.path)


class Backup:
    """One that was finished. Its contents are those of its directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows = path.with_name(path.name.removesuffix(".json") + ".rows.gz")
        self.manifest = _read_manifest(path)

    @classmethod
    def at(cls, path: Path) -> "Backup":
        """That of this manifest, or the newest in this directory. Raises `Misconfigured` where there is none."""
        if path.is_file():
            return cls(path)
        newest = BackupFolder(path).newest() if path.is_dir() else None
        if newest is None:
            raise Misconfigured(f"There is no backup in {path}.", "Name the directory that `purveyor backup` has written to.")
        return newest

    def check_rows(self) -> None:
        """Raises `Refused` if they are not those that the manifest tells of."""
        try:
            right = _sha256(self._rows) == self.manifest.rows_sha256
        except OSError:
            right = False
        if not right:
            raise Refused(f"{self._rows} is not there, or it is damaged.", "Restore another backup; nothing was changed.")

    def rows(self) -> Iterator[tuple[Table, Row]]:
        return _rows(self._rows)

    def open(self, sha256: str) -> BinaryIO | None:
        try:
            return self._blob(sha256).open("rb", buffering=0)
        except FileNotFoundError:
            return None

    def size(self, sha256: str) -> int | None:
        try:
            return self._blob(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def copy_to(self, sha256: str, target: Path) -> bool:
        with suppress(FileNotFoundError):
            shutil.copyfile(self._blob(sha256), target)
            return True
        return False

    def _blob(self, sha256: str) -> Path:
        return self.path.parent / "blobs" / sha256[:2] / sha256[2:]


def _rows(path: Path) -> Iterator[tuple[Table, Row]]:
    tables = {table.name: table for table in TABLES}
    table = TABLES[0]
    with gzip.open(path) as lines:
        for line in lines:
            if line.startswith(b"{"):
                table = tables[json.loads(line)["table"]]
            else:
                yield table, read_row(table, line)


def _read_manifest(path: Path) -> Manifest:
    try:
        document = json.loads(path.read_bytes())
        if document["format"] != FORMAT:
            raise Refused(f"{path} has the format {document['format']}; this Purveyor reads format {FORMAT}.", "Upgrade Purveyor.")
        return Manifest(**{**document, "absent": tuple(document["absent"])})
    except (ValueError, TypeError, KeyError):
        raise Refused(
            f"{path} is not the manifest of a backup, or it is damaged.", "Restore another backup; nothing was changed."
        ) from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest_of(rows: Path) -> Path:
    return rows.with_name(rows.name.removesuffix(".rows.gz") + ".json")
