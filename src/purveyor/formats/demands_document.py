"""What an index demands of promoted releases, as part of its settings document, where the age is in days."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from purveyor.errors import Refused
from purveyor.model.demands import Demands

_DAY = timedelta(days=1)
_DAYS_LIMIT = 36500
_APPROVALS_LIMIT = 100


def write_demands(demands: Demands) -> dict[str, Any]:
    """Only what is demanded."""
    document = {"days": demands.age / _DAY, "checks": list(demands.checks), "approvals": demands.approvals}
    return {name: value for name, value in document.items() if value}


def read_demands(document: Mapping[str, Any]) -> Demands:
    """Raises `Refused` with every complaint."""
    if complaints := list(_complaints(document)):
        raise Refused(complaints)
    return Demands(
        age=timedelta(days=document.get("days") or 0),
        checks=tuple(dict.fromkeys(document.get("checks") or ())),
        approvals=document.get("approvals") or 0,
    )


def _complaints(document: Mapping[str, Any]) -> Iterator[str]:
    for name in document:
        if name not in ("days", "checks", "approvals"):
            yield f"An index cannot demand {name!r} of a release; it can days, checks and approvals."
    days, checks, approvals = document.get("days") or 0, document.get("checks") or [], document.get("approvals") or 0
    if not _is_number(days, int | float) or not 0 <= days <= _DAYS_LIMIT:
        yield f"The days that an index demands must be a number from 0 to {_DAYS_LIMIT}."
    if not isinstance(checks, list) or not all(isinstance(name, str) and name.strip() for name in checks):
        yield "The checks that an index demands must be a list of their names."
    if not _is_number(approvals, int) or not 0 <= approvals <= _APPROVALS_LIMIT:
        yield f"The approvals that an index demands must be a whole number from 0 to {_APPROVALS_LIMIT}."


def _is_number(value: object, kinds: Any) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)
