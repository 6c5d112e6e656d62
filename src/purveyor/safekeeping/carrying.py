"""Contents carried from one store to another: read, hashed, written, read again."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import islice
from typing import BinaryIO, Protocol

from msgspec import Struct, field

from purveyor.errors import StoreFailed
from purveyor.interfaces import Originals, OwnBlobs
from purveyor.safekeeping.contents import State, state_of

_AT_ONCE = 8
_BATCH = 64
_PIECE = 1 << 20


class Verified(Protocol):
    """What was found right at its new place before, in a run that was interrupted."""

    def __contains__(self, sha256: object, /) -> bool: ...
    def add(self, sha256: str, /) -> None: ...


class Carried(Struct):
    """How many there were and were copied, with their bytes; and those that the source does not have as they should be."""

    count: int = 0
    copied: int = 0
    bytes: int = 0
    damaged: list[str] = field(default_factory=list)


class Carrier:
    """Whatever is there already, and right, is not copied again; what is there and wrong is replaced."""

    def __init__(
        self, source: Originals, target: OwnBlobs, arrived: Originals, verified: Verified | None = None, *, shared: bool = False
    ) -> None:
        """`arrived` are the contents as `target` has them. Where it is `shared` with the source, they are only looked at."""
        self._shared = shared
        self._source = source
        self._target = target
        self._arrived = arrived
        self._verified: Verified = set() if verified is None else verified

    def carry(self, names: Iterable[str], advance: Callable[[int], None]) -> Carried:
        done = Carried()
        remaining = iter(names)
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            while batch := list(islice(remaining, _BATCH)):
                self._batch([sha256 for sha256 in batch if sha256 not in self._verified], threads, done)
                done.count += len(batch)
                advance(len(batch))
        return done

    def _batch(self, names: Sequence[str], threads: Executor, done: Carried) -> None:
        """Small contents are settled together, which is as durable and takes less time."""
        small: dict[str, bytes] = {}
        for sha256, size in zip(names, threads.map(lambda name: self._one(name, small), names), strict=True):
            _count(done, sha256, size)
        self._target.settle(small)
        list(threads.map(self._check, small))
        for sha256 in names:
            if sha256 not in done.damaged:
                self._verified.add(sha256)

    def _one(self, sha256: str, small: dict[str, bytes]) -> int | None:
        """Its bytes if it was copied, 0 if it was there; None if the source has not got it, or something else in its place."""
        state = state_of(self._arrived, sha256, None, quick=False)
        if state is State.RIGHT:
            return 0
        if self._shared:
            return None
        if state is State.WRONG:
            with self._target.removing():
                self._target.remove(sha256)
        blob = self._source.open(sha256)
        if blob is None:
            return None
        with blob:
            return self._put(blob, sha256, small)

    def _put(self, blob: BinaryIO, sha256: str, small: dict[str, bytes]) -> int | None:
        with self._target.stage() as staging:
            digest = hashlib.sha256()
            while piece := blob.read(_PIECE):
                digest.update(piece)
                staging.write(piece)
            if digest.hexdigest() != sha256:
                return None
            with self._target.keep([(staging, sha256)]) as unsettled:
                small.update(unsettled)
            if sha256 not in small:
                self._check(sha256)
            return staging.size

    def _check(self, sha256: str) -> None:
        if state_of(self._arrived, sha256, None, quick=False) is not State.RIGHT:
            raise StoreFailed(f"The content with sha256 {sha256} did not arrive as it was sent.", "Try again.")


def _count(done: Carried, sha256: str, size: int | None) -> None:
    if size is None:
        done.damaged.append(sha256)
    elif size:
        done.copied += 1
        done.bytes += size
