"""The command that sets clients up for an index."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from purveyor.cli.reporting import JSON, Reporter
from purveyor.errors import Misconfigured
from purveyor.workbench.destination import DEFAULT_ROOT, Destination

if TYPE_CHECKING:
    from purveyor.workbench.configuration.change import Change
    from purveyor.workbench.configuration.found import Surroundings
    from purveyor.workbench.configuration.recipes import Recipe, Target

REFUSED = 1  # as in the table of cli/main.py


@click.command()
@click.argument("client", metavar="CLIENT", type=click.Choice(["pip", "uv", "poetry", "pdm", "twine", "hatch"]))
@click.option("--index-url", metavar="URL", help=f"The index, as installers know it.  [{DEFAULT_ROOT}simple/]")
@click.option("--upload-url", metavar="URL", help="Where it takes uploads.  [.../legacy/ beside .../simple/]")
@click.option("--name", default="purveyor", show_default=True, help="What the client calls the index, where it wants a name.")
@click.option(
    "--project", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Set it up for the project in this directory."
)
@click.option("--user", is_flag=True, help="Set it up for all that this user does.")
@click.option("--write", is_flag=True, help="Change the file, once the change was shown and confirmed.")
@click.option("--yes", is_flag=True, help="With --write: do not ask.")
@click.option("--with-token", is_flag=True, help="For twine: put the token into the file too, which is then readable for you alone.")
@JSON
@click.pass_context
def config(  # noqa: PLR0917 - click passes them by name
    ctx: click.Context,
    client: str,
    index_url: str | None,
    upload_url: str | None,
    name: str,
    project: Path | None,
    *,
    user: bool,
    write: bool,
    yes: bool,
    with_token: bool,
    as_json: bool,
) -> None:
    """Show how CLIENT (pip, uv, poetry, pdm, twine or hatch) is set up for an index, and with --write set it up.

    pip, uv, twine and hatch are set up for the user, poetry and pdm for the project in the current directory, unless --project or --user
    says otherwise. The rest of a file stays as it is, and what was there is kept beside it.
    """
    from purveyor.workbench.configuration import recipes  # noqa: PLC0415 - `purveyor --help` needs none of it
    from purveyor.workbench.configuration.found import Surroundings  # noqa: PLC0415 - as above

    if project is not None and user:
        raise Misconfigured("--project and --user exclude each other.", "Give one of them, or neither.")
    if write and not yes and (as_json or not sys.stdin.isatty()):
        raise Misconfigured("There is no terminal on which the change could be confirmed.", "Add --yes to write without being asked.")
    destination = Destination.of(index_url, upload_url)
    here = Surroundings.here()
    place = project.resolve() if project is not None else None
    target = recipes.Target(destination, name)
    if with_token:
        target = _with_token(client, target)
    plan = recipes.recipe(client, target, here, place, user=user)
    if destination.credentials is not None and not with_token:
        plan = replace(plan, notes=(*plan.notes, "The user and password of the URL are not written: they belong into ~/.netrc."))
    reporter = Reporter(as_json=as_json)
    here = replace(here, cwd=place or here.cwd)
    if write:
        ctx.exit(_write(plan, destination, here, reporter, ask=not yes))
    _show(plan, destination, here, reporter)


def _with_token(client: str, target: "Target") -> "Target":
    from purveyor.cli.publish import data_of_server  # noqa: PLC0415 - for this option alone
    from purveyor.workbench.credentials import find_credentials  # noqa: PLC0415 - as above

    if client != "twine":
        raise Misconfigured(f"--with-token is for twine; {client} has no file for a token.", "Leave it out.")
    found = find_credentials(target.destination, data=data_of_server(target.destination))
    if found is None:
        raise Misconfigured(f"No token is known for {target.upload}.", "Put it into the environment variable PURVEYOR_TOKEN.")
    return replace(target, credentials=found)


def _show(plan: "Recipe", destination: Destination, here: "Surroundings", reporter: Reporter) -> None:
    from purveyor.workbench.configuration.change import content  # noqa: PLC0415 - as above

    text = content(plan)
    notes = _notes(plan, destination, here, written=False)
    reporter.result(
        _document(plan, notes, content=text, changed=False),
        f"{here.shown(plan.path)}:",
        "",
        *(f"  {line}" if line else "" for line in text.splitlines()),
        "",
        *_afterwards(plan, notes),
        "With --write it is put there, once you have seen what changes.",
    )


def _write(plan: "Recipe", destination: Destination, here: "Surroundings", reporter: Reporter, *, ask: bool) -> int:
    from purveyor.workbench.configuration.change import planned  # noqa: PLC0415 - as above

    change = planned(plan)
    if not change.is_needed:
        notes = _notes(plan, destination, here, written=True)
        reporter.result(_document(plan, notes, changed=False), f"{here.shown(plan.path)} is already so.", *_afterwards(plan, notes))
        return 0
    reporter.say(change.diff(here.shown(plan.path)))
    if change.target != plan.path:
        reporter.say(f"{here.shown(plan.path)} is a link: the file behind it, {here.shown(change.target)}, is changed.")
    if ask and not click.confirm("Write this?", err=True):
        reporter.say("Nothing was written.")
        return REFUSED
    _made(change, plan, destination, here, reporter)
    return 0


def _made(change: "Change", plan: "Recipe", destination: Destination, here: "Surroundings", reporter: Reporter) -> None:
    kept = change.write()
    notes = _notes(plan, destination, here, written=True)
    reporter.result(
        _document(plan, notes, changed=True, diff=change.diff(here.shown(plan.path)), backup=str(kept) if kept else None),
        f"Written: {here.shown(plan.path)}",
        *([f"What was there is in {here.shown(kept)}."] if kept else []),
        *_afterwards(plan, notes),
    )


def _notes(plan: "Recipe", destination: Destination, here: "Surroundings", *, written: bool) -> list[str]:
    from purveyor.workbench.configuration.standing_above import standing_above  # noqa: PLC0415 - as above

    return [*plan.notes, *standing_above(plan.client, destination, here, written=written)]


def _afterwards(plan: "Recipe", notes: Sequence[str]) -> list[str]:
    return [*(f"Note: {note}" for note in notes), *(f"Then: {command}" for command in plan.commands)]


def _document(plan: "Recipe", notes: Sequence[str], **more: object) -> dict[str, object]:
    return {"client": plan.client, "path": str(plan.path), "notes": list(notes), "commands": list(plan.commands), **more}
