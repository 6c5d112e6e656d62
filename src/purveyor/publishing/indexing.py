"""Making, changing and removing indexes."""

from collections.abc import Callable, Mapping
from datetime import datetime

from purveyor.errors import NotFound, Refused
from purveyor.interfaces import Catalog
from purveyor.model.indexes import Index, IndexName, is_remote


class Indexing:
    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now

    def put(self, index: Index, actor: str) -> None:
        """Create the index or give it these settings; raises `Refused` for an upstream that is not there, or that leads back here."""
        known = {other.name: other for other in self._catalog.indexes()} | {index.name: index}
        complaints = [f"There is no index {name} to look further up in." for name in _local(index) if name not in known]
        if not complaints and (loop := _loop(index.name, known)):
            complaints = [f"The indexes would ask each other in a circle: {' over '.join(loop)}."]
        if complaints:
            raise Refused(complaints)
        self._catalog.put_index(index, actor, self._now())

    def remove(self, name: IndexName, actor: str) -> None:
        users = [index.name for index in self._catalog.indexes() if name in index.upstreams]
        if users:
            raise Refused(f"The index {name} is an upstream of {', '.join(users)}.", "Take it out of their upstreams first.")
        if not self._catalog.remove_index(name, actor, self._now()):
            raise NotFound(f"This server has no index {name}.")


def _local(index: Index) -> list[IndexName]:
    return [IndexName(upstream) for upstream in index.upstreams if not is_remote(upstream)]


def _loop(start: IndexName, known: Mapping[IndexName, Index]) -> list[IndexName]:
    """A way from `start` back to itself, or nothing."""

    def search(path: list[IndexName]) -> list[IndexName]:
        for name in _local(known[path[-1]]):
            if name == start:
                return [*path, name]
            if name not in path and (found := search([*path, name])):
                return found
        return []

    return search([start])
