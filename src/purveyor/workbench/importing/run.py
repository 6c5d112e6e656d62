"""One run of an import: every file of a source is brought here, is here already, or is told with the reason why not."""

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from purveyor.application import Application
from purveyor.errors import Conflict, IndexUnreachable, PurveyorError, Refused, StoreFailed
from purveyor.model.files import DistributionFile, ParsedFilename, parse_filename
from purveyor.model.names import normalize
from purveyor.model.projects import ProjectStatus
from purveyor.publishing.adoption import History
from purveyor.workbench.importing.offers import Batch, Content, Offer, Source, believable

Item = TypeVar("Item")
Result = TypeVar("Result")

_THREADS = 4
_AHEAD = 4 * _THREADS
_SETTLE_EVERY = 256


class Outcome(StrEnum):
    IMPORTED = "imported"
    ALREADY_HERE = "already-here"
    CONFLICT = "conflict"
    NOT_FETCHED = "not-fetched"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of one file. `file` is what is here now; `reasons` say why not, or what the file was forgiven."""

    name: str
    outcome: Outcome
    file: DistributionFile | None = None
    reasons: tuple[str, ...] = ()
    size: int = 0


@dataclass(slots=True)
class Report:
    """What has been done so far. `projects_done` of `projects` have been gone through."""

    projects: int = 0
    projects_done: int = 0
    files: list[Brought] = field(default_factory=list)
    statuses: dict[str, ProjectStatus] = field(default_factory=dict)
    bytes: int = 0

    def of(self, *outcomes: Outcome) -> list[Brought]:
        return [brought for brought in self.files if brought.outcome in outcomes]

    @property
    def left(self) -> list[Brought]:
        """What is not here, for whatever reason; another run may fetch what could not be fetched."""
        return self.of(Outcome.CONFLICT, Outcome.REFUSED, Outcome.NOT_FETCHED)


class Import:
    """Brings a source's files into the index of `app`. With `dry`, nothing is changed, and only what is here already is read.

    `stop` is set where the run is ended early; what is done by then stays done.
    """

    def __init__(self, app: Application, source: Source, stop: threading.Event, *, dry: bool = False) -> None:
        self._app = app
        self._source = source
        self._stop = stop
        self._dry = dry
        self.report = Report()

    def run(self, projects: Sequence[str], tell: Callable[[Report], None]) -> Report:
        """These projects of the source; `tell` is called as the report grows. A disk that fails ends the run."""
        if not self._dry:
            self._app.adoption.check()
        self.report.projects = len(projects)
        pool = ThreadPoolExecutor(_THREADS)
        try:
            fetched = True
            batches = (future.result() for _, future in _ahead(pool, self._source.batch, projects, _THREADS))
            for (batch, offer, last), future in _ahead(pool, self._bring_next, _offers(batches), _AHEAD):
                if brought := future.result() if offer else None:
                    self._note(brought, pool)
                    fetched = fetched and brought.outcome is not Outcome.NOT_FETCHED
                if last:
                    self._finish(batch, fetched=fetched)
                    fetched = True
                tell(self.report)
        finally:
            self._stop.set()
            pool.shutdown(cancel_futures=True)
            if not self._dry:
                self._app.settler.settle()
        return self.report

    def _note(self, brought: Brought, pool: ThreadPoolExecutor) -> None:
        self.report.files.append(brought)
        if brought.outcome is Outcome.IMPORTED:
            self.report.bytes += brought.size
            if not self._dry and len(self.report.files) % _SETTLE_EVERY == 0:
                pool.submit(self._app.settler.settle)

    def _finish(self, batch: Batch, *, fetched: bool) -> None:
        """A status may forbid new files: it waits until there are none to come."""
        self.report.projects_done += 1
        self.report.files += [Brought(missing.name, Outcome.REFUSED, reasons=(missing.reason,)) for missing in batch.missing]
        if (
            fetched
            and not self._dry
            and batch.status != ProjectStatus()
            and self._app.adoption.keep_status(normalize(batch.project), batch.status)
        ):
            self.report.statuses[batch.project] = batch.status

    def _bring_next(self, step: "tuple[Batch, Offer | None, bool]") -> Brought | None:
        return self._bring(step[1]) if step[1] else None

    def _bring(self, offer: Offer) -> Brought:
        try:
            return self._source.patiently(lambda: self._attempt(offer))
        except StoreFailed:
            raise
        except Conflict as conflict:
            return Brought(offer.filename, Outcome.CONFLICT, reasons=(conflict.detail,))
        except Refused as refused:
            return Brought(offer.filename, Outcome.REFUSED, reasons=refused.complaints)
        except IndexUnreachable as error:
            return Brought(offer.filename, Outcome.NOT_FETCHED, reasons=(error.detail, error.remedy))
        except PurveyorError as error:
            return Brought(offer.filename, Outcome.REFUSED, reasons=(error.detail,))

    def _attempt(self, offer: Offer) -> Brought:
        parsed = parse_filename(offer.filename)
        limit = self._app.settings.max_upload_size
        if offer.size is not None and offer.size > limit:
            raise Refused(f"The file has {offer.size} bytes; at most {limit} are accepted.")
        if there := self._app.adoption.there(offer.filename):
            self._app.adoption.check_same(there, offer.hashes.get("sha256") or self._sha256(offer))
            return Brought(offer.filename, Outcome.ALREADY_HERE, there, _changed_since(there, offer))
        if self._dry:
            return Brought(offer.filename, Outcome.IMPORTED, size=offer.size or 0)
        return self._adopt(offer, parsed)

    def _adopt(self, offer: Offer, parsed: ParsedFilename) -> Brought:
        with offer.open() as content, self._app.blobs.stage() as staging:
            sha256 = _transferred(offer, content, self._app.settings.max_upload_size, staging.write)
            uploaded_at = offer.uploaded_at or believable(content.modified)
            history = History(uploaded_at, offer.uploaded_by, offer.yanked, offer.origin)
            adopted = self._app.adoption.adopt(parsed, staging, sha256, history)
        outcome = Outcome.IMPORTED if adopted.created else Outcome.ALREADY_HERE
        return Brought(offer.filename, outcome, adopted.file, adopted.faults, adopted.file.size)

    def _sha256(self, offer: Offer) -> str:
        with offer.open() as content:
            return _transferred(offer, content, self._app.settings.max_upload_size, lambda _data: None)


def _transferred(offer: Offer, content: Content, limit: int, write: Callable[[bytes], None]) -> str:
    """Hand the bytes on, and return their sha256; `Refused` where they are too many, or not those that the source states."""
    hashers = {name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", *offer.hashes}}
    size = 0
    for chunk in content.chunks:
        size += len(chunk)
        if size > limit:
            raise Refused(f"The file has more than {limit} bytes, the most that are accepted.")
        if offer.size is not None and size > offer.size:
            raise Refused(f"The source states {offer.size} bytes, but more arrived.")
        write(chunk)
        for hasher in hashers.values():
            hasher.update(chunk)
    if offer.size is not None and size < offer.size:
        raise Refused(f"The source states {offer.size} bytes, but {size} arrived.")
    for name, stated in offer.hashes.items():
        if (arrived := hashers[name].hexdigest()) != stated:
            raise Refused(f"The source states the {name} {stated[:128]}, but the {size} bytes that arrived have {arrived}.")
    return hashers["sha256"].hexdigest()


def _changed_since(there: DistributionFile, offer: Offer) -> tuple[str, ...]:
    """What the source says otherwise than it is here: it stays as it is here, but nobody should miss it."""
    if (there.yanked is None) == (offer.yanked is None):
        return ()
    return ("It is yanked there, and not here." if offer.yanked else "It is yanked here, and not there.",)


def _offers(batches: Iterable[Batch]) -> Iterator[tuple[Batch, Offer | None, bool]]:
    """Every file with its project, and whether it is the project's last; None stands for a project without files."""
    for batch in batches:
        if not batch.offers:
            yield batch, None, True
        for number, offer in enumerate(batch.offers, 1):
            yield batch, offer, number == len(batch.offers)


def _ahead(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item], count: int
) -> Iterator[tuple[Item, Future[Result]]]:
    """Each item with its result to come, in order, while the pool works at up to `count` further ones."""
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    for item in items:
        waiting.append((item, pool.submit(work, item)))
        if len(waiting) > count:
            yield waiting.popleft()
    yield from waiting
