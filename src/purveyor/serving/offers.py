"""What an index offers under a name: its own, or what the first index further up has; never a mixture, unless that was asked for."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby

from purveyor.errors import NotFound, Refused
from purveyor.interfaces import Catalog
from purveyor.model.files import DistributionFile, parse_filename
from purveyor.model.indexes import Index, IndexName, is_remote
from purveyor.model.journal import Changes
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail
from purveyor.serving.following import Follower


@dataclass(frozen=True, slots=True)
class Offer:
    """A project as an index offers it, and the index that it comes from."""

    detail: ProjectDetail
    source: IndexName


class Offers:
    def __init__(self, catalog: Catalog, follower: Follower) -> None:
        self._catalog = catalog
        self._known: Mapping[IndexName, Index] | None = None
        follower.tell(self._drop)

    def index(self, name: IndexName) -> Index:
        """Raises `NotFound`."""
        known = self._known
        if known is None:
            known = self._known = {index.name: index for index in self._catalog.indexes()}
        if name not in known:
            raise NotFound(f"This server has no index {name}.", "`purveyor index list` shows those it has.")
        return known[name]

    def project(self, index: IndexName, name: NormalizedName) -> Offer | None:
        """The project as the index offers it now; None where neither it nor what is above it has the name."""
        found: list[Offer] = []
        for place in self._above(self.index(index)):
            detail = self._catalog.project_detail(name, place.name)
            if detail is not None:
                found.append(Offer(detail, place.name))
            if (detail is not None or place.reserves(name)) and not place.mixes(name):
                break
        return reduce(_mixed, found) if found else None

    def names(self, index: IndexName) -> Iterator[tuple[NormalizedName, str]]:
        """Every name that the index or one above it on this server hosts, in order, without holding all in memory."""
        places = list(self._above(self.index(index)))
        if len(places) == 1:
            return self._catalog.project_names(index)
        merged = heapq.merge(*(self._catalog.project_names(place.name) for place in places), key=lambda pair: pair[0])
        return (next(pairs) for _, pairs in groupby(merged, key=lambda pair: pair[0]))

    def file(self, index: IndexName, filename: str) -> DistributionFile | None:
        """The file, if the index offers it: as on the project's page, a name found at one place is looked for nowhere else."""
        if not self.index(index).upstreams:
            return self._catalog.file(filename, index)
        try:
            name = parse_filename(filename).project
        except Refused:
            return None
        offer = self.project(index, name)
        offered = offer.detail.files if offer and offer.detail.status.status.offers_files else ()
        return next((file for file in offered if file.filename == filename), None)

    def _above(self, index: Index) -> Iterator[Index]:
        """The index and, in the order in which they are asked, the others of this server above it; each once, loops and all."""
        seen: set[IndexName] = set()
        waiting = [index]
        while waiting:
            place = waiting.pop()
            if place.name not in seen:
                seen.add(place.name)
                yield place
                local = (IndexName(upstream) for upstream in reversed(place.upstreams) if not is_remote(upstream))
                waiting += [self.index(name) for name in local if name not in seen]

    def _drop(self, changes: Changes) -> None:
        """Called under the follower's turn."""
        if changes.everything:
            self._known = None


def _mixed(nearer: Offer, further: Offer) -> Offer:
    """Both, under the nearer one's name and status; of two files with one name, the nearer one's."""
    here = {file.filename for file in nearer.detail.files}
    added = tuple(file for file in further.detail.files if file.filename not in here)
    serial = max(nearer.detail.serial, further.detail.serial)
    return replace(nearer, detail=replace(nearer.detail, files=nearer.detail.files + added, serial=serial))
