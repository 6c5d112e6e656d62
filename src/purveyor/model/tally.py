"""Numbers that only rise: what a process has done since it began."""

from bisect import bisect_left
from collections.abc import Mapping
from threading import Lock

from msgspec import Struct, field

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: the upper ends of the classes that durations are counted in. The last class has none."""

Key = tuple[str, ...]
"""The name of what is counted, and the values of its labels."""


class Counted(Struct):
    """Numbers of one process or of several: counts, and of durations how many fell into each class, and their sum at the end."""

    numbers: dict[Key, float] = field(default_factory=dict)
    durations: dict[Key, list[float]] = field(default_factory=dict)

    def add(self, key: Key, amount: float = 1.0) -> None:
        self.numbers[key] = self.numbers.get(key, 0.0) + amount

    def add_duration(self, key: Key, seconds: float) -> None:
        classes = self.durations.setdefault(key, [0.0] * (len(BOUNDS) + 2))
        classes[bisect_left(BOUNDS, seconds)] += 1
        classes[-1] += seconds

    def include(self, other: "Counted") -> None:
        for key, amount in other.numbers.items():
            self.add(key, amount)
        for key, classes in other.durations.items():
            mine = self.durations.setdefault(key, [0.0] * len(classes))
            mine[:] = [have + more for have, more in zip(mine, classes, strict=True)]


class Tally:
    """Shared by the threads of a process."""

    def __init__(self) -> None:
        self._counted = Counted()
        self._turn = Lock()

    def add(self, *key: str) -> None:
        with self._turn:
            self._counted.add(key)

    def add_duration(self, *key: str, seconds: float) -> None:
        with self._turn:
            self._counted.add_duration(key, seconds)

    def now(self, also: Mapping[Key, float]) -> Counted:
        """A copy, with `also` counted too."""
        copy = Counted(dict(also))
        with self._turn:
            copy.include(self._counted)
        return copy
