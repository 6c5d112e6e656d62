"""Indexes: each hosts projects of its own, and looks for every other name further up, in order."""

import re
from enum import StrEnum
from typing import NewType
from urllib.parse import urlsplit

from msgspec import Struct

from purveyor.errors import NotAllowed, Refused
from purveyor.model.demands import NO_DEMANDS, Demands
from purveyor.model.names import NormalizedName
from purveyor.model.patterns import NamePattern
from purveyor.model.policy import NO_POLICY, Policy

IndexName = NewType("IndexName", str)
DEFAULT = IndexName("default")
"""The index that is also at the server's root. It is always there."""

_SEGMENT = "[a-z0-9]([a-z0-9._-]*[a-z0-9])?"
_NAME = re.compile(rf"{_SEGMENT}(/{_SEGMENT})?\Z", re.ASCII)
_NAME_LIMIT = 100
# What stands first in a path of the server's own, or of every index.
PYPI = "pypi"
"""The ready-made upstream: the index that this machine's clients install from anyway, wherever that is."""
ROUTES = frozenset({"api", "health", "integrity", "legacy", "metrics", "packages", "pypi", "ready", "simple", "static"})


def index_name(text: str) -> IndexName:
    """A name such as `team` or `team/dev`; raises `Refused` for others, and for those that would hide a route."""
    if len(text) > _NAME_LIMIT or not _NAME.match(text):
        raise Refused(
            f"{text[:_NAME_LIMIT]!r} is not a name for an index: one or two parts of lower-case letters, digits, '.', '-' and '_' with a"
            f" '/' between them, at most {_NAME_LIMIT} characters.",
            "Choose one such as team or team/dev.",
        )
    if taken := ROUTES.intersection(text.split("/")):
        raise Refused(f"An index cannot be called {text!r}: /{min(taken)} is a path of the server's own.", "Choose another name.")
    return IndexName(text)


def is_remote(upstream: str) -> bool:
    """Whether an upstream is another server's index, given by its URL or ready-made; else it is one of this server's, given by its name."""
    return "://" in upstream or upstream == PYPI


def upstream_name(text: str) -> str:
    """What may stand among an index's upstreams: the name of an index, the ready-made one, or a URL; raises `Refused` for anything else."""
    if not is_remote(text):
        return index_name(text)
    try:
        parts = urlsplit(text)
        fetchable = text == PYPI or (parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0)
    except ValueError:
        fetchable = False
    if not fetchable:
        raise Refused(f"{text.rpartition('@')[2][:_NAME_LIMIT]!r} is not the URL of an index.", "Give one such as https://host/simple/.")
    return text


def shown(upstream: str) -> str:
    """The upstream as it may be shown: without the credentials of its URL."""
    if not is_remote(upstream):
        return upstream
    parts = urlsplit(upstream)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


class Mode(StrEnum):
    """How what a remote upstream has is offered: kept here once it was asked for, left to be fetched from there, or not at all."""

    SYNC = "sync"
    REDIRECT = "redirect"
    NONE = "none"


class ModeFor(Struct, frozen=True):
    pattern: NamePattern
    mode: Mode

    @classmethod
    def read(cls, text: str) -> "ModeFor":
        """From PATTERN=MODE; raises `Refused`."""
        pattern, _, mode = text.partition("=")
        if mode not in list(Mode):
            raise Refused(f"{text[:_NAME_LIMIT]!r} is not a pattern and a mode.", f"Write PATTERN=MODE; the modes are {', '.join(Mode)}.")
        return cls(NamePattern(pattern), Mode(mode))

    def __str__(self) -> str:
        return f"{self.pattern.text}={self.mode}"


class Index(Struct, frozen=True):
    """One index's settings.

    `upstreams` are asked in order for what is not hosted here. A name that is hosted or matches `reserved` is never looked for further up,
    unless it matches `mixed`: then what the upstreams have is offered beside it. `volatile` lets an upload replace a file.
    Of the `modes`, the first whose pattern matches says how what the remote ones have is offered; `sync`, if none does.
    The `policy` decides what of all this is offered, and `demands` what must be known of a release before it is promoted to this index.
    """

    name: IndexName
    upstreams: tuple[str, ...] = ()
    reserved: tuple[NamePattern, ...] = ()
    mixed: tuple[NamePattern, ...] = ()
    modes: tuple[ModeFor, ...] = ()
    volatile: bool = False
    policy: Policy = NO_POLICY
    demands: Demands = NO_DEMANDS

    def check_uploads(self) -> None:
        """Raises `NotAllowed` where releases come by promotion only: an upload would meet none of the demands."""
        if self.demands:
            raise NotAllowed(f"The index {self.name} takes releases by promotion only.", "Upload to another index, and promote from there.")

    def reserves(self, name: NormalizedName) -> bool:
        return any(pattern.matches(name) for pattern in self.reserved)

    def mode(self, name: NormalizedName) -> Mode:
        return next((rule.mode for rule in self.modes if rule.pattern.matches(name)), Mode.SYNC)

    def mixes(self, name: NormalizedName) -> bool:
        return any(pattern.matches(name) for pattern in self.mixed)
