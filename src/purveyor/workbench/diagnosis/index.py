"""Whether what answers at the index URL is an index, and if not, what it is."""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import urlsplit

from purveyor.errors import Refused
from purveyor.formats.simple_reader import HTML_TYPES, JSON_TYPE, ListPage, media_type, read_list, read_project
from purveyor.model.files import parse_filename
from purveyor.workbench.diagnosis.findings import Finding
from purveyor.workbench.verification.fetching import Answer, IndexClient

ACCEPT = f"{JSON_TYPE}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
LIST_LIMIT = 5 << 20
"""Bytes of the project list that are read at most; of a longer one no names are suggested."""

SLOW = 2.0
"""Seconds for the project list from which on people wait: pip asks at least one page for each project."""

_LISTING = re.compile(rb"<title>\s*(directory listing for|index of)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SeenIndex:
    """`names` as the list spells them; None where the list is too long to read, or there is no index. `answer` may be a failure."""

    answer: Answer
    findings: tuple[Finding, ...]
    names: tuple[str, ...] | None = None

    @property
    def silent(self) -> bool:
        return self.answer.status == 0

    @property
    def usable(self) -> bool:
        return any(finding.code == "index-answers" for finding in self.findings)


def look_at_index(client: IndexClient, slow: float = SLOW) -> SeenIndex:
    """What the index URL gives to an installer. No finding of its own where nothing answers: that is the server's subject."""
    began = perf_counter()
    answer = client.page(client.target.url, ACCEPT, LIST_LIMIT)
    seconds = perf_counter() - began
    if answer.status == 0:
        return SeenIndex(answer, ())
    wrong = _refusal(client, answer) if not answer.ok else _not_an_index(client, answer)
    if wrong:
        return SeenIndex(answer, (wrong,))
    names = None if answer.cut else tuple(project.name.rstrip("/") for project in _read(answer).projects)
    return SeenIndex(answer, tuple(_findings(answer, names, seconds, slow)), names)


def _findings(answer: Answer, names: tuple[str, ...] | None, seconds: float, slow: float) -> Iterable[Finding]:
    count = "more projects than were read" if names is None else f"{len(names)} project{'' if len(names) == 1 else 's'}"
    yield Finding("index-answers", f"{answer.url} is an index with {count}.")
    if media_type(answer.content_type) != JSON_TYPE:
        yield Finding(
            "index-without-json",
            "The index has no JSON pages, so it states no upload times.",
            "Cut-off dates (`--uploaded-prior-to`, `--exclude-newer`) need them: with one, installers find nothing or stop.",
            "Serve the files with an index that has JSON, for instance `purveyor serve FOLDER`.",
        )
    if seconds > slow:
        yield Finding(
            "index-slow",
            f"The project list took {seconds:.1f} seconds.",
            "Installers ask one page for each project, so an install takes as many times as long.",
            "Look at what the server is busy with, and at what stands between: a proxy, a name server, a VPN.",
        )


def _refusal(client: IndexClient, answer: Answer) -> Finding:
    """The finding for an answer that is not a success."""
    url = client.target.url
    if answer.status in (401, 403):
        return Finding(
            "index-needs-credentials",
            f"{url} {answer.outcome}.",
            "The index wants to know who reads it"
            + (", and does not accept the credentials given." if client.target.credentials else ", and no credentials were given."),
            "Put user and password into the URL; for pip and uv, into .netrc or the keyring.",
            f"purveyor doctor --index-url {_with_user(url)}",
        )
    if answer.status >= 500 or answer.failure:  # noqa: PLR2004 - from here on it is the server's fault
        return Finding(
            "index-fails", f"{url} {answer.outcome}.", "The server has an error of its own.", "Its log has the cause.", "purveyor logs"
        )
    return _elsewhere(client) or Finding(
        "index-not-found",
        f"{url} {answer.outcome}.",
        "Something answers on that host and port, but there is no index at that path, nor at /simple/.",
        "Start the index there, or give the URL that `purveyor status` or `purveyor serve` shows.",
        "purveyor status",
    )


def _not_an_index(client: IndexClient, answer: Answer) -> Finding | None:
    """None for an index. A server's own address given for its index's is the commonest mistake of all."""
    if _is_index(answer):
        return None
    listing = _LISTING.search(answer.body[:4096]) is not None
    if listing and _leads_to_files(client, answer):
        return None
    if better := _elsewhere(client):
        return better
    if listing:
        return _file_listing(client.target.url)
    if client.target.root != client.target.url and any(not _is_distribution(project.name) for project in _read(answer).projects):
        return None  # an old index, which does not state the version of its pages
    return Finding(
        "index-not-an-index",
        f"{client.target.url} answers with a page ({media_type(answer.content_type) or 'without a type'}) that is no project list.",
        "Another service has that address, or a proxy shows a page of its own.",
        "Give the URL that `purveyor status` or `purveyor serve` shows.",
        "purveyor status",
    )


def _file_listing(url: str) -> Finding:
    return Finding(
        "index-file-listing",
        f"{url} is a listing of a directory's files, not an index.",
        "A plain web server such as `python -m http.server` runs there, and installers look for a page of each project.",
        "Start an index that serves the folder instead; or export an index, and serve that directory.",
        "purveyor serve FOLDER --port 0",
    )


def _leads_to_files(client: IndexClient, answer: Answer) -> bool:
    """Whether the listing is of directories with distribution files in them, which installers can use."""
    directories = [project for project in _read(answer).projects if project.name.endswith("/") and project.url]
    for directory in directories[:3]:
        page = client.page(directory.url or "", ACCEPT, LIST_LIMIT)
        if page.ok and any(_is_distribution(file.filename) for file in read_project(page.body, page.content_type, page.url).files):
            return True
    return False


def _is_distribution(filename: str) -> bool:
    try:
        parse_filename(filename)
    except Refused:
        return False
    return True


def _elsewhere(client: IndexClient) -> Finding | None:
    """The index at one of the places where it is when it is not where people look."""
    url = client.target.url
    for candidate in _candidates(url):
        if _is_index(client.page(candidate, ACCEPT, LIST_LIMIT)):
            return Finding(
                "index-wrong-path",
                f"There is no index at {url}, but there is one at {candidate}.",
                "Clients add the project's name to the URL they are given, and nothing else.",
                f"Use {candidate} wherever an index URL is asked for.",
                f"purveyor doctor --index-url {shlex.quote(candidate)}",
            )
    return None


def _candidates(url: str) -> list[str]:
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}/"
    path = [segment for segment in parts.path.split("/") if segment]
    above = [f"{origin}{'/'.join([*path[:depth], 'simple'])}/" for depth in range(len(path), -1, -1)]
    return [candidate for candidate in dict.fromkeys(above) if candidate != url][:4]


def _is_index(answer: Answer) -> bool:
    """Whether the page says so itself: it is of the JSON type, or HTML that states the version of the Simple API.

    A project's page says the same of itself, but lists files.
    """
    if not answer.ok or media_type(answer.content_type) not in (JSON_TYPE, *HTML_TYPES):
        return False
    if answer.cut:
        return media_type(answer.content_type) == JSON_TYPE
    if any(_is_distribution(file.filename) for file in read_project(answer.body, answer.content_type, answer.url).files):
        return False
    return _read(answer).api_version is not None


def _read(answer: Answer) -> ListPage:
    return read_list(answer.body, answer.content_type, answer.url)


def _with_user(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return shlex.quote(f"{scheme}://USER:PASSWORD@{rest}")
