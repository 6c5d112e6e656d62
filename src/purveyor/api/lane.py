"""The express lane's memory: whole answers, found by the bytes of the request.

It interprets nothing. A request head that the parser has read once means the same every time, so the lane finds the answer that the read
path gave by two look-ups: the header block (clients send the same one again and again), then the request line. Everything unknown takes
the long way, which leaves its answer here.
"""

import heapq
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

from purveyor.api.answers import Answer
from purveyor.errors import PurveyorError
from purveyor.model.journal import Changes
from purveyor.model.tally import Key
from purveyor.serving.bodies import Span, cost
from purveyor.serving.following import Follower

RequestLines: TypeAlias = "dict[bytes, Held]"

# Distinct header blocks and answers remembered before the lane starts over. A block is a few hundred bytes.
_BLOCKS = 2048
_ANSWERS = 16384
# Clients' heads are far shorter; longer ones are not worth the memory in which to know them again.
_HEAD_LIMIT = 2048


class Variant(Struct, frozen=True):
    """All that a header block decides about an answer; blocks with an equal variant share their answers."""

    client: str
    """Decides nothing about the answer, but who got it is to be told."""
    accept: str | None
    accept_encoding: str | None
    if_none_match: str | None
    range: str | None
    if_range: str | None


class Held:
    """One answer as it goes on the wire: `before`, the date line, `after`, and then `span`, if the content is in a file."""

    __slots__ = ("after", "before", "count", "date", "labels", "span", "wire")

    def __init__(self, before: bytes, after: bytes, span: Span | None, labels: Key = ()) -> None:
        self.before = before
        self.after = after
        self.span = span
        self.labels = labels
        self.count = 0  # how often it was sent: all that is noted of a request that the lane answers
        self.date = b""
        self.wire = b""

    def parts(self, date: bytes) -> bytes:
        """The bytes to send, with this second's date; joined once a second, not once a request."""
        if self.date is not date:
            self.date = date
            self.wire = b"".join((self.before, date, self.after))
        return self.wire


class Lane:
    """Held answers, up to `memory` bytes of content. `find` is called for every request and does next to nothing."""

    def __init__(self, follower: Follower, memory: int, now: Callable[[], datetime]) -> None:
        self.follower = follower
        self._now = now
        self._memory = memory
        self._answered: dict[Key, int] = {}
        self._gone: list[Held] = []
        self.blocks: dict[bytes, RequestLines] = {}
        self._variants: dict[Variant, RequestLines] = {}
        self._forget()
        follower.tell(self._drop)

    def _forget(self) -> None:
        for lines in self._variants.values():
            self._gone.extend(lines.values())
        self.blocks = {}
        self._variants = {}
        self._about: dict[str | None, list[tuple[RequestLines, bytes]]] = {}
        self._ends: list[tuple[datetime, str]] = []
        self._answers = 0
        self._size = 0

    def catch_up(self) -> bool:
        """Whether what is held is right again; if the catalog cannot say, the long way will tell the client so."""
        try:
            self.follower.catch_up()
        except PurveyorError:
            return False
        return True

    def find(self, head: bytes) -> Held | None:
        end = head.find(b"\r\n")
        lines = self.blocks.get(head[end:])
        return lines.get(head[:end]) if lines is not None else None

    def remember(self, head: bytes, variant: Variant, answer: Answer, held: Held, mark: int) -> None:
        """Hold the answer, unless something has changed since `mark`, which was read before the answer was made."""
        size = _cost(held)
        end = head.find(b"\r\n")
        with self.follower.turn:
            if self.follower.mark() != mark or size > self._memory or len(head) > _HEAD_LIMIT:
                return
            if len(self.blocks) >= _BLOCKS or self._answers >= _ANSWERS or self._size + size > self._memory:
                self._forget()
            lines = self._variants.setdefault(variant, {})
            self.blocks[head[end:]] = lines
            if head[:end] not in lines:
                lines[head[:end]] = held
                self._about.setdefault(answer.about, []).append((lines, head[:end]))
                self._answers += 1
                self._size += size
                if answer.valid_until is not None:
                    heapq.heappush(self._ends, (answer.valid_until, answer.about or ""))

    def tick(self) -> None:
        """Drop what time has made wrong; called once a second, so that no request need look at a clock."""
        self._count_gone()
        now = self._now()
        if not self._ends or now < self._ends[0][0]:
            return
        with self.follower.turn:
            while self._ends and self._ends[0][0] <= now:
                self._drop_about(heapq.heappop(self._ends)[1] or None)

    def answered(self) -> Mapping[Key, int]:
        """How many requests the lane has answered, by their labels; called where requests are answered, so that none is under way."""
        self._count_gone()
        answered = dict(self._answered)
        with self.follower.turn:
            for lines in self._variants.values():
                for held in lines.values():
                    answered[held.labels] = answered.get(held.labels, 0) + held.count
        return answered

    def _count_gone(self) -> None:
        """On the event loop's thread: a change may drop an answer in another one, while this one sends it."""
        gone, self._gone = self._gone, []
        for held in gone:
            self._answered[held.labels] = self._answered.get(held.labels, 0) + held.count

    def _drop(self, changes: Changes) -> None:
        """Called under the follower's turn."""
        if changes.everything:
            self._forget()
        touched: set[str | None] = set(changes.projects)
        if changes.list_changed:
            touched.add(None)
        for about in touched & self._about.keys():
            self._drop_about(about)

    def _drop_about(self, about: str | None) -> None:
        for lines, line in self._about.pop(about, ()):
            held = lines.pop(line)
            self._gone.append(held)
            self._answers -= 1
            self._size -= _cost(held)


class FarLane(Lane):
    """Over a catalog that is on another machine: the event loop does not wait for it, so the long way catches up."""

    def catch_up(self) -> bool:
        return self.follower.away is not None


def _cost(held: Held) -> int:
    """Of the content there are two copies: alone, and joined with the date."""
    return 2 * len(held.after) + (cost(held.span) if held.span is not None else 0)
