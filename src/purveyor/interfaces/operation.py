"""What whoever operates a server asks of each part that it stands on."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, runtime_checkable

from msgspec import Struct


class Check(Protocol):
    """One thing without which a server cannot do its work, such as its database."""

    def check(self) -> str:
        """How it is now, in one sentence without secrets. Raises `PurveyorError` saying what is wrong.

        Called about once a second while somebody asks, never twice at a time, in a thread of its own: it may wait, but must cost little.
        """
        ...


Checks = Mapping[str, Check]
"""By the names under which `/health/ready` lists them."""


class Sibling(Struct, frozen=True):
    """What another process of the same server has said last, and whether it is still there to say more."""

    said: str
    lives: bool


class Siblings(Protocol):
    """The worker processes of one server, any of which may be asked for the numbers of all."""

    def leave(self, said: str) -> None:
        """Say this, in place of what was said before; it stays when this process ends."""
        ...

    def others(self) -> Iterator[Sibling]: ...


Around = Callable[[str], AbstractContextManager[object]]
"""What an adapter does its slow work inside of, by the name of that work: somebody may watch how long it takes, and whether it fails."""


def unwatched(_name: str) -> AbstractContextManager[object]:
    return nullcontext()


@runtime_checkable
class Gauge(Protocol):
    def gauges(self) -> Mapping[str, float]:
        """Numbers of the moment, by the names under which they are added up over processes. Costs next to nothing."""
        ...


class Span(Protocol):
    """Something that takes time, as a tracer sees it."""

    trace: str
    """The trace that it belongs to, in hexadecimal; empty where nothing is traced."""

    def end_with(self, status: int) -> None:
        """It was a request, and this was its answer's status."""
        ...


class Tracer(Protocol):
    def span(self, name: str, caller: Mapping[str, str] | None = None) -> AbstractContextManager[Span]:
        """What happens inside is the span, part of the one around it; or, if a caller says so in its header fields, of the caller's."""
        ...

    def close(self) -> None:
        """Send what was not sent yet."""
        ...


class _NoSpan:
    trace = ""

    def end_with(self, status: int) -> None: ...


class NoTracer:
    _span = nullcontext(_NoSpan())

    def span(self, name: str, caller: Mapping[str, str] | None = None) -> AbstractContextManager[Span]:  # noqa: ARG002 - nobody looks
        return self._span

    def close(self) -> None: ...
