"""`migrate`: an index moves to other stores while servers go on reading, and writing but for a moment.

Contents first, since they never change; then all rows; then what the journal tells of, until there is next to nothing left. Then a pause:
writes are refused, the last rows are copied, every row is compared. Then the old index says where the new one is.

Where it stands is kept in both catalogs, so that every process of every host sees it, and whoever is killed goes on from there:

    old       new         a server over the old one / over the new one
    copying   arriving    reads and writes          / does not start
    paused    arriving    reads, writes again once the time is past
    moved     arriving    reads                     / does not start
    moved     -           reads                     / reads and writes
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from msgspec import Struct
from msgspec.structs import replace

from purveyor.errors import Misconfigured, PurveyorError, StoreFailed
from purveyor.interfaces import Move, Phase, Role
from purveyor.safekeeping.carrying import Carrier
from purveyor.safekeeping.checking import Progress
from purveyor.safekeeping.level import check_contents, compare_all, compare_since, fill, follow, level_of, names_after
from purveyor.safekeeping.restoring import check_room
from purveyor.safekeeping.stores import Safekeeping
from purveyor.safekeeping.verified import VerifiedFile

LEASE = 30.0
"""Seconds after which servers write again if whoever paused them has died."""
_RENEWED = 5.0
# So many entries are few enough to be copied in the pause.
_NEXT_TO_NOTHING = 50
_ROUNDS = 20
_SHOWN = 5


class Moved(Struct, frozen=True):
    """`paused` is for how many seconds nothing could be written."""

    serial: int
    contents: int
    copied: int
    bytes: int
    paused: float


class Moving:
    """`say` is told what is done at the moment."""

    def __init__(self, source: Safekeeping, target: Safekeeping, say: Callable[[str], None], progress: Progress) -> None:
        self._source = source
        self._target = target
        self._say = say
        self._progress = progress
        self._contents = self._copied = self._bytes = 0

    def run(self) -> Moved:
        """Raises `Misconfigured` where it cannot be done; else, whatever it raises, the same again goes on from there."""
        move = self._begin()
        if move.phase is Phase.MOVED:
            self._open(move)
            return Moved(self._source.catalog.serial(), self._source.audit.count_named(), 0, 0, 0.0)
        with VerifiedFile(self._source.data / "migration" / move.mark) as verified:
            self._carrier = Carrier(
                self._source.originals, self._target.blobs, self._target.originals, verified, shared=self._shares_contents()
            )
            level = self._compare(self._copy())
            paused = 0.0
            for _ in range(_ROUNDS):
                done, level, lasted = self._switch(move, level)
                paused += lasted
                if done:
                    self._open(move)
                    verified.forget()
                    return Moved(level, self._contents, self._copied, self._bytes, paused)
        raise StoreFailed("The index is written to although it was paused.", "See that the clocks of all servers are right, and try again.")

    def _begin(self) -> Move:
        move = self._source.tables.move()
        if move is not None and move.phase is Phase.ARRIVING:
            raise Misconfigured(f"This index is still being filled from {move.place}.", "Run that command once more, which completes it.")
        if move is not None and move.place != self._target.place:
            raise Misconfigured(
                f"This index is on its way to {move.place} already.",
                "Complete that first, or give it up with `purveyor migrate --abandon`.",
            )
        if move is not None and move.phase is Phase.MOVED:
            return move
        move = move or Move(Phase.COPYING, uuid.uuid4().hex, self._target.place)
        with self._source.tables.snapshot() as snapshot:
            if snapshot.names_folder():
                raise Misconfigured(
                    "This index serves a folder, which stays where it is.", "Import the folder into an index of its own first."
                )
        arriving = Move(Phase.ARRIVING, move.mark, self._source.place)
        check_room(self._target)
        self._source.tables.set_move(replace(move, phase=Phase.COPYING))
        if self._target.tables.move() != arriving:
            self._target.tables.set_move(arriving)
        return move

    def _copy(self) -> int:
        """Everything, once: the serial reached."""
        named = {named.sha256 for named in self._source.audit.named_blobs() if named.role is not Role.COPY}
        self._contents = len(named)
        self._say(f"Copying {len(named)} contents to {self._target.place}.")
        self._carry(sorted(named))
        level = level_of(self._source, self._target)
        if level is None:
            self._say("Copying the rows.")
            level = fill(self._source, self._target)
        for _ in range(_ROUNDS):
            newest = self._source.catalog.serial()
            if newest - level <= _NEXT_TO_NOTHING:
                break
            self._say(f"Following the journal: {level} of {newest}.")
            level = self._follow(level, last=False)
        return level

    def _compare(self, level: int) -> int:
        """Before the pause, since it takes longer than anybody should wait; in the pause, what has changed since is compared."""
        self._say("Comparing every row.")
        self._carry_after(level)
        reached = compare_all(self._source, self._target, level)
        self._carry_after(level)
        check_contents(self._source, self._target, reached)
        return reached

    def _follow(self, level: int, *, last: bool) -> int:
        self._carry_after(level)
        reached = follow(self._source, self._target, level, last=last)
        if not last:
            self._carry_after(level)
        return reached

    def _carry_after(self, level: int) -> None:
        """Before rows are copied, which is most of the work, and again afterwards, for what was written meanwhile."""
        self._carry(sorted(set(names_after(self._source, level))))

    def _carry(self, names: Iterable[str]) -> None:
        # Whatever these names' rows were committed with is in the store after this, and not only in the database.
        names = list(names)
        self._source.settle()
        with self._progress("Contents", len(names)) as advance:
            carried = self._carrier.carry(names, advance)
        self._copied, self._bytes = self._copied + carried.copied, self._bytes + carried.bytes
        damaged = [sha256 for sha256 in carried.damaged if self._is_offered(sha256)]
        if damaged:
            raise StoreFailed(
                f"Contents of the index are damaged or missing: {', '.join(damaged[:_SHOWN])}.",
                "`purveyor fsck` says which files they are of, and `purveyor fsck --repair` takes these out of what is offered.",
            )

    def _is_offered(self, sha256: str) -> bool:
        """Not one of a deleted file, nor of one that was removed meanwhile."""
        return any(named.role not in (Role.DELETED, Role.COPY) for named in self._source.audit.names_of(sha256))

    def _switch(self, move: Move, level: int) -> tuple[bool, int, float]:
        """Whether it is done, up to which serial, and how long the pause was. If not, it was too long, and something was written."""
        now = self._source.tables.move()
        if now is None or now.mark != move.mark:
            raise Misconfigured("This move was given up meanwhile.", "Begin it anew if that was a mistake.")
        self._say("Pausing writes for the last rows.")
        began = time.monotonic()
        with self._pause(move):
            last = self._follow(level, last=True)
            compare_since(self._source, self._target, level)
            level = last
            done = self._source.tables.leave(replace(move, phase=Phase.MOVED), level)
        return done, level, time.monotonic() - began

    @contextmanager
    def _pause(self, move: Move) -> Iterator[None]:
        """Renewed for as long as we live. If it ends otherwise than with a move, writes go on."""
        tables, ended = self._source.tables, threading.Event()

        def renew() -> None:
            while not ended.wait(_RENEWED):
                with suppress(PurveyorError):
                    tables.renew(move.mark, _until())

        tables.set_move(replace(move, phase=Phase.PAUSED, until=_until()))
        renewing = threading.Thread(target=renew, daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()
            now = tables.move()
            if now is not None and now.phase is Phase.PAUSED:
                tables.set_move(replace(move, phase=Phase.COPYING))

    def _open(self, move: Move) -> None:
        """From now on servers may start over the new stores."""
        there = self._target.tables.move()
        if there is not None and there.mark == move.mark:
            self._target.tables.set_move(None)

    def _shares_contents(self) -> bool:
        return self._source.contents == self._target.contents


def abandon(source: Safekeeping) -> Move:
    """Let the index be written where it was; what became of the move until now."""
    move = source.tables.move()
    if move is None or move.phase is Phase.ARRIVING:
        raise Misconfigured("This index is not being moved.", "There is nothing to give up.")
    source.tables.set_move(None)
    VerifiedFile(source.data / "migration" / move.mark).forget()
    return move


def _until() -> int:
    return int((time.time() + LEASE) * 1_000_000)
