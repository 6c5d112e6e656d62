"""`purveyor verify`: seven checks of any index and one of its projects, each with what was seen and what to do."""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.version import Version

from purveyor.errors import Misconfigured, Refused
from purveyor.model.files import parse_version
from purveyor.model.names import NormalizedName, normalize
from purveyor.workbench.verification.checks_bytes import bytes_agree
from purveyor.workbench.verification.checks_install import imports, pip_installs
from purveyor.workbench.verification.checks_list import project_list, server_answers
from purveyor.workbench.verification.checks_page import project_page
from purveyor.workbench.verification.checks_releases import releases_are_dated
from purveyor.workbench.verification.environment import Environment
from purveyor.workbench.verification.fetching import IndexClient, Target
from purveyor.workbench.verification.offer import Offer
from purveyor.workbench.verification.results import CheckResult, Verification, skipped

__all__ = ["CheckResult", "Verification", "verify"]

INSTALL_TIMEOUT = 600.0
"""Seconds that pip, or one import, may take."""


def verify(
    index_url: str,
    project: str | None,
    version: str | None,
    report: Callable[[CheckResult], None],
    *,
    python: str = sys.executable,
    credentials: tuple[str, str] | None = None,
    timeout: float = 30.0,
    install: bool = True,
) -> Verification:
    """Run the seven checks; each result goes to `report` as soon as it is there.

    Without `project` the first of the list is looked at; without `version` the one that an installer would take.
    `credentials` (user, password) are sent to the index's own host only. `timeout` is in seconds for one answer of the
    index. `install=False` leaves out checks 5 and 6, which run the project's code. Raises `Misconfigured` for arguments
    that cannot be used; faults of the index are results, never exceptions.
    """
    target = Target.of(index_url, credentials)
    name, pinned = _wanted(project, version)
    results: list[CheckResult] = []
    looked_at: str | None = name
    with IndexClient(target, timeout) as client, TemporaryDirectory(prefix="purveyor-verify-") as folder:
        walk = _Walk(client, name, pinned, Path(folder), python if install else None)
        for result in walk.results():
            results.append(result)
            report(result)
        looked_at = walk.name
    return Verification(target.url, looked_at, tuple(results))


class _Walk:
    """The checks in their order; what one finds, the next ones build on. `python` is None when nothing is installed."""

    def __init__(self, client: IndexClient, name: NormalizedName | None, pinned: Version | None, folder: Path, python: str | None) -> None:
        self.name: NormalizedName | None = name
        self._client = client
        self._pinned = pinned
        self._folder = folder
        self._python = python

    def results(self) -> Iterator[CheckResult]:
        answers = server_answers(self._client)
        yield answers
        if not answers.passed:
            yield from _skip(range(2, 8), "Not looked at, because the server does not answer.")
            return
        listing = project_list(self._client, self.name)
        yield listing.result
        if listing.sample is None:
            yield from _skip(range(3, 8), "Not looked at, because check 2 found no project to look at.")
            return
        self.name = listing.sample
        yield from self._project(listing.sample)

    def _project(self, name: NormalizedName) -> Iterator[CheckResult]:
        page = project_page(self._client, name, self._pinned)
        yield page.result
        if not page.offer.release:
            yield from _skip(range(4, 8), f"Not looked at, because the index lists no such file of {name}.")
            return
        yield bytes_agree(self._client, page.offer, self._folder)
        yield from self._installation(page.offer)
        yield releases_are_dated(page.offer, datetime.now(UTC))

    def _installation(self, offer: Offer) -> Iterator[CheckResult]:
        if self._python is None:
            yield from _skip((5, 6), "Not looked at, because installing was not asked for.")
            return
        target = self._client.target
        environment = Environment(self._folder / "environment", self._python, target, INSTALL_TIMEOUT)
        installation = pip_installs(environment, offer, target)
        yield installation.result
        yield imports(environment, offer, installation)


def _skip(numbers: range | tuple[int, ...], reason: str) -> Iterator[CheckResult]:
    return (skipped(number, reason) for number in numbers)


def _wanted(project: str | None, version: str | None) -> tuple[NormalizedName | None, Version | None]:
    if project is None and version is not None:
        raise Misconfigured("A version was given without a project.", "Name the project too, as NAME==VERSION.")
    try:
        name = normalize(project) if project is not None else None
        return name, parse_version(version) if version is not None else None
    except Refused as refusal:
        raise Misconfigured(refusal.detail, "Name the project as NAME or NAME==VERSION.") from None
