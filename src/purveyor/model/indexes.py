"""Indexes: each hosts projects of its own, and looks for every other name further up, in order."""

import re
from dataclasses import dataclass
from typing import NewType
from urllib.parse import urlsplit

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


def shown(upstream: str) -> str:
    """The upstream as it may be shown: without the credentials of its URL."""
    if not is_remote(upstream):
        return upstream
    parts = urlsplit(upstream)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@dataclass(frozen=True, slots=True)
class Index:
    """One index's settings.

    `upstreams` are asked in order for what is not hosted here. A name that is hosted or matches `reserved` is never looked for further up,
    unless it matches `mixed`: then what the upstreams have is offered beside it. `volatile` lets an upload replace a file.
    The `policy` decides what of all this is offered, and `demands` what must be known of a release before it is promoted to this index.
    """

    name: IndexName
    upstreams: tuple[str, ...] = ()
    reserved: tuple[NamePattern, ...] = ()
    mixed: tuple[NamePattern, ...] = ()
    volatile: bool = False
    policy: Policy = NO_POLICY
    demands: Demands = NO_DEMANDS

    def check_uploads(self) -> None:
        """Raises `NotAllowed` where releases come by promotion only: an upload would meet none of the demands."""
        if self.demands:
            raise NotAllowed(f"The index {self.name} takes releases by promotion only.", "Upload to another index, and promote from there.")

    def reserves(self, name: NormalizedName) -> bool:
        return any(pattern.matches(name) for pattern in self.reserved)

    def mixes(self, name: NormalizedName) -> bool:
        return any(pattern.matches(name) for pattern in self.mixed)
