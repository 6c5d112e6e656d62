"""RECORD: a wheel's list of its own files, with their hashes and sizes (PyPUG "Binary distribution format", RECORD)."""

import base64
import csv
import hashlib
import io
import re
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from purveyor.formats.inspection import Inspection, shown

# "sha256 or better": of what hashlib guarantees, these are what installers know.
_HASH = re.compile(r"(sha256|sha384|sha512)=([A-Za-z0-9_-]+)=*\Z", re.ASCII)
_COLUMNS = 3
_SIZE_DIGITS = 20


class Line(NamedTuple):
    """What RECORD says of one file. No algorithm: nothing, as it must be for RECORD itself; no size: any."""

    algorithm: str
    digest: str
    size: int | None

    def agrees(self, digest: bytes, size: int) -> bool:
        spelled = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return spelled == self.digest and self.size in (None, size)


def read_record(data: bytes, folder: str, inspection: Inspection) -> Mapping[str, Line]:
    """The lines by path; complains of each that is malformed, doubled or lacks its hash."""
    # A signature cannot be in the list that it signs; the list cannot hold its own hash.
    unhashed = {f"{folder}/RECORD", f"{folder}/RECORD.jws", f"{folder}/RECORD.p7s"}
    lines: dict[str, Line] = {}
    try:
        for number, row in enumerate(csv.reader(io.StringIO(data.decode(), newline=""))):
            inspection.check_entries(number - len(unhashed))
            _read_row(row, lines, unhashed, inspection)
    except (UnicodeDecodeError, csv.Error):
        inspection.complain("RECORD is not a CSV file in UTF-8.")
    return lines


def _read_row(row: list[str], lines: dict[str, Line], unhashed: set[str], inspection: Inspection) -> None:
    if not row:
        return
    path = row[0]
    match = _HASH.match(row[1]) if len(row) == _COLUMNS else None
    size = row[2] if len(row) == _COLUMNS else "?"
    if path in lines:
        inspection.complain(f"RECORD lists {shown(path)} more than once.")
    elif (match is None and (path not in unhashed or row[1:2] != [""])) or not _is_size(size):
        inspection.complain(f"RECORD has no hash of sha256, sha384 or sha512 and no valid size for {shown(path)}.")
        lines[path] = Line("", "", None)
    else:
        algorithm, digest = (match[1], match[2]) if match else ("", "")
        lines[path] = Line(algorithm, digest, int(size) if size else None)


def _is_size(text: str) -> bool:
    return not text or (text.isascii() and text.isdigit() and len(text) <= _SIZE_DIGITS)


class Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


def hasher(line: Line | None) -> Hash | None:
    """The hash object that can confirm the line, if it names a hash."""
    return hashlib.new(line.algorithm) if line is not None and line.algorithm else None
