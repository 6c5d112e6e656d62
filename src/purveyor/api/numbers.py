"""What a server has done since it began, over all its processes, and how it is now."""

import json
import time
from collections.abc import Iterator

from msgspec import Struct, field

from purveyor.api.connections import Connections
from purveyor.application import Application
from purveyor.model.tally import Counted, Key


class Numbers(Struct):
    """`counted` only rises; `now` is of the processes that are there, one of which is `processes`."""

    counted: Counted = field(default_factory=Counted)
    now: dict[str, float] = field(default_factory=dict)

    def include(self, other: "Numbers", *, lives: bool) -> None:
        self.counted.include(other.counted)
        for name, value in other.now.items() if lives else ():
            self.now[name] = self.now.get(name, 0.0) + value

    def to_json(self) -> str:
        counted = self.counted
        return json.dumps([[*counted.numbers.items()], [*counted.durations.items()], self.now])

    @classmethod
    def from_json(cls, text: str) -> "Numbers":
        numbers, durations, now = json.loads(text)
        return cls(Counted({tuple(key): value for key, value in numbers}, {tuple(key): value for key, value in durations}), now)


class Accounts:
    """Kept by each process; `connections` are given once there are any."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self.connections: Connections | None = None

    def own(self) -> Numbers:
        """Of this process. Called on the event loop, where the lane counts."""
        also = dict(self._elsewhere())
        also["cpu",] = time.process_time()
        now = {"processes": 1.0, "connections": float(len(self.connections.members)) if self.connections is not None else 0.0}
        for gauge in self._app.gauges:
            now |= gauge.gauges()
        return Numbers(self._app.tally.now(also), now)

    def _elsewhere(self) -> Iterator[tuple[Key, float]]:
        """What is counted where counting must cost nothing."""
        yield ("pages", "found"), self._app.pages.found
        yield ("pages", "made"), self._app.pages.made
        lane = self.connections.lane if self.connections is not None else None
        if lane is None:
            return
        answered = lane.answered()
        yield ("lane",), sum(answered.values())
        for labels, count in answered.items():
            yield ("requests", *labels), count

    def leave(self, own: Numbers) -> None:
        """For the siblings; reads and writes files."""
        if self._app.siblings is not None:
            self._app.siblings.leave(complete(own).to_json())

    def total(self, own: Numbers) -> Numbers:
        """With what the siblings have left, about a second ago; reads files."""
        total = complete(own)
        for sibling in self._app.siblings.others() if self._app.siblings is not None else ():
            try:
                total.include(Numbers.from_json(sibling.said), lives=sibling.lives)
            except (ValueError, TypeError):  # written by another version: its numbers are of another kind
                continue
        return total


def complete(own: Numbers) -> Numbers:
    """With what takes a look at the system."""
    import psutil  # noqa: PLC0415 - most servers are never asked

    this = psutil.Process()
    own.now["memory"] = float(this.memory_info().rss)
    own.now["descriptors"] = float(this.num_fds())
    return own
