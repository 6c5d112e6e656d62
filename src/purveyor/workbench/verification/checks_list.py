"""Checks 1 and 2: the server answers, and its project list is one that clients can read."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urljoin

from packaging.utils import NormalizedName, canonicalize_name

from purveyor.formats.simple_reader import ListedProject, ListPage, read_list
from purveyor.workbench.verification.fetching import Answer, IndexClient
from purveyor.workbench.verification.pages import fetch_html, fetch_json, note_faults, note_version
from purveyor.workbench.verification.results import CheckResult, Findings

LIST_LIMIT = 5 << 20
"""Bytes of the project list that are read at most: one public list has 880,000 names, and no check needs them."""

_HEAD = 64 << 10  # as much of a longer list as is looked at
_SERVER_FAILED = 500
_UNKNOWN = "purveyor-verify-asks-for-no-such-project"
_MISLEADING = (200, 401, 403)
_REDIRECTS = (301, 302, 303, 307, 308)


def server_answers(client: IndexClient) -> CheckResult:
    """Check 1. What `/` says does not matter to clients; that something answers there does."""
    findings = Findings(1)
    answer = client.page(client.target.root, "text/html", LIST_LIMIT)
    if answer.status == 0 or answer.failure:
        findings.fault(
            f"{client.target.root}: no answer ({answer.failure}).",
            "Start the server (`purveyor serve`), or check host, port and scheme of the index URL.",
        )
    elif answer.status >= _SERVER_FAILED:
        findings.fault(f"{client.target.root} {answer.outcome}.", "Look into the server's log for the cause.")
    else:
        software = f" ({answer.headers['server']})" if "server" in answer.headers else ""
        findings.saw(f"{client.target.root} {answer.outcome}{software}.")
        if not answer.ok:
            findings.saw("That is no fault: clients only ask the index URL.")
    return findings.result()


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known of the project list: `sample` is a project to look at if none was named."""

    result: CheckResult
    sample: NormalizedName | None


def project_list(client: IndexClient, name: NormalizedName | None) -> Listing:
    """Check 2; `name` is the project whose entry and link are looked at, if any."""
    findings = Findings(2)
    url = client.target.url
    html, json = (fetch(client, url, findings, LIST_LIMIT) for fetch in (fetch_html, fetch_json))
    pages = [_read(answer, form, findings) for answer, form in ((html, "HTML"), (json, "JSON")) if answer]
    if html is None and json is None and not findings.faults:
        findings.fault("The index offers its list neither as HTML nor as JSON.", "Serve at least text/html.")
    if _is_no_index(client, pages, findings):
        return Listing(findings.result(), None)
    listed = next((page.projects for page in pages if page.projects), ())
    if pages:
        _note_unknown(client, findings)
    if name is not None:
        _note_entry(client, name, pages, findings, whole=not any(a.cut for a in (html, json) if a))
    sample = name or _sample(listed)
    if name is None:
        findings.saw(f"No project was named; {sample} is looked at." if sample else "The list is empty.")
    return Listing(findings.result(), sample)


def _read(answer: Answer, form: str, findings: Findings) -> ListPage:
    if answer.cut and form == "JSON":
        return _read_cut_json(answer, findings)
    page = read_list(answer.body[:_HEAD] if answer.cut else answer.body, answer.content_type, answer.url)
    note_faults(page.faults, findings)
    note_version(page.api_version, findings)
    version = f", version {page.api_version}" if page.api_version else ""
    count = f"more than {LIST_LIMIT >> 20} MB, of which only the head was read" if answer.cut else _counted(page.projects)
    findings.saw(f"{form} list{version}: {count}.")
    _note_names(page.projects, form, findings)
    return page


def _read_cut_json(answer: Answer, findings: Findings) -> ListPage:
    """Half a JSON document cannot be parsed; its version, if it comes early, can be seen."""
    match = re.search(rb'"api-version"\s*:\s*"([0-9.]{1,20})"', answer.body)
    version = match[1].decode() if match else None
    note_version(version, findings)
    findings.saw(f"JSON list, version {version or 'not seen'}: over {LIST_LIMIT >> 20} MB, only the head was read.")
    names = re.findall(rb'"name"\s*:\s*"([A-Za-z0-9._-]{1,200})"', answer.body[:_HEAD])
    return ListPage(version, tuple(ListedProject(name.decode()) for name in names), ())


def _counted(projects: tuple[ListedProject, ...]) -> str:
    return "1 project" if len(projects) == 1 else f"{len(projects)} projects"


def _note_names(projects: tuple[ListedProject, ...], form: str, findings: Findings) -> None:
    times = Counter(canonicalize_name(project.name) for project in projects)
    if twice := next((name for name, count in times.items() if count > 1), None):
        findings.fault(
            f"The {form} list names {twice} more than once.",
            "List each project once, whatever the spellings of its name.",
        )


def _note_entry(client: IndexClient, name: str, pages: list[ListPage], findings: Findings, *, whole: bool) -> None:
    entries = [entry for page in pages for entry in page.projects if canonicalize_name(entry.name) == name]
    if not entries:
        if whole:
            findings.saw(f"{name} is not in the list; installers do not mind, search and synchronising tools do.")
        return
    findings.saw(f"{name} is in the list.")
    expected = f"{client.target.url}{name}/"
    for link in _foreign_links(entries, expected):
        answer = client.probe(link)
        if not answer.ok:
            findings.fault(
                f"The list links {name} to {link}, which {answer.outcome}.",
                f"Link it to {expected}, best as the relative link '{name}/'.",
            )


def _foreign_links(entries: Iterable[ListedProject], expected: str) -> set[str]:
    return {entry.url for entry in entries if entry.url is not None and entry.url != expected}


def _note_unknown(client: IndexClient, findings: Findings) -> None:
    """Only a 404 lets uv go on to the next index; a redirect lets another host answer for names that are not here."""
    answer = client.page(f"{client.target.url}{_UNKNOWN}/", "text/html", _HEAD, follow=False)
    where = urljoin(answer.url, answer.headers.get("location", ""))
    if answer.status in _REDIRECTS and not client.target.owns(where):
        findings.saw(f"Names that the index does not have are redirected to {where}: another host answers for them.")
    elif answer.status in _MISLEADING:
        findings.fault(
            f"A project that does not exist {answer.outcome} instead of 404 Not Found.",
            "Answer 404 for unknown projects: uv goes on to the next index only then.",
        )


def _is_no_index(client: IndexClient, pages: list[ListPage], findings: Findings) -> bool:
    """A server's address given for its index's is the commonest mistake of all."""
    better = f"{client.target.url}simple/"
    if client.target.root != client.target.url or any(page.api_version for page in pages):
        return False
    if not client.probe(better).ok:
        return False
    findings.fault(f"There is an index at {better}, below the URL that was given.", f"Use --index-url {better}.")
    return True


def _sample(projects: tuple[ListedProject, ...]) -> NormalizedName | None:
    return next((canonicalize_name(project.name) for project in projects if canonicalize_name(project.name)), None)
