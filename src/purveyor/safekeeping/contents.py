"""Whether a blob is there and is what its name says, read as a stream."""

import hashlib
from enum import Enum
from typing import BinaryIO

from purveyor.errors import NotFound, Refused
from purveyor.formats.archives import Limits, read_archive
from purveyor.formats.wheel_metadata import wheel_metadata
from purveyor.interfaces import BlobStore
from purveyor.model.files import parse_filename

_PIECE = 1 << 20
# What was accepted once is read whatever the limits are now.
_LIMITS = Limits(1 << 40, 10_000_000, 1 << 20)


class State(Enum):
    RIGHT = "right"
    MISSING = "missing"
    WRONG = "wrong"


def state_of(blobs: BlobStore, sha256: str, size: int | None, *, quick: bool) -> State:
    """`quick` compares sizes only; that tells a file that was cut short, not one with a bit turned over."""
    blob = opened(blobs, sha256)
    if blob is None:
        return State.MISSING
    with blob:
        if quick:
            return State.RIGHT if size is None or blob.seek(0, 2) == size else State.WRONG
        right = digest(blob) == sha256 and (size is None or blob.seek(0, 2) == size)
        return State.RIGHT if right else State.WRONG


def opened(blobs: BlobStore, sha256: str) -> BinaryIO | None:
    try:
        return blobs.open(sha256)
    except NotFound:  # a file of a served folder that its owner has taken away
        return None


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
