"""What whoever operates a server asks of each part that it stands on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


class Check(Protocol):
    """One thing without which a server cannot do its work, such as its database."""

    def check(self) -> str:
        """How it is now, in one sentence without secrets. Raises `PurveyorError` saying what is wrong.

        Called about once a second while somebody asks, never twice at a time, in a thread of its own: it may wait, but must cost little.
        """
        ...


Checks = Mapping[str, Check]
"""By the names under which `/health/ready` lists them."""


@dataclass(frozen=True, slots=True)
class Sibling:
    """What another process of the same server has said last, and whether it is still there to say more."""

    said: str
    lives: bool


class Siblings(Protocol):
    """The worker processes of one server, any of which may be asked for the numbers of all."""

    def leave(self, said: str) -> None:
        """Say this, in place of what was said before; it stays when this process ends."""
        ...

    def others(self) -> Iterator[Sibling]: ...
