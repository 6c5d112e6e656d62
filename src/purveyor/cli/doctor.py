"""`purveyor doctor`: looks at the environment, the server, the index and a project; the one place where all four are known."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

import click

from purveyor.cli.reporting import JSON, Reporter
from purveyor.errors import Misconfigured
from purveyor.workbench.destination import DEFAULT_ROOT

if TYPE_CHECKING:
    from purveyor.process.listing import Condition
    from purveyor.workbench.diagnosis.findings import Finding
    from purveyor.workbench.diagnosis.index import SeenIndex
    from purveyor.workbench.diagnosis.server import Holder, Running, SeenServers
    from purveyor.workbench.verification.fetching import IndexClient, Target

WRONG, UNREACHABLE = 1, 3  # as in the table of cli/main.py
PATIENCE = 5.0
"""Seconds for one answer of an index."""


@click.command()
@click.argument("project", required=False, metavar="[NAME[==VERSION]]")
@click.option("--index-url", metavar="URL", help=f"The index, exactly as a client is given it.  [{DEFAULT_ROOT}simple/]")
@click.option("--python", metavar="PROGRAM", help="The Python that is to install.  [the first on the PATH]")
@click.option("--fix", is_flag=True, help="Do what is safe: tighten permissions, remove files that servers left behind.")
@JSON
@click.pass_context
def doctor(ctx: click.Context, project: str | None, index_url: str | None, python: str | None, *, fix: bool, as_json: bool) -> None:
    """Find out why it does not work: the environment, the server, the index, and the project NAME.

    Every finding says what, why, and the command to run. Nothing is changed without --fix. Ends with 0 if nothing is
    wrong, 1 if a warning or a fault remains, and 3 if no index answers.
    """
    from purveyor.workbench.verification.fetching import Target  # noqa: PLC0415 - the help text needs none of it

    reporter = Reporter(as_json=as_json)
    target = Target.of(index_url or f"{DEFAULT_ROOT}simple/", None)
    examination = _Examination(target, project, python)
    findings = [_fixed(finding) if fix else _Told(finding) for finding in examination.findings()]
    code = _exit_code(findings, index_answers=examination.index_answers)
    reporter.result(_document(target, project, findings), *_lines(findings, fix=fix))
    ctx.exit(code)


@dataclass(frozen=True, slots=True)
class _Told:
    """A finding, and what --fix did about it."""

    finding: "Finding"
    fixed: str = ""
    not_fixed: str = ""

    @property
    def remains(self) -> bool:
        return self.finding.severity.is_wrong and not self.fixed


class _Examination:
    """One look at everything, subject by subject."""

    def __init__(self, target: "Target", project: str | None, python: str | None) -> None:
        self._target = target
        self._project = project
        self._python = python
        self.index_answers = False

    def findings(self) -> "Iterator[Finding]":
        from purveyor.workbench.configuration.found import Surroundings  # noqa: PLC0415 - as above
        from purveyor.workbench.configuration.reading import read  # noqa: PLC0415 - as above
        from purveyor.workbench.diagnosis import environment, interpreters, machine, server  # noqa: PLC0415 - as above
        from purveyor.workbench.diagnosis.clients import Clients, clients, credentials  # noqa: PLC0415 - as above
        from purveyor.workbench.diagnosis.index import look_at_index  # noqa: PLC0415 - as above
        from purveyor.workbench.verification.fetching import IndexClient  # noqa: PLC0415 - as above

        path = self._python or interpreters.usual_python(os.environ)
        others = interpreters.found(os.environ)
        python = interpreters.probe(path, os.environ)
        surroundings = Surroundings.here()
        if python is not None:
            surroundings = replace(surroundings, prefix=Path(python.prefix))
        setup = Clients(self._target, read(surroundings), surroundings)
        yield from environment.pythons(python, path, others)
        yield from environment.virtual_environment(os.environ, python)
        if python is not None:
            yield from environment.tools(python, os.environ, usual=self._python is None)
        yield from clients(setup)
        yield from credentials(setup)
        yield from machine.proxies(self._target, os.environ)
        with IndexClient(self._target, PATIENCE) as client, TemporaryDirectory(prefix="purveyor-doctor-") as folder:
            index = look_at_index(client)
            self.index_answers = index.usable
            servers, data = _servers(self._target, index)
            here = servers.at(self._target)
            yield from machine.clock(datetime.now(UTC), index.answer.headers.get("date"))
            yield from machine.disk((Path(gettempdir()), *([data] if data else [])))
            if self._target.loopback:
                yield from machine.data_directory(data)
            yield from server.look_at_server(self._target, index, servers)
            if here and here.folder:
                yield from self._look_at_folder(here.folder)
            yield from index.findings
            if self._project is not None and index.usable and python is not None:
                yield from self._look_at_project(client, setup, index, (python, tuple(others)), Path(folder))

    def _look_at_folder(self, folder: Path) -> "Iterator[Finding]":
        from packaging.utils import canonicalize_name  # noqa: PLC0415 - as above

        from purveyor.workbench.diagnosis.folder import look_at_folder  # noqa: PLC0415 - as above

        name = (self._project or "").partition("==")[0].strip()
        yield from look_at_folder(folder, canonicalize_name(name) if name else None)

    def _look_at_project(self, client: "IndexClient", setup: Any, index: "SeenIndex", pythons: Any, folder: Path) -> "Iterator[Finding]":
        from purveyor.workbench.diagnosis.project import Question, look_at_project  # noqa: PLC0415 - as above
        from purveyor.workbench.diagnosis.shadowing import shadowing  # noqa: PLC0415 - as above

        name, _, version = (self._project or "").partition("==")
        seen = look_at_project(client, Question(name.strip(), version.strip() or None, *pythons), index.names, folder)
        yield from seen.findings
        if seen.name is not None and seen.newest is not None:
            yield from shadowing(seen.name, seen.newest, setup, PATIENCE)


def _servers(target: "Target", index: "SeenIndex") -> "tuple[SeenServers, Path | None]":
    """What runs on this machine, and the data directory of the server that is meant; None if this user has no place for one."""
    from purveyor.process.listing import conditions, listing  # noqa: PLC0415 - as above
    from purveyor.settings import Settings  # noqa: PLC0415 - as above
    from purveyor.workbench.diagnosis.server import Leftover, SeenServers  # noqa: PLC0415 - as above

    settings = Settings.from_environment()
    found = listing(lambda: settings.run_directory)
    running = [_running(one) for one in conditions(found.running)]
    leftovers = [Leftover(one.path, one.fault or "its process has ended", one.remove) for one in (*found.stale, *found.rubbish)]
    holder = _holder(target) if target.loopback and not index.usable else None
    servers = SeenServers(running, leftovers, holder)
    here = servers.at(target)
    if here:
        return servers, here.data
    with suppress(Misconfigured):
        return servers, settings.data_dir
    return servers, None


def _running(one: "Condition") -> "Running":
    from purveyor.workbench.diagnosis.server import Running  # noqa: PLC0415 - as above

    return Running(one.record.identity.pid, one.record.url, one.record.data, one.is_outdated, one.record.folder)


def _holder(target: "Target") -> "Holder | None":
    from purveyor.process.holders import holder_of  # noqa: PLC0415 - as above
    from purveyor.workbench.diagnosis.server import Holder, port_of  # noqa: PLC0415 - as above

    with suppress(ValueError):  # a name such as localhost stands for both addresses
        found = holder_of(target.host if target.host != "localhost" else "127.0.0.1", port_of(target.url))
        return Holder(found.pid, found.description, found.data is not None) if found else None
    return None


def _fixed(finding: "Finding") -> _Told:
    if finding.fix is None:
        return _Told(finding)
    try:
        return _Told(finding, fixed=finding.fix())
    except OSError as error:
        return _Told(finding, not_fixed=f"That could not be done: {error.strerror or error}.")


def _exit_code(findings: Sequence[_Told], *, index_answers: bool) -> int:
    if not index_answers:
        return UNREACHABLE
    return WRONG if any(told.remains for told in findings) else 0


def _document(target: "Target", project: str | None, findings: Sequence[_Told]) -> dict[str, Any]:
    return {
        "ok": not any(told.remains for told in findings),
        "index_url": target.url,
        "project": project,
        "findings": [told.finding.as_json() | {"fixed": told.fixed, "not_fixed": told.not_fixed} for told in findings],
    }


def _lines(findings: Sequence[_Told], *, fix: bool) -> Iterator[str]:
    for subject in dict.fromkeys(told.finding.subject for told in findings):
        yield f"{subject.capitalize()}"
        for told in findings:
            if told.finding.subject is subject:
                yield from _described(told)
    wrong = sum(told.remains for told in findings)
    fixable = sum(told.remains and told.finding.fix is not None for told in findings)
    yield f"{wrong} thing{'' if wrong == 1 else 's'} to mend." if wrong else "Nothing is wrong."
    if fixable and not fix:
        yield f"`purveyor doctor --fix` mends {fixable} of them."


def _described(told: _Told) -> Iterator[str]:
    finding = told.finding
    mark = "fixed" if told.fixed else "ok" if finding.severity == "ok" else str(finding.severity).upper()
    code = "" if finding.severity == "ok" else f"  [{finding.code}]"
    yield f"  {mark:<8}{_line(finding.what)}{code}"
    command = f"$ {finding.command}" if finding.command else ""
    for line in (told.fixed,) if told.fixed else (finding.why, finding.remedy, told.not_fixed, command):
        if line:
            yield f"{' ' * 10}{_line(line)}"


def _line(text: str) -> str:
    """Without what could steer a terminal: much of it was said by an index, or stands in a file."""
    return "".join(char if char.isprintable() else "?" for char in text)
