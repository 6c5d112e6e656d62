"""Exceptions from an index's policy: for one version, by a person, for a time."""

from collections.abc import Callable
from datetime import datetime, timedelta

from purveyor.errors import NotFound, Refused
from purveyor.interfaces import Catalog
from purveyor.model.files import parse_version
from purveyor.model.indexes import IndexName
from purveyor.model.names import NormalizedName
from purveyor.model.policy import Override

_LONGEST = timedelta(days=366)


class Exceptions:
    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now

    def allow(self, index: IndexName, name: NormalizedName, version: str, *, lasting: timedelta, reason: str, actor: str) -> Override:
        """Offer that version whatever the policy says, until `lasting` from now; raises `Refused` for no time, or more than a year."""
        if not timedelta(0) < lasting <= _LONGEST:
            raise Refused("An override lasts for more than no time and at most 366 days.", "Give --days; it can be given again later.")
        now = self._now()
        override = Override(name, str(parse_version(version)), now + lasting, actor, now, reason)
        self._catalog.put_override(override, index)
        return override

    def end(self, index: IndexName, name: NormalizedName, version: str, actor: str) -> None:
        if not self._catalog.remove_override(name, str(parse_version(version)), actor, self._now(), index):
            raise NotFound(f"There is no override for {name} {version} on {index}.")
