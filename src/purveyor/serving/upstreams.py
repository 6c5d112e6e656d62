"""Projects of remote indexes: fresh for a while, then asked for again; as they were last seen while an upstream is not as it should be."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from purveyor.errors import PurveyorError, Refused, UpstreamFailed
from purveyor.formats.snapshot_document import same
from purveyor.interfaces import FetchedPage, Snapshot, Unchanged, Upstream, Validators
from purveyor.model.files import DistributionFile, LateFiles
from purveyor.model.indexes import PYPI, shown
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail
from purveyor.serving.notes import Notes
from purveyor.serving.waiters import Waiters

log = logging.getLogger("purveyor")

# How long an answer that stands in for a better one, and the word that there is no such project, are held.
STALE_SECONDS = 5
ABSENT_SECONDS = 30
# An upstream may ask us to hold its pages, but not for ever.
_LONGEST = timedelta(hours=1)
# With something to offer in its place, nobody waits longer than this for a page.
_PATIENCE = 3.0
_AT_ONCE = 32
# Files of the projects that are kept as objects, and names known to be absent.
_FILES_IN_MEMORY = 60_000
_ABSENT_IN_MEMORY = 10_000

Key = tuple[str, NormalizedName]


class Pulled(Struct, frozen=True):
    """A project as a remote index has it, right until `valid_until`. `stale` says since when and why it may be otherwise by now."""

    detail: ProjectDetail
    valid_until: datetime
    stale: str = ""


class Upstreams:
    """Upstreams go by their URL, or by the name of the ready-made one, whose URL `ready_made` finds, if there is any.

    `fresh` is for how many seconds a page is not asked for again; with `offline`, none ever is.
    """

    def __init__(
        self,
        upstream: Upstream,
        notes: Notes,
        now: Callable[[], datetime],
        ready_made: Callable[[], str | None],
        fresh: float,
        *,
        offline: bool,
    ) -> None:
        self._ready_made = lru_cache(ready_made)
        self._upstream = upstream
        self._notes = notes
        self._now = now
        self._fresh = timedelta(seconds=fresh)
        self._offline = offline
        self._held = _Held()
        self._flights: dict[Key, Future[Snapshot | None]] = {}
        self._turn = threading.Lock()
        self._closed = False
        self._asking = threading.Semaphore(_AT_ONCE)
        # However many pages arrive together, one is read at a time: threads in want of the interpreter keep the event loop from it.
        self._reading = threading.Lock()
        self._threads = Waiters(_AT_ONCE, "ask")
        self._resting: dict[str, tuple[float, UpstreamFailed]] = {}

    def url(self, upstream: str) -> str | None:
        """Where the upstream is; None for the ready-made one where this machine knows of none."""
        return self._ready_made() if upstream == PYPI else upstream

    def project(self, upstream: str, name: NormalizedName) -> Pulled | None:
        """The project as the upstream has it; None if that says it has none. Raises `UpstreamFailed` when nobody can tell."""
        url = self.url(upstream)
        return None if url is None else self._project(url, name)

    def _project(self, url: str, name: NormalizedName) -> Pulled | None:
        now, held = self._now(), self._known(url, name)
        if held is not None and now < held.fresh_until:
            return self._pulled(held, held.fresh_until)
        if self._offline:
            return None if held is None else self._pulled(held, now + _LONGEST)
        if self._held.is_absent((url, name), now):
            return None
        try:
            found = self._ask(url, name, held)
        except UpstreamFailed as error:
            if held is None:
                raise
            return self._pulled(held, now + timedelta(seconds=STALE_SECONDS), _excuse(held, now, error))
        return None if found is None else self._pulled(found, found.fresh_until)

    def seen(self, upstream: str, name: NormalizedName) -> ProjectDetail | None:
        """The project as it was last seen, however long ago that was: to find a file by, whose bytes its digest tells."""
        held = self._seen(upstream, name)
        return None if held is None else self._completed(held.detail)

    def has_seen(self, upstream: str, file: DistributionFile) -> bool:
        """Whether that is where the file was seen."""
        held = self._seen(upstream, file.project)
        seen = None if held is None else held.detail.file(file.filename)
        return seen is not None and (seen.origin, seen.sha256) == (file.origin, file.sha256)

    def is_fresh(self, upstream: str, name: NormalizedName) -> bool:
        """Whether `project` would answer at once."""
        url = self.url(upstream)
        if url is None:
            return True
        now, held = self._now(), self._known(url, name)
        return self._offline or (held is not None and now < held.fresh_until) or self._held.is_absent((url, name), now)

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits for a page."""
        return bool(self._flights)

    def close(self) -> None:
        """Let go of whoever still waits."""
        with self._turn:
            self._closed = True
            for flight in self._flights.values():
                if not flight.done():
                    flight.set_exception(_stopping())
        self._upstream.close()
        self._threads.shutdown(cancel_futures=True)

    def _seen(self, upstream: str, name: NormalizedName) -> Snapshot | None:
        url = self.url(upstream)
        return None if url is None else self._held.get((url, name)) or self._known(url, name)

    def _pulled(self, snapshot: Snapshot, until: datetime, stale: str = "") -> Pulled:
        return Pulled(self._completed(snapshot.detail), until, stale)

    def _completed(self, detail: ProjectDetail) -> ProjectDetail:
        """With the core metadata that we found ourselves in wheels for which the upstream offers none."""
        files = detail.files
        if not (files.lacks_metadata if isinstance(files, LateFiles) else any(file.metadata_on_demand for file in files)):
            return detail
        found = self._notes.extracted(detail.name)
        if not found:
            return detail
        completed = files.with_metadata(found) if isinstance(files, LateFiles) else tuple(_with_metadata(file, found) for file in files)
        return replace(detail, files=completed)

    def _known(self, url: str, name: NormalizedName) -> Snapshot | None:
        """From memory while that is fresh, else from the database, where another process may have left a newer one."""
        held = self._held.get((url, name))
        if held is not None and self._now() < held.fresh_until:
            return held
        try:
            stored = self._notes.snapshot(_key(url), name)
        except ValueError:  # written by something else than this version: as if it were not there
            stored = None
        if stored is not None:
            self._held.put((url, name), stored)
        return stored or held

    def _ask(self, url: str, name: NormalizedName, held: Snapshot | None) -> Snapshot | None:
        """However many ask, the upstream is asked once; who has something to show meanwhile does not wait for ever."""
        self._check_rest(url)
        with self._turn:
            if self._closed:
                raise _stopping()
            flight = self._flights.get((url, name))
            if mine := flight is None:
                flight = self._flights[url, name] = Future()
                if held is not None:
                    self._threads.submit(self._fly, url, name, held, flight)
        assert flight is not None
        if mine and held is None:
            self._fly(url, name, None, flight)
        try:
            return flight.result(_PATIENCE if held is not None else None)
        except TimeoutError:
            raise UpstreamFailed(f"The upstream {shown(url)} takes longer than {_PATIENCE:.0f} seconds.", "Try again later.") from None

    def _check_rest(self, url: str) -> None:
        """Fail at once while it is of no use to ask."""
        until, error = self._resting.get(url, (0.0, None))
        if error is not None and time.monotonic() < until:
            raise UpstreamFailed(error.detail, error.remedy, wait=until - time.monotonic())

    def _fly(self, url: str, name: NormalizedName, held: Snapshot | None, flight: "Future[Snapshot | None]") -> None:
        try:
            found = self._fetch(url, name, held)
        except BaseException as error:  # noqa: BLE001 - every waiting request gets the same answer
            self._land(url, name, flight, None, error)
        else:
            self._land(url, name, flight, found, None)

    def _land(
        self, url: str, name: NormalizedName, flight: "Future[Snapshot | None]", found: Snapshot | None, error: BaseException | None
    ) -> None:
        if isinstance(error, UpstreamFailed):
            log.warning("%s", error.detail)
            if error.wait:
                self._resting[url] = (time.monotonic() + error.wait, error)
        elif error is not None and not isinstance(error, PurveyorError):
            log.error("internal error on %s of %s", name, shown(url), exc_info=error)
        with self._turn:
            del self._flights[url, name]
            if flight.done():
                return
            if error is None:
                flight.set_result(found)
            else:
                flight.set_exception(error)

    def _fetch(self, url: str, name: NormalizedName, held: Snapshot | None) -> Snapshot | None:
        with self._asking:
            answer = self._upstream.page(url, name, held.validators if held else Validators())
        now = self._now()
        if answer is None:
            self._held.put_absent((url, name), now + timedelta(seconds=ABSENT_SECONDS))
            if held is not None:
                self._notes.forget(_key(url), name)
            return None
        until = now + max(self._fresh, min(timedelta(seconds=answer.lifetime), _LONGEST))
        if isinstance(answer, Unchanged):
            assert held is not None  # without validators no answer is `Unchanged`
            return self._renewed(url, held, until)
        return self._taken(url, name, held, answer, until)

    def _renewed(self, url: str, held: Snapshot, until: datetime) -> Snapshot:
        renewed = replace(held, fresh_until=until)
        self._held.put((url, held.detail.name), renewed)
        self._notes.renew(_key(url), held.detail.name, until)
        return renewed

    def _taken(self, url: str, name: NormalizedName, held: Snapshot | None, page: FetchedPage, until: datetime) -> Snapshot:
        from purveyor.formats.pulled_page import read_detail  # noqa: PLC0415 - a server that never asks does without it

        try:
            with self._reading:
                detail, left_out = read_detail(page.body, page.content_type, page.url, name)
        except Refused as error:
            raise UpstreamFailed(f"The upstream {shown(url)} answers for {name} with what is no page: {error.detail}") from None
        if held is not None and same(held.detail, detail):
            detail = held.detail
        elif held is not None:
            detail = replace(detail, serial=held.detail.serial + 1)
        else:
            detail = replace(detail, serial=1)
        if left_out:
            log.info("%s: %d files of %s cannot be offered", shown(url), left_out, name)
        snapshot = Snapshot(detail, page.validators, until)
        self._held.put((url, name), snapshot)
        self._notes.put(_key(url), snapshot)
        return snapshot


