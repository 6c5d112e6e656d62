"""Check 3: the project page lists the files, the same ones in every form, behind links that answer."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from packaging.utils import NormalizedName
from packaging.version import Version

from purveyor.formats.simple_reader import Key, OfferedFile, ProjectPage, read_project
from purveyor.model.projects import Status
from purveyor.workbench.verification.fetching import PAGE_LIMIT, Answer, IndexClient
from purveyor.workbench.verification.offer import Offer, offer_of, reading_of, version_or_none
from purveyor.workbench.verification.pages import fetch_html, fetch_json, note_faults, note_version
from purveyor.workbench.verification.results import CheckResult, Findings

_MOST_LINKS = 50
_REPUBLISH = "Publish the file again, or rebuild the index's pages, so that every form lists the same files."
_RELATIVE = "Write links relative to the page (such as ../../files/...), or tell the server the public URL it is reached by."


@dataclass(frozen=True, slots=True)
class PageCheck:
    result: CheckResult
    offer: Offer


def project_page(client: IndexClient, name: NormalizedName, pinned: Version | None) -> PageCheck:
    """Check 3. The offer has no files where the index has none, or none that can be read."""
    findings = Findings(3)
    url = f"{client.target.url}{name}/"
    html = _read(fetch_html(client, url, findings, PAGE_LIMIT), "HTML", findings)
    as_json = _read(fetch_json(client, url, findings, PAGE_LIMIT), "JSON", findings)
    offer = offer_of(name, html, as_json, pinned)
    if html is not None or as_json is not None:
        _note_status(offer, findings)
        _note_filenames(offer, findings)
        _note_disagreement(offer, findings)
        _note_unlisted(client, offer, findings)
        _note_links(client, offer, findings)
    return PageCheck(findings.result(), offer)


def _read(answer: Answer | None, form: str, findings: Findings) -> ProjectPage | None:
    if answer is None:
        return None
    if answer.cut:
        findings.fault(
            f"The {form} page is over {PAGE_LIMIT >> 20} MB and was not read.",
            "Split the project; no client reads this.",
        )
        return None
    page = read_project(answer.body, answer.content_type, answer.url)
    note_faults(page.faults, findings, without=(Key.UPLOAD_TIME, Key.VERSIONS))
    note_version(page.api_version, findings)
    findings.saw(f"{form} page: {_files(len(page.files))}.")
    return page


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _note_status(offer: Offer, findings: Findings) -> None:
    page = offer.json or offer.html
    if page is None:
        return
    if offer.json and offer.json.name is not None and offer.json.name != offer.name:
        findings.fault(
            f"The JSON page's name is {offer.json.name!r}, not {offer.name!r}.",
            "Write the normalised name into `name`.",
        )
    if page.status.status is Status.ACTIVE:
        return
    findings.saw(f"The project is {page.status.status}{': ' + page.status.reason if page.status.reason else ''}.")
    if not page.status.status.offers_files and offer.files:
        findings.fault(
            f"{offer.name} is quarantined, yet {_files(len(offer.files))} are offered.",
            "List no files of a quarantined project (Project Status Markers).",
        )


def _note_filenames(offer: Offer, findings: Findings) -> None:
    for file in offer.files:
        if file.filename in offer.parsed:
            continue
        if file.filename.endswith((".whl", ".tar.gz")):
            findings.fault(
                f"{file.filename!r} is not the name of a wheel or sdist of {offer.name}; installers skip it.",
                "Rename or remove the file: the filename begins with the project's name and a valid version.",
            )
        else:
            findings.saw(f"{file.filename!r} is neither a wheel nor an sdist; installers skip it.")
    if not offer.files:
        findings.fault(f"The page of {offer.name} lists no files.", "Publish a file: `purveyor publish`.")
    elif not offer.release:
        had = f" It has {_newest(offer)}." if offer.parsed else ""
        findings.fault(
            f"The page lists no file of {offer.name} {offer.version or '(any version)'}.{had}",
            "Publish that version, or verify one that is there.",
        )


def _newest(offer: Offer) -> str:
    versions = sorted({parsed.version for parsed in offer.parsed.values()}, reverse=True)
    return ", ".join(map(str, versions[:5])) + (" and older ones" if len(versions) > 5 else "")  # noqa: PLR2004 - a line


def _note_disagreement(offer: Offer, findings: Findings) -> None:
    """The forms "contain the same information" as far as HTML can carry it."""
    if offer.html is None or offer.json is None:
        return
    html = {file.filename: file for file in offer.html.files}
    as_json = {file.filename: file for file in offer.json.files}
    for filename in html.keys() ^ as_json.keys():
        where = "the HTML page but not in the JSON page" if filename in html else "the JSON page but not in the HTML page"
        findings.fault(f"{filename} is listed in {where}.", _REPUBLISH)
    for filename in html.keys() & as_json.keys():
        for what, one, other in _facts(html[filename], as_json[filename]):
            if one != other:
                findings.fault(f"HTML and JSON disagree about the {what} of {filename}: {one} and {other}.", _REPUBLISH)


def _facts(html: OfferedFile, as_json: OfferedFile) -> Iterable[tuple[str, object, object]]:
    yield "yank", html.yanked is not None, as_json.yanked is not None
    yield "requires-python", html.requires_python, as_json.requires_python
    for algorithm in html.hashes.keys() & as_json.hashes.keys():
        yield algorithm, html.hashes[algorithm], as_json.hashes[algorithm]


def _note_unlisted(client: IndexClient, offer: Offer, findings: Findings) -> None:
    listed = {parsed.version for parsed in offer.parsed.values()}
    for text in (offer.json.versions or ()) if offer.json else ():
        version = version_or_none(text)
        if version is None or version in listed:
            continue
        if version == offer.version or version > max(listed, default=version):
            findings.fault(
                f"Version {text} is in `versions`, but no file of it is listed.",
                "Publish its files, or take the version out.",
            )
        else:
            findings.saw(f"Version {text} has no files; the standard allows that.")
    for filename in _known_elsewhere(client, offer):
        findings.fault(f"{filename} is in the JSON API (/pypi/{offer.name}/json) but not on the project page.", _REPUBLISH)


def _known_elsewhere(client: IndexClient, offer: Offer) -> list[str]:
    """Files of this project that the older JSON API has and the page has not; an index without that API knows none."""
    answer = client.page(f"{client.target.root}pypi/{offer.name}/json", "application/json")
    if not answer.ok or answer.redirects or answer.cut:
        return []
    try:
        releases = json.loads(answer.body)["releases"]
        names = {file["filename"] for files in releases.values() for file in files}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
    listed = {file.filename for file in offer.files}
    return sorted(name for name in names - listed if _is_ours(name, offer.name))


def _is_ours(filename: object, name: NormalizedName) -> bool:
    return isinstance(filename, str) and reading_of(filename, name) is not None


def _note_links(client: IndexClient, offer: Offer, findings: Findings) -> None:
    """Every link of the release, and a spread of the others: thousands of requests would say no more."""
    others = [file for file in offer.files if file not in offer.release]
    step = max(1, -(-len(others) // max(1, _MOST_LINKS - len(offer.release))))
    tried = [*offer.release, *others[::step]]
    for url, name in _links(tried, offer).items():
        answer = client.probe(url)
        if not answer.ok:
            _note_broken(client, url, name, answer, findings)
    if tried:
        kinds = sorted({_kind(file.href) for file in tried})
        findings.saw(f"Links tried: {len(tried)} of {len(offer.files)} ({', '.join(kinds)}).")


def _links(files: Iterable[OfferedFile], offer: Offer) -> dict[str, str]:
    """Both forms' URLs of these files, each once."""
    names = {file.filename for file in files}
    pages = [page for page in (offer.json, offer.html) if page]
    return {file.url: file.filename for page in pages for file in page.files if file.filename in names}


def _kind(href: str) -> str:
    if urlsplit(href).netloc:
        return "absolute"
    return "from the host's root" if href.startswith("/") else "relative"


def _note_broken(client: IndexClient, url: str, filename: str, answer: Answer, findings: Findings) -> None:
    sentence = f"The link of {filename} leads to {url}, which {answer.outcome}."
    right = _behind_prefix(client, url)
    if right is not None:
        findings.fault(f"{sentence} {right} does answer: the link misses the path prefix the index is behind.", _RELATIVE)
    else:
        findings.fault(sentence, "Put the file back where the link leads, or correct the link; relative ones are safest.")


def _behind_prefix(client: IndexClient, url: str) -> str | None:
    """The same path below the index's prefix, if that is where the file really is."""
    prefix = urlsplit(client.target.root).path.rstrip("/")
    parts = urlsplit(url)
    if not prefix or not client.target.owns(url) or parts.path.startswith(f"{prefix}/"):
        return None
    right = parts._replace(path=prefix + parts.path).geturl()
    return right if client.probe(right).ok else None
