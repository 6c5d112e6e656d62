"""Check 7: the versions are all named, and a date cut-off (`--uploaded-prior-to`, `--exclude-newer`) works."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from packaging.version import Version

from purveyor.formats.simple_reader import Key, OfferedFile, ProjectPage
from purveyor.workbench.verification.offer import Offer, version_or_none
from purveyor.workbench.verification.results import CheckResult, Findings

_CLOCKS_DIFFER = timedelta(minutes=5)
_UPLOAD_TIME = (
    'State upload-time in UTC for every file, as in "upload-time": "2026-08-01T10:00:00Z": without it'
    " `pip --uploaded-prior-to` stops with an error and `uv --exclude-newer` skips the file."
)


def releases_are_dated(offer: Offer, now: datetime) -> CheckResult:
    """Check 7, on every file that the page lists, not only the release's: pip stops at the first undated one."""
    findings = Findings(7)
    if offer.json is None:
        findings.fault(
            "Upload times and versions exist in JSON pages only, which this index does not have.",
            "Use an index that speaks the JSON form of the Simple API, or do without a cooldown in pip, uv and pdm.",
        )
    else:
        _note_versions(offer.json, offer, findings)
        _note_upload_times(offer.json, now, findings)
    _note_choice(offer, findings)
    return findings.result()


def _note_versions(page: ProjectPage, offer: Offer, findings: Findings) -> None:
    for fault in page.faults:
        if fault.key is Key.VERSIONS:
            findings.fault(fault.detail, "Write each version once, as a string, into `versions`.")
    if page.versions is None:
        _note_no_versions(page, findings)
        return
    named = {version for text in page.versions if (version := version_or_none(text))}
    missing = sorted({parsed.version for parsed in offer.parsed.values()} - named)
    if missing:
        findings.fault(
            f"`versions` lacks {_some(map(str, missing))}, of which there are files.",
            "Name in `versions` every version that has a file.",
        )
    for text in page.versions:
        if version_or_none(text) is None:
            findings.saw(f"`versions` names {text!r}, which is no version that today's tools know.")
        elif str(Version(text)) != text:
            findings.saw(f"`versions` spells {text!r} for {Version(text)}; it should be normalised.")
    findings.saw(f"Versions named: {len(page.versions)}.")


def _note_no_versions(page: ProjectPage, findings: Findings) -> None:
    if page.api_version == "1.0":
        findings.saw("The page is of version 1.0, which has no `versions`.")
    elif not any(fault.key is Key.VERSIONS for fault in page.faults):
        findings.fault(
            f"The JSON page says version {page.api_version} but has no `versions`.",
            "Add `versions`, which version 1.1 and later demand.",
        )


def _note_upload_times(page: ProjectPage, now: datetime, findings: Findings) -> None:
    for fault in page.faults:
        if fault.key is Key.UPLOAD_TIME:
            findings.fault(f"{fault.filename}: {fault.detail}", _UPLOAD_TIME)
    faulty = {fault.filename for fault in page.faults if fault.key is Key.UPLOAD_TIME}
    undated = [file.filename for file in page.files if file.uploaded_at is None and file.filename not in faulty]
    if undated:
        findings.fault(f"upload-time is missing from {len(undated)} of {len(page.files)} files: {_some(undated)}.", _UPLOAD_TIME)
    dated = [(file.uploaded_at, file.filename) for file in page.files if file.uploaded_at is not None]
    for moment, filename in dated:
        if moment > now + _CLOCKS_DIFFER:
            findings.fault(
                f"{filename} was uploaded in the future, at {moment:%Y-%m-%dT%H:%M:%SZ}.",
                "Set the server's clock; until that moment every cooldown hides the file.",
            )
    if dated:
        findings.saw(
            f"Files with an upload time: {len(dated)} of {len(page.files)}, the newest from {max(dated)[0]:%Y-%m-%d %H:%M:%S} UTC."
        )


def _note_choice(offer: Offer, findings: Findings) -> None:
    """What `pip install NAME` would make of the project: yanked and pre-release files change the answer."""
    known = [file for file in offer.files if file.filename in offer.parsed]
    standing = [file for file in known if file.yanked is None]
    if known and not standing:
        findings.fault(
            f"Every file of {offer.name} is yanked: installers skip it unless pinned{_reasons(known)}.",
            "Publish a release that stands, or un-yank one.",
        )
    elif standing and all(offer.parsed[file.filename].version.is_prerelease for file in standing):
        findings.saw(f"{offer.name} has only pre-releases: installers take one only because there is nothing else.")
    yanked = [file for file in offer.release if file.yanked is not None]
    if yanked and standing:
        findings.saw(f"{_some(file.filename for file in yanked)} is yanked{_reasons(yanked)}; installers skip it unless pinned.")


def _reasons(files: Iterable[OfferedFile]) -> str:
    reasons = {file.yanked.reason for file in files if file.yanked and file.yanked.reason}
    return f" ({'; '.join(sorted(reasons))})" if reasons else ""


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004 - a few will do
