"""Another index, read through its simple API: JSON where it has it, HTML otherwise."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urljoin, urlsplit

from purveyor.errors import IndexUnreachable, Misconfigured, PurveyorError
from purveyor.formats.simple_reader import Key, OfferedFile, read_list, read_project
from purveyor.model.names import NormalizedName, is_valid, normalize
from purveyor.workbench.destination import Credentials, origin
from purveyor.workbench.importing.asking import Asking, T
from purveyor.workbench.importing.offers import Batch, Missing, Offer, believable, is_distribution, known_hashes

LIST_LIMIT = 20_000
"""Projects above which a whole index is taken only when that is asked for: nobody copies a public registry by mistake."""

_ENDINGS = ("simple", "+simple")


class Index:
    """The index at `url`, which has no credentials in it."""

    kind = "an index"

    def __init__(self, url: str, credentials: Credentials | None, stop: threading.Event, *, everything: bool) -> None:
        self._asking = Asking(url, credentials, stop)
        self._everything = everything
        self._pages: dict[str, str] = {}
        self.shown = self._simple_url(url)

    def close(self) -> None:
        self._asking.close()

    def patiently(self, work: Callable[[], T]) -> T:
        return self._asking.patiently(work)

    def projects(self, wanted: Sequence[NormalizedName]) -> Sequence[str]:
        if wanted:
            return wanted
        page = self._asking.page(self.shown)
        if page is None:
            raise IndexUnreachable(f"{self.shown} lists no projects.", "Name the projects to import, or check the URL.")
        listed = [project for project in read_list(page.body, page.content_type, page.url).projects if is_valid(project.name)]
        if len(listed) > LIST_LIMIT and not self._everything:
            raise Misconfigured(
                f"{self.shown} lists {len(listed):,} projects; more than {LIST_LIMIT:,} are not taken as a whole.",
                "Name the projects to import, or give --all if you mean it.",
            )
        # A link is followed where it stays on the index; a JSON list has none.
        self._pages = {project.name: project.url for project in listed if project.url and self._is_here(project.url)}
        return list(dict.fromkeys(project.name for project in listed))

    def batch(self, project: str) -> Batch:
        try:
            return self._batch(project)
        except PurveyorError as error:
            return Batch(project, missing=(Missing(project, error.detail),))

    def _batch(self, project: str) -> Batch:
        found = self._asking.page(self._pages.get(project) or urljoin(self.shown, f"{normalize(project)}/"))
        if found is None:
            return Batch(project, missing=(Missing(project, "The index has no project of that name."),))
        page = read_project(found.body, found.content_type, found.url)
        faults = [fault.detail for fault in page.faults if fault.key in (Key.BODY, Key.FILES) and not fault.filename]
        offers = tuple(self._offer(file) for file in page.files if is_distribution(file.filename))
        return Batch(project, offers, page.status, tuple(Missing(project, detail) for detail in faults))

    def _offer(self, file: OfferedFile) -> Offer:
        return Offer(
            filename=file.filename,
            origin=_kept(file.url),
            open=partial(self._asking.file, file.url),
            hashes=known_hashes(file.hashes),
            size=file.size,
            uploaded_at=believable(file.uploaded_at),
            yanked=file.yanked,
        )

    def _is_here(self, url: str) -> bool:
        try:
            return origin(url) == origin(self.shown)
        except ValueError:  # no URL at all
            return False

    def _simple_url(self, url: str) -> str:
        """The URL as given, unless it is that of something above a simple API."""
        if urlsplit(url).path.rstrip("/").rpartition("/")[2] in _ENDINGS:
            return url
        candidates = [*(urljoin(url, f"{ending}/") for ending in _ENDINGS), url]
        return next((candidate for candidate in candidates if self._asking.has_page(candidate)), url)


def _kept(url: str) -> str:
    """Where a file came from, as it may be kept: without credentials and without a query, which may be a signature."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
