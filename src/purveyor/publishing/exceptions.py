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
        if index not in {there.name for there in self._catalog.indexes()}:
            raise NotFound(f"This server has no index {index}.", "`purveyor index list` shows those it has.")
        now = self._now()
        override = Override(name, self._spelled(index, name, version), now + lasting, actor, now, reason)
        self._catalog.put_override(override, index)
        return override

    def end(self, index: IndexName, name: NormalizedName, version: str, actor: str) -> None:
        if not self._catalog.remove_override(name, self._spelled(index, name, version), actor, self._now(), index):
            raise NotFound(f"There is no override for {name} {version} on {index}.")

    def _spelled(self, index: IndexName, name: NormalizedName, version: str) -> str:
        """As the override that is there spells it, if there is one: 1.0 and 1.0.0 are the same release."""
        wanted = parse_version(version)
        there = (override.version for override in self._catalog.overrides(name, index))
        return next((spelled for spelled in there if parse_version(spelled) == wanted), str(wanted))
