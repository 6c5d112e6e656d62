"""Pages: made when content changes, picked when asked for."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from purveyor.formats import codings, simple_html, simple_json
from purveyor.formats.representation import JSON
from purveyor.model.indexes import IndexName, shown
from purveyor.model.journal import Changes
from purveyor.model.names import NormalizedName
from purveyor.serving.admissions import Offer
from purveyor.serving.bodies import Body, collect, cost, length, pieces
from purveyor.serving.following import Follower
from purveyor.serving.offers import Offers
from purveyor.serving.project_lists import ProjectLists

_WARNING_LIMIT = 1000


class PageKey(Struct, frozen=True):
    """`project` is None for the project list."""

    index: IndexName
    project: NormalizedName | None
    media_type: str
    coding: str


class Page(Struct, frozen=True):
    """One representation. It is right for as long as its project has not changed after `serial`, and until `valid_until`.

    `upstream` is the remote index that a project comes from if it is not hosted here, and `stale` says since how many seconds, and why, it
    may be otherwise there by now. `advisories` are those on offered releases, of which the policy warns.
    """

    body: Body
    media_type: str
    coding: str
    etag: str
    serial: int
    valid_until: datetime | None = None
    upstream: str = ""
    stale: str = ""
    advisories: str = ""

    def is_valid(self, now: datetime) -> bool:
        return self.valid_until is None or now < self.valid_until


class Pages:
    """Held pages, up to `memory` bytes of them, the least recently made given up first."""

    def __init__(
        self, offers: Offers, lists: ProjectLists, follower: Follower, folder: Path, memory: int, *, now: Callable[[], datetime]
    ) -> None:
        self._now = now
        self._lists = lists
        self._offers = offers
        self._follower = follower
        self._folder = folder
        self._memory = memory
        self._held: OrderedDict[PageKey, Page] = OrderedDict()
        # The held pages of each project, and under None those of lists: a change finds its own among however many there are.
        self._about: dict[NormalizedName | None, set[PageKey]] = {}
        self._size = 0
        self.found = self.made = 0
        """How often a page was there, and how often it had to be made first."""
        self._flights: dict[tuple[PageKey, int], Future[Page | None]] = {}
        self._flights_turn = threading.Lock()
        # As with what upstreams send: one at a time.
        self._writing = threading.Lock()
        follower.tell(self._drop)

    def held(self, key: PageKey) -> Page | None:
        page = self._held.get(key) if self._follower.is_current() else None
        if page is None or not page.is_valid(self._now()):
            return None
        self.found += 1
        return page

    def get(self, key: PageKey) -> Page | None:
        """The page, made now if it is not held; None where there is no such project. However many ask, it is made once."""
        if not self._follower.is_current():
            self._follower.catch_up()
        page = self._held.get(key)
        if page is not None and page.is_valid(self._now()):
            return page
        # With the mark in the key, whoever comes after a change never joins a flight that set out before it.
        flight_key = (key, self._follower.mark())
        with self._flights_turn:
            flight = self._flights.get(flight_key)
            if mine := flight is None:
                flight = self._flights[flight_key] = Future()
                self.made += 1
        assert flight is not None
        if mine:
            self._fly(flight_key, flight)
        return flight.result()

    def _fly(self, flight_key: tuple[PageKey, int], flight: Future[Page | None]) -> None:
        key, mark = flight_key
        try:
            page = self._make(key)
            if page is not None:
                self._hold(key, page, mark)
            flight.set_result(page)
        except BaseException as error:  # noqa: BLE001 - every waiting request gets the same answer
            flight.set_exception(error)
        finally:
            del self._flights[flight_key]

    def _make(self, key: PageKey) -> Page | None:
        if key.project is None:
            return self._make_list(key)
        offer = self._offers.project(key.index, key.project)
        if offer is None:
            return None
        with self._writing:
            return self._written(key, offer)

    def _written(self, key: PageKey, offer: Offer) -> Page:
        detail = offer.detail
        body = simple_json.write_detail(detail) if key.media_type == JSON else simple_html.write_detail(detail)
        sealed = self._seal(codings.encode([body], key.coding), key, detail.serial) if key.coding != "identity" else None
        if sealed is None or length(sealed.body) >= len(body) * codings.WORTHWHILE:
            sealed = self._seal([body], replace(key, coding="identity"), detail.serial)
        return replace(sealed, valid_until=offer.valid_until, upstream=_upstream(offer), stale=offer.stale, advisories=_advisories(offer))

    def _make_list(self, key: PageKey) -> Page | None:
        if key.coding == "identity":
            body, digest, serial = self._lists.make(key.index, key.media_type)
            return Page(body, key.media_type, key.coding, f'"{digest}"', serial)
        plain = self.get(replace(key, coding="identity"))
        if plain is None:
            return None
        page = self._seal(codings.encode(pieces(plain.body), key.coding, of_names=True), key, plain.serial)
        return page if length(page.body) < length(plain.body) * codings.WORTHWHILE else plain

    def _seal(self, stream: Iterable[bytes], key: PageKey, serial: int) -> Page:
        body, digest = collect(stream, self._folder)
        return Page(body, key.media_type, key.coding, f'"{digest}"', serial)

    def _hold(self, key: PageKey, page: Page, mark: int) -> None:
        size = cost(page.body)
        if size > self._memory:
            return
        with self._follower.turn:
            if self._follower.mark() != mark:
                return
            if key in self._held:
                self._let_go(key)
            self._held[key] = page
            self._about.setdefault(key.project, set()).add(key)
            self._size += size
            while self._size > self._memory:
                self._let_go(next(iter(self._held)))

    def _let_go(self, key: PageKey) -> None:
        self._size -= cost(self._held.pop(key).body)
        self._about[key.project].remove(key)
        if not self._about[key.project]:
            del self._about[key.project]

    def _drop(self, changes: Changes) -> None:
        """Called under the follower's turn."""
        touched: set[NormalizedName | None] = set(self._about if changes.everything else changes.projects)
        if changes.list_changed:
            touched.add(None)
        for about in touched & self._about.keys():
            for key in list(self._about[about]):
                self._let_go(key)


def _advisories(offer: Offer) -> str:
    """In one header field, which many clients allow no more than 8 KiB for all of them."""
    text = "; ".join(map(str, offer.warnings))
    return text if len(text) <= _WARNING_LIMIT else f"{text[:_WARNING_LIMIT]}... ({len(offer.warnings)} in all)"


def _upstream(offer: Offer) -> str:
    return shown(offer.source) if offer.pulled else ""
