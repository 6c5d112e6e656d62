"""The request that is being answered: what is noted about it on the way, by whoever has a hand in the answer."""

from contextvars import ContextVar

from msgspec import Struct


class UnderWay(Struct):
    """`id` is what its client, the log and an error's document call it."""

    id: str
    trace: str = ""
    """The trace that it belongs to, if it is traced."""
    error: str = ""
    """The code of the error that it is answered with."""
    outcome: str = ""
    """What became of an upload."""


CURRENT: ContextVar[UnderWay | None] = ContextVar("request", default=None)
"""None where nothing is answered, as in what a server does by itself."""


def note_error(code: str) -> None:
    if (under_way := CURRENT.get()) is not None:
        under_way.error = code


def note_outcome(outcome: str) -> None:
    if (under_way := CURRENT.get()) is not None:
        under_way.outcome = outcome


def current_id() -> str:
    """Empty where nothing is answered."""
    under_way = CURRENT.get()
    return "" if under_way is None else under_way.id
