"""What checks 2 and 3 ask of any page: its Content-Type, its form, its version of the Simple API."""

from collections.abc import Iterable

from purveyor.formats.simple_reader import HTML_TYPE, HTML_TYPES, JSON_TYPE, Fault, Key, media_type
from purveyor.workbench.verification.fetching import Answer, IndexClient
from purveyor.workbench.verification.results import Findings

ACCEPT_JSON = JSON_TYPE
ACCEPT_HTML = "text/html"
_NEWEST = (1, 4)

_REMEDIES = {
    Key.DOCTYPE: "Begin every page with <!DOCTYPE html>: the standard demands it, and pip 22.0 refuses others.",
    Key.API_VERSION: 'State the version in every JSON page: "meta": {"api-version": "1.4"}.',
    Key.BODY: "Send a JSON object, or label the page as what it is.",
    Key.URL: "Make the text of each link equal to the filename that its URL ends in.",
    Key.YANKED: "Write true where a yanked file has no reason.",
}
_STRANGE = "Correct the index's JSON after the Simple API specification; uv rejects the whole page, pip may skip the file."


def fetch_html(client: IndexClient, url: str, findings: Findings, limit: int) -> Answer | None:
    """The page as a client that reads only HTML gets it; None, and a fault, where such a client gets nothing."""
    answer = client.page(url, ACCEPT_HTML, limit)
    if not _answered(answer, "HTML", findings):
        return None
    kind = media_type(answer.content_type)
    if kind in HTML_TYPES:
        return answer
    findings.fault(
        f"{url} has the Content-Type {answer.content_type or '(none)'!r} when text/html is asked for; pip and uv skip it.",
        f"Label HTML pages text/html or {HTML_TYPE}.",
    )
    return answer if _looks_like_html(answer) else None


def fetch_json(client: IndexClient, url: str, findings: Findings, limit: int) -> Answer | None:
    """The page as JSON; None where the index has no JSON, which the standard allows."""
    answer = client.page(url, ACCEPT_JSON, limit)
    if not _answered(answer, "JSON", findings):
        return None
    kind = media_type(answer.content_type)
    if kind == JSON_TYPE:
        if "accept" not in answer.headers.get("vary", "").lower():
            findings.saw("The answers lack Vary: Accept, so a shared cache may give JSON to a client that wants HTML.")
        return answer
    if kind.endswith("json") or answer.body[:1] == b"{":
        findings.fault(
            f"{url} sends JSON with the Content-Type {answer.content_type or '(none)'!r}; pip skips it and uv stops.",
            f"Label JSON pages {JSON_TYPE}.",
        )
        return answer
    findings.saw(f"The index does not speak JSON: asked for {JSON_TYPE}, it answers {kind or 'without a type'}.")
    return None


def note_faults(faults: Iterable[Fault], findings: Findings, *, without: tuple[Key, ...] = ()) -> None:
    """The faults that reading a page brought up, each with what to do."""
    for fault in faults:
        if fault.key not in without:
            where = f"{fault.filename}: " if fault.filename else ""
            findings.fault(where + fault.detail, _REMEDIES.get(fault.key, _STRANGE))


def note_version(version: str | None, findings: Findings) -> None:
    """Clients must refuse a higher major version and should warn of a higher minor one ("API Versioning")."""
    if version is None:
        return
    major, _, minor = version.partition(".")
    if major != "1":
        findings.fault(
            f"The page says version {version} of the Simple API; clients must refuse anything but 1.x.",
            'State a version that the page really has, such as "1.4".',
        )
    elif minor.isdigit() and (1, int(minor)) > _NEWEST:
        findings.saw(f"The page says version {version}, newer than the 1.4 that this check knows.")


def _answered(answer: Answer, form: str, findings: Findings) -> bool:
    for hop in answer.redirects:
        findings.saw(f"The index redirects: {hop}.")
    if answer.ok:
        return True
    if answer.status == 406:  # noqa: PLR2004 - "Not Acceptable": the honest way of having only the other form
        findings.saw(f"The index has no {form} form of this page (406).")
        return False
    findings.fault(f"{answer.url} {answer.outcome} when {form} is asked for.", _remedy_for(answer))
    return False


def _remedy_for(answer: Answer) -> str:
    match answer.status:
        case 401 | 403:
            return "Give credentials that may read this index, in the URL or as options."
        case 404:
            return "Check the index URL: it must be the one that ends in /simple/, and the name, once published."
        case 0:
            return "Check that the server runs, that the URL is right, and that no firewall stands between."
    return "Look into the server's log for the cause of this answer."


def _looks_like_html(answer: Answer) -> bool:
    start = answer.body[:1024].lstrip().lower()
    return start.startswith((b"<!doctype", b"<html", b"<a", b"<head"))
