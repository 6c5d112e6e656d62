"""The commands that prove that it works: verify, for an index and a project on it, and demo, for the whole path."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from purveyor.cli.reporting import JSON, Reporter
from purveyor.workbench.destination import DEFAULT_ROOT, Destination

if TYPE_CHECKING:
    from purveyor.workbench.verifier import CheckResult

WRONG, UNREACHABLE = 1, 3  # as in the table of cli/main.py


@click.command()
@click.argument("project", required=False, metavar="[NAME[==VERSION]]")
@click.option("--index-url", metavar="URL", help=f"The index.  [{DEFAULT_ROOT}simple/]")
@click.option("--no-install", is_flag=True, help="Leave out the two checks that install the project and run its code.")
@JSON
@click.pass_context
def verify(ctx: click.Context, project: str | None, index_url: str | None, *, no_install: bool, as_json: bool) -> None:
    """Check an index, and a project on it, as its users would meet it: seven checks, each with what to do.

    Without NAME the first project of the index is looked at. Works with any index; ends with 1 if a check fails, and
    with 3 if no server answers. Credentials for reading are taken from the URL, and go to that index alone.
    """
    from purveyor.workbench.verifier import verify as run  # noqa: PLC0415 - the help text needs none of it

    reporter = Reporter(as_json=as_json)
    destination = Destination.of(index_url)
    name, _, version = (project or "").partition("==")
    verification = run(
        destination.simple_url,
        name.strip() or None,
        version.strip() or None,
        lambda check: _report_check(check, reporter),
        credentials=destination.credentials,
        install=not no_install,
    )
    reporter.result(
        {
            "ok": verification.ok,
            "index_url": verification.index_url,
            "project": verification.project,
            "checks": [asdict(check) for check in verification.results],
        },
        f"{verification.index_url} is in order." if verification.ok else f"{verification.index_url} has faults.",
    )
    if not verification.ok:
        ctx.exit(WRONG if verification.results[0].passed else UNREACHABLE)


def _report_check(check: "CheckResult", reporter: Reporter) -> None:
    if reporter.as_json:
        return
    verdict = "--" if check.skipped else "ok" if check.passed else "FAIL"
    click.echo(f"{check.number}. {check.title}: {verdict}\n   {check.seen}")
    if check.remedy:
        click.echo(f"   {check.remedy}")


@click.command()
@JSON
@click.pass_context
def demo(ctx: click.Context, *, as_json: bool) -> None:
    """Walk the whole path once: new, build, serve, publish, install with pip and uv, run, verify.

    Everything happens in a temporary directory and on a free port of this machine, and is removed afterwards. Needs pip;
    uv is used too if it is installed. Ends with 1 if a step fails.
    """
    from purveyor.workbench.tour import Tour  # noqa: PLC0415 - the help text needs none of it

    reporter = Reporter(as_json=as_json)
    steps = Tour(reporter).walk()
    failed = [step for step in steps if step.outcome == "failed"]
    reporter.result(
        {"ok": not failed, "steps": [asdict(step) for step in steps]},
        f"Failed: {failed[0].title}." if failed else "Everything works.",
    )
    if failed:
        ctx.exit(WRONG)
