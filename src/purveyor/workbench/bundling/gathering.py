"""Fetches what a bundle is to hold into a directory beside it, each file under its sha256, so that a run that was cut short goes on."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from msgspec import structs

from purveyor.errors import CheckFailed, IndexUnreachable, Refused
from purveyor.formats.archives import Limits
from purveyor.formats.simple_reader import Key, OfferedFile, ProjectPage, read_project
from purveyor.model.files import DistributionFile, Yanked, parse_filename
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail, ProjectStatus
from purveyor.publishing.inspecting import inspect_old
from purveyor.workbench.bundling.wanted import Wanted
from purveyor.workbench.destination import Destination
from purveyor.workbench.importing.asking import Asking, netrc_credentials
from purveyor.workbench.importing.offers import believable, known_hashes
from purveyor.workbench.progress import Progress

_THREADS = 4


@dataclass(frozen=True, slots=True)
class Gathered:
    """One file of the bundle: its row, its core metadata if that is offered, and what its project's index calls and says of that."""

    file: DistributionFile
    display_name: str
    metadata: bytes | None
    status: ProjectStatus


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of a file before it is fetched."""

    filename: str
    url: str
    asking: Asking
    hashes: Mapping[str, str]
    offered: OfferedFile | None
    status: ProjectStatus
    wanted: Wanted

    @property
    def size(self) -> int:
        """0 where nobody says."""
        return (self.offered.size if self.offered else self.wanted.size) or 0


class Gathering:
    """`index_url` is where everything is looked for; None stands for the index that a lock file names with each file."""

    def __init__(self, index_url: str | None, partial: Path, limits: Limits, stop: threading.Event, progress: Progress) -> None:
        self._index_url = index_url
        self._partial = partial
        self._limits = limits
        self._stop = stop
        self._progress = progress
        self._asked: dict[str, Asking] = {}
        self._turn = threading.Lock()
        self._advance: Callable[[int], None] = lambda _count: None
        self.indexes: set[str] = set()
        self.fetched = 0
        self.reused = 0

    def close(self) -> None:
        for asking in self._asked.values():
            asking.close()

    def gather(self, wanted: Iterable[Wanted]) -> list[Gathered]:
        """All of them, or raises `Refused`, `IndexUnreachable`, `NotFound`...; what was fetched by then stays for the next run."""
        by_project: dict[NormalizedName, dict[str, Wanted]] = {}
        for file in wanted:
            by_project.setdefault(file.project, {}).setdefault(file.filename, file)
        with ThreadPoolExecutor(_THREADS) as pool:
            try:
                facts = [fact for found in pool.map(self._facts, by_project.values()) for fact in found]
                label = f"Fetching {len(facts)} files of {len(by_project)} projects"
                with self._progress.transfer(label, sum(fact.size for fact in facts)) as self._advance:
                    return list(pool.map(self._gathered, facts))
            except BaseException:
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _facts(self, files: Mapping[str, Wanted]) -> list[_Facts]:
        """The page of a project is read once for each index that its files are looked for on."""
        pages: dict[str, tuple[Asking, ProjectPage] | None] = {}
        found = []
        for wanted in files.values():
            index = self._index_url or wanted.index
            if index is not None and index not in pages:
                pages[index] = self._page(index, wanted.project)
            found.append(self._fact(wanted, pages.get(index) if index else None))
        return found

    def _page(self, index: str, project: NormalizedName) -> tuple[Asking, ProjectPage] | None:
        asking, simple_url = self._asking(index)
        page = asking.page(urljoin(simple_url, f"{project}/"))
        if page is None:
            return None
        read = read_project(page.body, page.content_type, page.url)
        if fault := next((fault for fault in read.faults if fault.key is Key.BODY), None):
            raise IndexUnreachable(f"The page of {project} cannot be read: {fault.detail}", "Check the URL of the index.")
        return asking, read

    def _fact(self, wanted: Wanted, page: tuple[Asking, ProjectPage] | None) -> _Facts:
        """As the index offers it; else, unless one was named, from where the lock file says."""
        offered = next((file for file in page[1].files if file.filename == wanted.filename), None) if page else None
        stated = known_hashes(wanted.hashes)
        if page and offered:
            return _Facts(wanted.filename, offered.url, page[0], known_hashes(offered.hashes) | stated, offered, page[1].status, wanted)
        if self._index_url is not None or wanted.url is None or not stated:
            where = self._index_url or wanted.index or "any index"
            raise CheckFailed(f"{wanted.filename} is not on {_bare(where)}.", "Name an index that has it with --index-url.")
        asking = self._asking(wanted.index)[0] if wanted.index else self._host(wanted.url)
        return _Facts(wanted.filename, wanted.url, asking, stated, None, ProjectStatus(), wanted)

    def _asking(self, url: str) -> tuple[Asking, str]:
        with self._turn:
            named = Destination.of(url)
            if url not in self._asked:
                # A host's credentials stand in the URL, or where pip and uv look for them too.
                self._asked[url] = Asking(named.simple_url, named.credentials or netrc_credentials(named.simple_url), self._stop)
                self.indexes.add(named.simple_url)
            return self._asked[url], named.simple_url

    def _host(self, url: str) -> Asking:
        """Of a file of which no index is known."""
        with self._turn:
            root = urljoin(url, "/")
            if root not in self._asked:
                self._asked[root] = Asking(root, netrc_credentials(root), self._stop)
            return self._asked[root]

    def _gathered(self, facts: _Facts) -> Gathered:
        sha256 = self._fetched(facts)
        path = self._partial / sha256
        parsed = parse_filename(facts.filename)
        try:
            with path.open("rb") as source:
                inspected = inspect_old(source, parsed, self._limits)
        except Refused as refused:
            raise Refused([f"{facts.filename}: {complaint}" for complaint in refused.complaints]) from None
        uploaded_at = believable(facts.offered.uploaded_at if facts.offered else facts.wanted.uploaded_at)
        row = inspected.described(size=path.stat().st_size, sha256=sha256, uploaded_at=uploaded_at, uploaded_by=None)
        yanked: Yanked | None = facts.offered.yanked if facts.offered else None
        row = structs.replace(row, yanked=yanked, origin=_bare(facts.url))
        return Gathered(row, inspected.metadata.name, inspected.raw if inspected.offered else None, facts.status)

    def _fetched(self, facts: _Facts) -> str:
        """The sha256 under which the file lies in the directory now."""
        known = facts.hashes.get("sha256")
        if known and _has(self._partial / known, known):
            self.reused += 1
            self._tell(facts.size)
            return known
        return facts.asking.patiently(lambda: self._fetch(facts))

    def _tell(self, count: int) -> None:
        with self._turn:
            self._advance(count)

    def _fetch(self, facts: _Facts) -> str:
        hashers = {name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", *facts.hashes}}
        under_way = self._partial / f"{facts.filename}.part"
        with facts.asking.file(facts.url) as content, under_way.open("wb") as file:
            arrived = 0
            for chunk in content.chunks:
                arrived += len(chunk)
                if facts.size and arrived > facts.size:
                    raise Refused(f"{facts.filename} has more bytes than the {facts.size} that the index states.")
                file.write(chunk)
                for hasher in hashers.values():
                    hasher.update(chunk)
                self._tell(len(chunk))
        for name, stated in facts.hashes.items():
            if (digest := hashers[name].hexdigest()) != stated:
                under_way.unlink()
                raise Refused(f"{facts.filename} should have the {name} {stated}, but the {arrived} bytes that arrived have {digest}.")
        sha256 = hashers["sha256"].hexdigest()
        under_way.replace(self._partial / sha256)
        self.fetched += 1
        return sha256


def projects_of(gathered: Sequence[Gathered]) -> tuple[ProjectDetail, ...]:
    """The projects in order, each with its files in order."""
    by_name: dict[NormalizedName, list[Gathered]] = {}
    for one in gathered:
        by_name.setdefault(one.file.project, []).append(one)
    return tuple(
        # Wheels of one release may spell the name differently; the first in order counts.
        ProjectDetail(name, files[0].display_name, files[0].status, tuple(one.file for one in files))
        for name, files in ((name, sorted(by_name[name], key=lambda one: one.file.filename)) for name in sorted(by_name))
    )


def _has(path: Path, sha256: str) -> bool:
    with suppress(FileNotFoundError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    return False


def _bare(url: str) -> str:
    """The URL as it may be kept: without credentials, and without a query, which may be a signature."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
