"""Checks 5 and 6: pip installs the release from this index alone, and what was installed can be imported."""

import re
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from purveyor.workbench.verification.environment import Environment, ImportOutcome, Outcome
from purveyor.workbench.verification.fetching import Target
from purveyor.workbench.verification.import_names import ImportNames, Installed, import_names, is_stub_only
from purveyor.workbench.verification.offer import Offer
from purveyor.workbench.verification.results import CheckResult, Findings, skipped

MOST_IMPORTS = 20
_NOT_FOUND = re.compile(r"No matching distribution found for ([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True, slots=True)
class Installation:
    """`installed` is None when nothing could be installed, `complete` False when dependencies had to be left out."""

    result: CheckResult
    installed: Installed | None
    complete: bool


def pip_installs(environment: Environment, offer: Offer, target: Target) -> Installation:
    """Check 5, in an environment made now."""
    findings = Findings(5)
    created = environment.create()
    if not created.ok:
        findings.fault(
            f"No virtual environment could be made: {_last_words(created)}.",
            "Give a Python that has the venv and ensurepip modules.",
        )
        return Installation(findings.result(), None, complete=False)
    requirement = f"{offer.name}=={offer.version}"
    outcome = environment.install(requirement)
    complete = outcome.ok
    if outcome.ok:
        findings.saw(f"`pip install {requirement}` with no other index succeeds.")
    else:
        complete = _note_failure(environment, offer, outcome, findings)
    if target.url.startswith("http:") and not target.loopback:
        findings.saw(f"pip needs `--trusted-host {target.host}` here, because the index is not on https.")
    return Installation(findings.result(), environment.describe(offer.name), complete)


def _note_failure(environment: Environment, offer: Offer, outcome: Outcome, findings: Findings) -> bool:
    """Tell a missing dependency from a missing or unusable file, and install what can be installed."""
    absent = _NOT_FOUND.search(outcome.output)
    wanted = canonicalize_name(absent[1]) if absent else None
    if wanted is None or wanted == offer.name:
        findings.fault(f"`pip install {offer.name}=={offer.version}` fails: {_last_words(outcome)}.", _advice(offer, outcome))
        return False
    building = "build" in outcome.output and all(not file.filename.endswith(".whl") for file in offer.release)
    why = f"needs {wanted} to build its sdist" if building else f"depends on {wanted}"
    findings.fault(
        f"{offer.name} {offer.version} {why}, and this index does not have a {wanted} that fits.",
        f"Publish {'a wheel, or ' if building else ''}{wanted} here, or install with a second index beside this one.",
    )
    alone = environment.install(f"{offer.name}=={offer.version}", "--no-deps")
    findings.saw("With --no-deps it installs." if alone.ok else f"With --no-deps it fails too: {_last_words(alone)}.")
    return False


def _advice(offer: Offer, outcome: Outcome) -> str:
    if outcome.code is None:
        return "Give a longer time limit, or see why the server is so slow."
    if "hash" in outcome.output.lower() and "match" in outcome.output.lower():
        return "Correct the hash on the project page, or publish the true file again."
    if _NOT_FOUND.search(outcome.output):
        return f"See checks 2 and 3; if they pass, no file of {offer.name} fits this Python: publish one, or verify with another Python."
    return "See checks 3 and 4 for the cause on the index's side; otherwise the file itself is at fault: build it again."


def _last_words(outcome: Outcome) -> str:
    """The last two errors that pip states; its tracebacks and progress are of no use to anybody."""
    if outcome.code is None:
        return "it took too long and was stopped"
    lines = [line.strip() for line in outcome.output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    told = errors[-2:] or lines[-1:] or [f"exit status {outcome.code}"]
    return " / ".join(line[:300] for line in told).rstrip(".")


def imports(environment: Environment, offer: Offer, installation: Installation) -> CheckResult:
    """Check 6. What there is to import is read from the installed files, not guessed from the project's name."""
    installed = installation.installed
    if installed is None:
        return skipped(6, "Nothing was installed that could be imported.")
    findings = Findings(6)
    names = import_names(installed)
    for name in names.missing:
        findings.fault(
            f"{offer.name} says that it offers the module {name!r}, but no such module is installed{_offers(names)}.",
            "Correct Import-Name or top_level.txt in the build configuration, or put it into the wheel.",
        )
    if not names.to_import:
        _note_nothing(installed, findings)
    for name in names.to_import[:MOST_IMPORTS]:
        _note_import(name, environment.try_import(name), offer, findings, complete=installation.complete)
    if len(names.to_import) > MOST_IMPORTS:
        findings.saw(f"{len(names.to_import) - MOST_IMPORTS} further names were not tried.")
    return findings.result()


def _offers(names: ImportNames) -> str:
    return f"; there is {', '.join(names.offered[:10])}" if names.offered else "; there is no module at all"


def _note_nothing(installed: Installed, findings: Findings) -> None:
    """No module is right for some distributions, and the commonest fault of a `src` layout for all others."""
    if is_stub_only(installed.files):
        findings.saw("It has type stubs only; there is nothing to import.")
    elif scripts := [
        *installed.scripts,
        *(f.rpartition("/")[2] for f in installed.files if "/bin/" in f or "/Scripts/" in f),
    ]:
        findings.saw(f"It has programs only ({', '.join(dict.fromkeys(scripts))}); there is nothing to import.")
    elif installed.import_names is not None:
        findings.saw("It says that it has no modules (an empty Import-Name).")
    elif installed.requires:
        findings.saw("It has no modules, only dependencies.")
    elif any(".dist-info/" not in file for file in installed.files):
        findings.saw("It has data files only; there is nothing to import.")
    elif not findings.faults:
        findings.fault(
            "It installs no module, no program and no data.",
            "Look at the wheel's content: most often the build did not find the sources; see its src or flat layout.",
        )


def _note_import(name: str, outcome: ImportOutcome, offer: Offer, findings: Findings, *, complete: bool) -> None:
    if not outcome.kind:
        other = "" if name.partition(".")[0] == offer.name.replace("-", "_") else f" (of the project {offer.name})"
        findings.saw(f"`import {name}`{other} works.")
    elif outcome.missing and outcome.missing.partition(".")[0] != name.partition(".")[0]:
        findings.fault(
            f"`import {name}` fails: there is no module {outcome.missing!r}.",
            f"Add what provides {outcome.missing!r} to the project's dependencies."
            if complete
            else "Its dependencies could not be installed; see check 5.",
        )
    else:
        findings.fault(
            f"`import {name}` fails: {outcome.kind}: {outcome.text}.",
            "Install the file in an environment of your own and import it there; the index did its part.",
        )
