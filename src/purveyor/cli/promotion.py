"""The commands that take releases from one index to another, and back: promote, approve, rollback, check."""

from typing import Any
from urllib.parse import quote

import click

from purveyor.cli.lifecycle import meant
from purveyor.cli.managing import INDEX, Server, managing
from purveyor.cli.reporting import JSON, Reporter
from purveyor.errors import Misconfigured
from purveyor.model.names import normalize

_RELEASE = click.argument("release", metavar="NAME==VERSION")
_TO = click.option("--to", "target", required=True, metavar="INDEX", help="The index that it goes to.")


@click.command()
@_RELEASE
@click.option("--from", "source", required=True, metavar="INDEX", help="The index that hosts it.")
@_TO
@managing
@JSON
def promote(release: str, source: str, target: str, *, server: Server, as_json: bool) -> None:
    """Promote a release: the same bytes in another index, all its files or none, with what is recorded of them."""
    name, document = _meant(release)
    with server.management(target) as there:
        answer = there.call("POST", f"projects/{quote(name)}/promote", {**document, "from": source})
    told = f"Promoted from {source} to {target}" if answer["changed"] else f"{target} has it already; nothing has changed"
    Reporter(as_json=as_json).result(answer, f"{told}: {_name(answer)}", *_files(answer))


@click.command()
@_RELEASE
@click.option("--from", "source", metavar="INDEX", help="The index that hosts it.  [whichever does]")
@_TO
@click.option("--note", default="", help="Kept with the approval.")
@managing
@JSON
def approve(release: str, source: str | None, target: str, note: str, *, server: Server, as_json: bool) -> None:
    """Approve of a release's promotion, as somebody else than who uploaded it and who promotes it."""
    name, document = _meant(release)
    if source:
        document["from"] = source
    with server.management(target) as there:
        answer = there.call("POST", f"projects/{quote(name)}/approve", {**document, "note": note})
    Reporter(as_json=as_json).result(answer, f"Approved for {target}: {_name(answer)}, as it is in {answer['index']}", *_files(answer))


@click.command()
@click.argument("name")
@INDEX
@click.option("--to-serial", type=int, metavar="N", help="Undo everything since this serial of the journal.  [the newest promotion]")
@managing
@JSON
def rollback(name: str, index: str | None, to_serial: int | None, *, server: Server, as_json: bool) -> None:
    """Undo the newest promotion of a project: its page is again what it was before."""
    document = {} if to_serial is None else {"to_serial": to_serial}
    with server.management(index) as there:
        answer = there.call("POST", f"projects/{quote(normalize(name))}/rollback", document)
    undone = ", ".join(f"{one['version']} from {one['from']}" for one in answer["undone"]) or "no promotion"
    lines = f"{answer['project']} is on {answer['index']} as it was at serial {answer['restored']}.", f"  undone     {undone}"
    Reporter(as_json=as_json).result(answer, *lines)


@click.group()
def check() -> None:
    """What came of the checks of a release: an index may demand that some have passed before it takes it."""


@check.command()
@_RELEASE
@click.argument("check_name", metavar="CHECK")
@click.option("--passed/--failed", default=None, help="What came of it.")
@click.option("--note", default="", help="Kept with the check.")
@click.option("--url", default="", help="Where its report is.")
@INDEX
@managing
@JSON
def record(
    release: str, check_name: str, *, passed: bool | None, note: str, url: str, index: str | None, server: Server, as_json: bool
) -> None:
    """Record what came of a check of the release's files as they are now. The last word on each check counts."""
    if passed is None:
        raise Misconfigured("It is not said what came of the check.", "Give --passed or --failed.")
    name, document = _meant(release)
    said = {"check": check_name, "passed": passed, "note": note, "url": url}
    with server.management(index) as there:
        answer = there.call("POST", f"projects/{quote(name)}/checks", {**document, **said})
    Reporter(as_json=as_json).result(answer, f"Recorded for {_name(answer)}:", *_evidence(answer))


@check.command(name="list")
@_RELEASE
@INDEX
@managing
@JSON
def list_checks(release: str, index: str | None, *, server: Server, as_json: bool) -> None:
    """The checks and approvals that are recorded for a release's files as they are now."""
    name, document = _meant(release)
    with server.management(index) as there:
        answer = there.call("GET", f"projects/{quote(name)}/releases/{quote(document['version'])}")
    lines = _evidence(answer) or ["  nothing is recorded"]
    Reporter(as_json=as_json).result(answer, f"{_name(answer)} in {answer['index']} since {answer['since']}:", *lines)


def _meant(release: str) -> tuple[str, dict[str, Any]]:
    name, document = meant(release)
    if "version" not in document:
        raise Misconfigured(f"{release!r} is one file, and this is about whole releases.", "Give NAME==VERSION.")
    return name, document


def _name(answer: dict[str, Any]) -> str:
    return f"{answer['project']} {answer['version']}"


def _files(answer: dict[str, Any]) -> list[str]:
    return [f"  {file['filename']}" for file in answer["files"]]


def _evidence(answer: dict[str, Any]) -> list[str]:
    checks = [
        f"  {_outcome(one):<9}{one['check']}, by {one['by']} at {one['at']}{_said(one['note'])}{_said(one['url'])}"
        for one in answer["checks"]
    ]
    return checks + [f"  approved for {one['to']} by {one['by']} at {one['at']}{_said(one['note'])}" for one in answer["approvals"]]


def _said(text: str) -> str:
    return f": {text}" if text else ""


def _outcome(check: dict[str, Any]) -> str:
    return "passed" if check["passed"] else "failed"
