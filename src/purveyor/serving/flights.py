"""Files on their way here from another machine: fetched once however many ask, handed on while they arrive, checked before their end is."""

import logging
import threading
import time
from collections.abc import Callable
from hashlib import sha256

from purveyor.errors import PurveyorError
from purveyor.interfaces import RemoteFile, Staging
from purveyor.serving.bodies import Body, Descriptor, Growing, Span
from purveyor.serving.waiters import Waiters

log = logging.getLogger("purveyor")

# Never sent before the digest is known to be right: without its end no client takes a file for whole.
HELD_BACK = 64 << 10
# Followers are told of this many bytes at a time; each telling wakes them all.
_STEP = 256 << 10
_AT_ONCE = 32
# A file is given up that has come with fewer bytes a second than this, over this many seconds.
_LEAST_RATE = 1024
_WINDOW = 30.0
LARGEST = 16 << 30

Wrong = Callable[[str], PurveyorError]
"""From what is wrong with the bytes that come, as in "with more than 10 bytes", to the error that says it whole."""


class Flights:
    """`failed` makes the error of a flight that ended for a reason of ours."""

    def __init__(self, failed: Callable[[str, str], PurveyorError]) -> None:
        self._failed = failed
        self._flights: dict[str, Growing] = {}
        self._turn = threading.Lock()
        self._threads = Waiters(_AT_ONCE, "flight")
        self._closed = False

    def start(self, digest: str, size: int, name: str, fly: Callable[[Growing], None]) -> Growing:
        """The flight of this digest that is under way, or a new one, which goes on whoever leaves. `size` is 0 if nobody knows."""
        with self._turn:
            if self._closed:
                raise self._stopping()
            growing = self._flights.get(digest)
            if growing is None:
                growing = self._flights[digest] = Growing(size)
                self._threads.submit(self._fly, digest, growing, name, fly)
            return growing

    @property
    def under_way(self) -> bool:
        return bool(self._flights)

    def close(self) -> None:
        """Let go of whoever still waits; what waits its turn is never begun."""
        with self._turn:
            self._closed = True
            flights = list(self._flights.values())
        for growing in flights:
            growing.fail(self._stopping())
        self._threads.shutdown(cancel_futures=True)

    def _stopping(self) -> PurveyorError:
        return self._failed("The server is stopping.", "Try again in a moment.")

    def _fly(self, digest: str, growing: Growing, name: str, fly: Callable[[Growing], None]) -> None:
        try:
            fly(growing)
        except PurveyorError as error:
            log.warning("%s is not kept: %s", name, error.detail)
            growing.fail(error)
        except BaseException as error:
            log.exception("internal error on %s", name)
            growing.fail(self._failed(f"{name} could not be fetched: {type(error).__name__}.", "The server's log says more."))
        finally:
            with self._turn:
                del self._flights[digest]


def receive(remote: RemoteFile, staging: Staging, growing: Growing, expected: str, wrong: Wrong, *, limit: int = LARGEST) -> None:
    """Stage what comes and let it grow; it is whole once it has the sha256 that is expected, else the error of `wrong` is raised.

    It is given up after its size, or after `limit` bytes.
    """
    digest, told, pace = sha256(), 0, _Pace(wrong)
    most = min(growing.size or limit, limit)
    file: Descriptor | None = None
    for piece in remote.pieces:
        digest.update(piece)
        staging.write(piece)
        if staging.size > most:
            raise wrong(f"with more than {most} bytes")
        pace.check(staging.size)
        if growing.size and staging.size - told >= _STEP:
            file = file or _followed(staging)
            if file is not None:
                told = staging.size
                growing.grow(file, min(told, growing.size - HELD_BACK))
    if growing.size and staging.size != growing.size:
        raise wrong(f"cut off after {staging.size} of {growing.size} bytes")
    if digest.hexdigest() != expected:
        raise wrong(f"with sha256 {digest.hexdigest()}, and not {expected} as it should be")
    growing.finish(_whole(staging, growing))


def _followed(staging: Staging) -> Descriptor | None:
    file = staging.follow()
    return None if file is None else Descriptor(file)


def _whole(staging: Staging, growing: Growing) -> Body:
    file = growing.file or _followed(staging)
    if file is not None:
        return Span(file, 0, staging.size)
    with staging.reader() as reader:
        return reader.read()


class _Pace:
    """Whether bytes still come in earnest."""

    def __init__(self, wrong: Wrong) -> None:
        self._wrong = wrong
        self._since = time.monotonic()
        self._size = 0

    def check(self, size: int) -> None:
        now = time.monotonic()
        if now - self._since < _WINDOW:
            return
        if size - self._size < _LEAST_RATE * _WINDOW:
            raise self._wrong(f"with fewer than {_LEAST_RATE} bytes a second")
        self._since, self._size = now, size
