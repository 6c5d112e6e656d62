"""A named project on an index: whether it is there, and what an installer on one Python would take of it."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from purveyor.errors import Refused
from purveyor.formats.simple_reader import JSON_TYPE, ProjectPage, media_type, read_project
from purveyor.model.files import parse_version
from purveyor.model.names import NormalizedName, normalize
from purveyor.model.projects import Status
from purveyor.workbench.diagnosis.absence import absent
from purveyor.workbench.diagnosis.contents import look_at_file
from purveyor.workbench.diagnosis.findings import Finding
from purveyor.workbench.diagnosis.fitting import Fit, chosen, fits_of, is_wheel
from purveyor.workbench.diagnosis.index import ACCEPT
from purveyor.workbench.diagnosis.interpreters import Interpreter
from purveyor.workbench.diagnosis.unfit import Asking
from purveyor.workbench.diagnosis.wording import install, shown
from purveyor.workbench.verification.fetching import PAGE_LIMIT, Answer, IndexClient
from purveyor.workbench.verification.offer import Offer, offer_of


@dataclass(frozen=True, slots=True)
class Question:
    """`spelled` and `pinned` as the person wrote them; `python` is who is to install it, `others` who else could."""

    spelled: str
    pinned: str | None
    python: Interpreter
    others: tuple[Interpreter, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenProject:
    """`newest` is the version an installer would take, None if there is none."""

    findings: tuple[Finding, ...]
    name: NormalizedName | None = None
    newest: Version | None = None


def look_at_project(client: IndexClient, question: Question, names: tuple[str, ...] | None, folder: Path) -> SeenProject:
    """`names` is the index's list, None if it is too long; one file is downloaded into `folder`."""
    try:
        name = normalize(question.spelled)
        pinned = parse_version(question.pinned) if question.pinned else None
    except Refused as refusal:
        return SeenProject((_invalid(refusal),))
    answer = client.page(f"{client.target.url}{name}/", ACCEPT, PAGE_LIMIT)
    if answer.status in (404, 410):
        return SeenProject((absent(client.target.url, name, names),))
    if not answer.ok:
        return SeenProject((_page_fails(answer),))
    page = read_project(answer.body, answer.content_type, answer.url)
    offer = offer_of(name, None, page, pinned)
    found = [*_spelling(question.spelled, name), *_status(name, page)]
    found += [*_offered(client, question, offer, pinned, folder), *_undated(answer, offer)]
    return SeenProject(tuple(found), name, offer.version)


def _offered(client: IndexClient, question: Question, offer: Offer, pinned: Version | None, folder: Path) -> Iterator[Finding]:
    url, name = client.target.url, offer.name
    if not offer.parsed:
        if not offer.json or offer.json.status.status.offers_files:
            yield _without_files(url, offer)
        return
    files = tuple(file for file in offer.files if pinned is None or offer.version_of(file) == pinned)
    if not files:
        yield _version_missing(url, offer, pinned)
        return
    candidates = tuple(file for file in files if file.yanked is None or pinned is not None)
    if not candidates:
        yield _only_yanked(url, offer)
        return
    fits = fits_of(offer, candidates, question.python)
    if pinned is None and fits and all(fit.version.is_prerelease for fit in fits):
        yield _only_prereleases(url, name, max(fit.version for fit in fits))
    choice = chosen(fits)
    yield from Asking(url, name, question.python, question.others).unfit(fits, choice)
    if choice is not None:
        yield from _taken(question, name, choice)
        yield from look_at_file(client, name, choice.file, folder)


def _taken(question: Question, name: NormalizedName, choice: Fit) -> Iterator[Finding]:
    yield Finding("project-found", f"{name} {choice.version}: Python {question.python.version} installs {choice.file.filename}.")
    if not is_wheel(choice.file):
        yield Finding(
            "project-sdist-only",
            f"{name} {choice.version} has no wheel for this Python, so {choice.file.filename} has to be built at each install.",
            "That runs the project's build backend, which must be on this index too, on the machine that installs.",
            "Build a wheel and publish it.",
            "purveyor publish",
        )


