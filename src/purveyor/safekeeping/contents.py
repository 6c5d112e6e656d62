"""Whether a blob is there and is what its name says, read as a stream."""

import hashlib
from enum import Enum
from typing import BinaryIO

from purveyor.errors import Refused
from purveyor.formats.archives import Limits, read_archive
from purveyor.formats.wheel_metadata import wheel_metadata
from purveyor.interfaces import Originals
from purveyor.model.files import parse_filename

_PIECE = 1 << 20
# What was accepted once is read whatever the limits are now.
_LIMITS = Limits(1 << 40, 10_000_000, 1 << 20)


class State(Enum):
    RIGHT = "right"
    MISSING = "missing"
    WRONG = "wrong"


def state_of(originals: Originals, sha256: str, size: int | None, *, quick: bool) -> State:
    """`quick` compares sizes only; that tells a file that was cut short, not one with a bit turned over."""
    if quick:
        found = originals.size(sha256)
        return State.MISSING if found is None else State.RIGHT if size in (None, found) else State.WRONG
    blob = originals.open(sha256)
    if blob is None:
        return State.MISSING
    with blob:
        right = digest(blob) == sha256 and (size is None or blob.seek(0, 2) == size)
        return State.RIGHT if right else State.WRONG


def digest(blob: BinaryIO) -> str:
    found = hashlib.sha256()
    while piece := blob.read(_PIECE):
        found.update(piece)
    return found.hexdigest()


def metadata_in(blob: BinaryIO, filename: str) -> bytes | None:
    """METADATA or PKG-INFO of the distribution file; None where it cannot be told."""
    blob.seek(0)
    if filename.endswith(".whl"):
        return wheel_metadata(blob)
    try:
        return read_archive(blob, parse_filename(filename), _LIMITS).metadata
    except Refused:
        return None