class _Held:
    """Snapshots as objects, the least recently used given up first, and names that were found absent."""

    def __init__(self) -> None:
        self._snapshots: OrderedDict[Key, Snapshot] = OrderedDict()
        self._absent: OrderedDict[Key, datetime] = OrderedDict()
        self._files = 0
        self._turn = threading.Lock()

    def get(self, key: Key) -> Snapshot | None:
        with self._turn:
            found = self._snapshots.get(key)
            if found is not None:
                self._snapshots.move_to_end(key)
            return found

    def put(self, key: Key, snapshot: Snapshot) -> None:
        with self._turn:
            self._absent.pop(key, None)
            self._remove(key)
            self._snapshots[key] = snapshot
            self._files += _weight(snapshot)
            while self._files > _FILES_IN_MEMORY and len(self._snapshots) > 1:
                self._remove(next(iter(self._snapshots)))

    def put_absent(self, key: Key, until: datetime) -> None:
        with self._turn:
            self._remove(key)
            self._absent[key] = until
            if len(self._absent) > _ABSENT_IN_MEMORY:
                self._absent.popitem(last=False)

    def is_absent(self, key: Key, now: datetime) -> bool:
        until = self._absent.get(key)
        return until is not None and now < until

    def _remove(self, key: Key) -> None:
        if (there := self._snapshots.pop(key, None)) is not None:
            self._files -= _weight(there)


def _with_metadata(file: DistributionFile, found: Mapping[str, str]) -> DistributionFile:
    """Only what changes is made anew: this runs for each request, over all files of a project."""
    if file.metadata_sha256 or file.sha256 not in found:
        return file
    return replace(file, metadata_sha256=found[file.sha256], metadata_on_demand=False)


def _stopping() -> UpstreamFailed:
    return UpstreamFailed("The server is stopping.", "Try again in a moment.")


def _weight(snapshot: Snapshot) -> int:
    return len(snapshot.detail.files) + 1


def _key(url: str) -> str:
    """What names the upstream in the database: without its credentials, but another one for others, who may be shown something else."""
    parts = urlsplit(url)
    who = parts.netloc.rpartition("@")[0]
    return f"{shown(url)} {sha256(who.encode()).hexdigest()[:16]}" if who else shown(url)


def _excuse(held: Snapshot, now: datetime, error: UpstreamFailed) -> str:
    age = max(0, round((now - held.fresh_until).total_seconds()))
    return f"{age}; {error.detail}"
