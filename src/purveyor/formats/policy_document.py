"""A policy as part of an index's settings document, where times are days and sizes bytes."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from purveyor.errors import Refused
from purveyor.model.files import Kind
from purveyor.model.patterns import NamePattern
from purveyor.model.policy import OnAdvisory, Policy, Selector

T = TypeVar("T")

FIELDS: Mapping[str, str] = {
    "cooldown_days": "number",
    "allow": "texts",
    "deny": "texts",
    "kinds": "texts",
    "max_size": "number",
    "blocked_hashes": "texts",
    "advisories": "text",
}
"""What a policy may say, and of which type; `for_names` beside them holds policies by pattern."""

_DAY = timedelta(days=1)
_LONGEST = 36500
"""Days; a hundred years are for ever, and can still be added to any date."""
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0,
    "text": lambda value: isinstance(value, str),
    "texts": lambda value: isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value),
    "object": lambda value: isinstance(value, dict) and all(isinstance(item, dict) for item in value.values()),
}
_WORDS = {"number": "a number of 0 or more", "text": "a text", "texts": "a list of texts", "object": "an object of policies"}
_SHA256 = 64


def write_policy(policy: Policy) -> dict[str, Any]:
    """Only what the policy says."""
    document = {
        "cooldown_days": None if policy.cooldown is None else _in_days(policy.cooldown),
        "allow": None if policy.allow is None else [str(selector) for selector in policy.allow],
        "deny": None if policy.deny is None else [str(selector) for selector in policy.deny],
        "kinds": None if policy.kinds is None else [str(kind) for kind in policy.kinds],
        "max_size": policy.max_size,
        "blocked_hashes": None if policy.blocked is None else sorted(policy.blocked),
        "advisories": None if policy.advisories is None else str(policy.advisories),
        "for_names": {pattern.text: write_policy(special) for pattern, special in policy.for_names} or None,
    }
    return {name: value for name, value in document.items() if value is not None}


def read_policy(document: Mapping[str, Any]) -> Policy:
    """Raises `Refused` with every complaint."""
    complaints: list[str] = []

    def read(name: str, make: Callable[[Any], T]) -> T | None:
        value = document.get(name)
        if value is None:
            return None
        kind = FIELDS.get(name, "object")
        if not _TYPES[kind](value):
            complaints.append(f"The {name} of a policy must be {_WORDS[kind]}.")
            return None
        try:
            return make(value)
        except Refused as refused:
            complaints.extend(refused.complaints)
        except (ValueError, OverflowError):
            complaints.append(f"{value!r} cannot be the {name} of a policy.")
        return None

    unknown = [name for name in document if name not in FIELDS and name != "for_names"]
    complaints += [f"A policy has no rule {name!r}; there are {', '.join(FIELDS)}." for name in unknown]
    policy = Policy(
        cooldown=read("cooldown_days", _days),
        allow=read("allow", _selectors),
        deny=read("deny", _selectors),
        kinds=read("kinds", lambda kinds: tuple(map(Kind, kinds))),
        max_size=read("max_size", int),
        blocked=read("blocked_hashes", lambda hashes: frozenset(map(_sha256, hashes))),
        advisories=read("advisories", OnAdvisory),
        for_names=read("for_names", _for_names) or (),
    )
    if complaints:
        raise Refused(complaints)
    return policy


def _in_days(time: timedelta) -> float:
    """A whole number where it is one, as people wrote it."""
    return time // _DAY if not time % _DAY else time / _DAY


def _days(days: float) -> timedelta:
    if days > _LONGEST:
        raise Refused(f"A cooldown of {days:g} days is too long: at most {_LONGEST} can be set.")
    return timedelta(days=days)


def _selectors(texts: list[str]) -> tuple[Selector, ...]:
    return tuple(map(Selector.of, texts))


def _sha256(text: str) -> str:
    if len(text) != _SHA256 or not all(digit in "0123456789abcdef" for digit in text.lower()):
        raise Refused(f"{text[:100]!r} is not a sha256 in hexadecimal digits.")
    return text.lower()


def _for_names(documents: Mapping[str, Mapping[str, Any]]) -> tuple[tuple[NamePattern, Policy], ...]:
    return tuple((NamePattern(pattern), read_policy(document)) for pattern, document in documents.items())
