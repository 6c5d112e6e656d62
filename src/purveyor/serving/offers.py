"""What an index offers under a name: its own, or what the first index further up has; never a mixture, unless that was asked for."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import reduce
from itertools import groupby
from typing import TypeVar

from msgspec.structs import replace

from purveyor.errors import NotAllowed, NotFound
from purveyor.formats.pulled_filenames import project_of
from purveyor.interfaces import Catalog
from purveyor.model.files import DistributionFile
from purveyor.model.indexes import Index, IndexName, Mode, is_remote
from purveyor.model.journal import Changes
from purveyor.model.names import NormalizedName
from purveyor.model.policy import NO_POLICY
from purveyor.model.projects import ProjectDetail
from purveyor.serving.admissions import Admissions, Offer
from purveyor.serving.following import Follower
from purveyor.serving.upstreams import Upstreams

Found = TypeVar("Found")
# Names of which it is remembered that they are not hosted.
_UNHOSTED = 10_000


class Offers:
    """Without `upstreams`, the remote ones of an index are as if they were not there.

    `journaled` says that nothing is hosted before the journal has it, as files in a folder are.
    """

    def __init__(
        self,
        catalog: Catalog,
        follower: Follower,
        now: Callable[[], datetime],
        upstreams: Upstreams | None = None,
        *,
        journaled: bool = True,
    ) -> None:
        self._upstreams = upstreams
        self._catalog = catalog
        self._journaled = journaled
        self._admissions = Admissions(catalog, now)
        self._follower = follower
        self._known: Mapping[IndexName, Index] | None = None
        # Which indexes host nothing under a name: most of what is asked for where upstreams are pulled from.
        self._unhosted: dict[NormalizedName, set[IndexName]] = {}
        follower.tell(self._drop)

    @property
    def pulls(self) -> bool:
        return self._upstreams is not None

    def index(self, name: IndexName) -> Index:
        """Its settings as they are now; raises `NotFound`."""
        if not self._follower.is_current():
            self._follower.catch_up()
        known = self._known
        if known is None:
            known = self._known = {index.name: index for index in self._catalog.indexes()}
        if name not in known:
            raise NotFound(f"This server has no index {name}.", "`purveyor index list` shows those it has.")
        return known[name]

    def project(self, index: IndexName, name: NormalizedName) -> Offer | None:
        """The project as the index offers it now; None where neither it nor what is above it has the name."""
        return self._look(self.index(index), name)[0]

    def would_wait(self, index: IndexName, name: NormalizedName) -> bool:
        """Whether `project` would have to ask a remote index first; never so for a name that is hosted or reserved."""
        return self._would_wait(self.index(index), name)[0]

    def upstream_of(self, index: IndexName, file: DistributionFile) -> tuple[str, Mode] | None:
        """The URL of the remote index above that was seen to offer this very file, and how it is to be offered here."""
        upstreams = self._upstreams
        if upstreams is None:
            return None
        for place in self._above(self.index(index)):
            for upstream in filter(is_remote, self._further(place, file.project)):
                if upstreams.has_seen(upstream, file):
                    return upstreams.url(upstream) or upstream, place.mode(file.project)
        return None

    def above(self, index: IndexName) -> list[Index]:
        """The index and those of this server in which it looks further up; raises `NotFound`."""
        return list(self._above(self.index(index)))

    def names(self, index: IndexName) -> Iterator[tuple[NormalizedName, str]]:
        """Every name that the index or one above it on this server hosts, in order, without holding all in memory."""
        return _merged([self._catalog.project_names(place.name) for place in self.above(index)])

    def names_between(self, index: IndexName, first: str, before: str | None) -> Iterator[tuple[NormalizedName, str]]:
        """Those of them from `first` on and before `before`, which are few."""
        return _merged([self._catalog.names_between(first, before, place.name) for place in self.above(index)])

    def file(self, index: IndexName, filename: str, *, ask: bool = True) -> tuple[DistributionFile, datetime | None] | None:
        """The file, if the index offers it, and until when: as on the project's page, a name found at one place is looked for nowhere else.

        Without `ask`, remote indexes are taken as they were last seen.
        """
        settings, name = self.index(index), project_of(filename)
        if settings.policy == NO_POLICY and not self._hosts_nothing(index, name):
            own = self._catalog.file(filename, index)
            if own is not None or not settings.upstreams:
                return None if own is None else (own, None)
        offer = self._look(settings, name, ask=ask)[0] if name else None
        if offer is None or not offer.detail.status.status.offers_files:
            return None
        if held := next((held for held in offer.withheld if held.file.filename == filename), None):
            raise NotAllowed(held.sentence, f"`purveyor why {name}=={held.file.version}` says which rule this is and how to override it.")
        file = offer.detail.file(filename)
        return None if file is None else (file, offer.valid_until)

    def _look(self, place: Index, name: NormalizedName, *, ask: bool = True) -> tuple[Offer | None, bool]:
        """What there is under the name, and whether that is the last word: hosted or reserved, it is looked for nowhere else."""
        own = self._own(place.name, name)
        found = [] if own is None else [self._admissions.admit(place, Offer(own, place.name))]
        settled, mixes = own is not None or place.reserves(name), place.mixes(name)
        for upstream in self._further(place, name) if mixes or not settled else ():
            above, last_word = self._ask(upstream, name, ask=ask)
            if above is not None:
                found.append(self._admissions.admit(place, above))
            settled = settled or last_word
            if settled and not mixes:
                break
        return (reduce(_mixed, found) if found else None), settled

    def _own(self, index: IndexName, name: NormalizedName) -> ProjectDetail | None:
        """What the index itself hosts under the name."""
        return None if self._hosts_nothing(index, name) else self._noting(index, name, self._catalog.project_detail)

    def _hosts(self, index: IndexName, name: NormalizedName) -> bool:
        return not self._hosts_nothing(index, name) and self._noting(index, name, self._catalog.has_project)

    def _noting(self, index: IndexName, name: NormalizedName, ask: Callable[[NormalizedName, IndexName], Found]) -> Found:
        """What the catalog answers; and if that is nothing, it need not be asked again until something changes."""
        mark = self._follower.mark()
        if not (found := ask(name, index)) and self._journaled:
            with self._follower.turn:
                if self._follower.mark() == mark:
                    if len(self._unhosted) >= _UNHOSTED:
                        self._unhosted.clear()
                    self._unhosted.setdefault(name, set()).add(index)
        return found

    def _hosts_nothing(self, index: IndexName, name: NormalizedName | None) -> bool:
        """Whether that is known without asking the catalog; never while that is away, when others may host what they like."""
        return self._follower.away is None and name is not None and index in self._unhosted.get(name, ())

    def _ask(self, upstream: str, name: NormalizedName, *, ask: bool) -> tuple[Offer | None, bool]:
        """A remote index that has the name has the last word; one that fails ends the search: whoever is next must not take its place."""
        if not is_remote(upstream):
            return self._look(self.index(IndexName(upstream)), name, ask=ask)
        assert self._upstreams is not None  # else there is none further up
        if not ask:
            detail = self._upstreams.seen(upstream, name)
            return (Offer(detail, upstream, pulled=True), True) if detail else (None, False)
        pulled = self._upstreams.project(upstream, name)
        if pulled is None:
            return None, False
        return Offer(pulled.detail, upstream, pulled=True, valid_until=pulled.valid_until, stale=pulled.stale), True

    def _would_wait(self, place: Index, name: NormalizedName) -> tuple[bool, bool]:
        """As `_look`, but without looking: whether it would wait, and whether what it found is the last word."""
        settled, mixes = self._hosts(place.name, name) or place.reserves(name), place.mixes(name)
        for upstream in self._further(place, name) if mixes or not settled else ():
            if is_remote(upstream):
                waits, last_word = not (self._upstreams and self._upstreams.is_fresh(upstream, name)), False
            else:
                waits, last_word = self._would_wait(self.index(IndexName(upstream)), name)
            if waits:
                return True, False
            settled = settled or last_word
            if settled and not mixes:
                break
        return False, settled

    def _further(self, place: Index, name: NormalizedName) -> Iterator[str]:
        """Where the index looks for the name next, in order."""
        remote = self._upstreams is not None and place.mode(name) is not Mode.NONE
        return (upstream for upstream in place.upstreams if remote or not is_remote(upstream))

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
            self._unhosted.clear()
        for name in changes.projects:
            self._unhosted.pop(name, None)


def _merged(lists: Sequence[Iterable[tuple[NormalizedName, str]]]) -> Iterator[tuple[NormalizedName, str]]:
    """Each name once, as the first list that has it spells it."""
    if len(lists) == 1:
        return iter(lists[0])
    merged = heapq.merge(*lists, key=lambda pair: pair[0])
    return (next(pairs) for _, pairs in groupby(merged, key=lambda pair: pair[0]))


def _mixed(nearer: Offer, further: Offer) -> Offer:
    """Both, under the nearer one's name and status; of two files with one name, the nearer one's."""
    here = {file.filename for file in nearer.detail.files} | {held.file.filename for held in nearer.withheld}
    added = [file for file in further.detail.files if file.filename not in here]
    serial = max(nearer.detail.serial, further.detail.serial)
    return replace(
        nearer,
        detail=replace(nearer.detail, files=(*nearer.detail.files, *added), serial=serial),
        withheld=nearer.withheld + tuple(held for held in further.withheld if held.file.filename not in here),
        warnings=nearer.warnings + further.warnings,
        valid_until=min((end for end in (nearer.valid_until, further.valid_until) if end), default=None),
        stale=nearer.stale or further.stale,
    )