def _invalid(refusal: Refused) -> Finding:
    return Finding(
        "project-name-invalid",
        refusal.detail,
        "No index can have a project or a version of that spelling.",
        "Write NAME or NAME==VERSION.",
        "purveyor doctor NAME",
    )


def _page_fails(answer: Answer) -> Finding:
    return Finding(
        "project-page-fails",
        f"{answer.url} {answer.outcome}.",
        "pip shows such an answer as `No matching distribution found`, whatever it was.",
        "The server's log has the cause.",
        "purveyor logs",
    )


def _spelling(spelled: str, name: NormalizedName) -> Iterator[Finding]:
    if spelled != name:
        yield Finding("project-spelled-otherwise", f"{spelled} and {name} are the same project: case, '-', '_' and '.' do not count.")


_STATUS = {
    Status.QUARANTINED: (
        "project-quarantined",
        "The index offers none of its files, because they may do harm.",
        "Ask whoever runs the index why, and to set it active once that is cleared up.",
    ),
    Status.ARCHIVED: ("project-archived", "Its files install, and there will be no new ones.", "Plan for another project."),
    Status.DEPRECATED: ("project-deprecated", "Its files install, and its owner advises against using it.", "Plan for another project."),
}


def _status(name: NormalizedName, page: ProjectPage) -> Iterator[Finding]:
    if page.status.status in _STATUS:
        code, why, remedy = _STATUS[page.status.status]
        because = f" ({page.status.reason})" if page.status.reason else ""
        yield Finding(code, f"{name} is {page.status.status}{because}.", why, remedy)


def _without_files(url: str, offer: Offer) -> Finding:
    there = [file.filename for file in offer.files]
    return Finding(
        "project-without-files",
        f"{offer.name} has a page, but no wheel and no sdist on it{f'; it lists {shown(there)}' if there else ''}.",
        "All its files were removed, or they are of a kind, or under names, that no installer takes.",
        "Publish a wheel and an sdist.",
        f"purveyor publish --index-url {shlex.quote(url)}",
    )


def _version_missing(url: str, offer: Offer, pinned: Version | None) -> Finding:
    versions = sorted({parsed.version for parsed in offer.parsed.values()})
    return Finding(
        "version-missing",
        f"{offer.name} has no version {pinned}; it has {shown([str(version) for version in versions[-8:]])}.",
        "It was never published here, or it was removed.",
        "Take one that is there, or publish it.",
        install(url, f"{offer.name}=={versions[-1]}"),
    )


def _only_yanked(url: str, offer: Offer) -> Finding:
    newest = max(parsed.version for parsed in offer.parsed.values())
    reasons = dict.fromkeys(file.yanked.reason for file in offer.files if file.yanked and file.yanked.reason)
    return Finding(
        "project-only-yanked",
        f"Every file of {offer.name} is yanked{f' ({shown(list(reasons))})' if reasons else ''}.",
        "Installers take a yanked file only for a version that is asked for exactly, with ==.",
        "Ask for that version, or publish a new one.",
        install(url, f"{offer.name}=={newest}"),
    )


def _only_prereleases(url: str, name: NormalizedName, newest: Version) -> Finding:
    return Finding(
        "project-only-prereleases",
        f"{name} has pre-releases only; {newest} is the newest.",
        "pip and uv take one while there is nothing else, and stop doing so with the first final release; other installers find nothing.",
        "Ask for that version exactly, or publish a final release.",
        install(url, f"{name}=={newest}"),
    )


def _undated(answer: Answer, offer: Offer) -> Iterator[Finding]:
    undated = [file.filename for file in offer.files if file.uploaded_at is None]
    if undated and media_type(answer.content_type) == JSON_TYPE:
        yield Finding(
            "upload-time-missing",
            f"{shown(undated)} {'has' if len(undated) == 1 else 'have'} no upload time.",
            "With a cut-off date (`--uploaded-prior-to`, `--exclude-newer`) installers pass over such files, or stop.",
            "Serve them with an index that states upload times, as Purveyor does.",
        )
