"""The command line: its frame, and the one table from error to exit code.

code  meaning
0     done
1     something was found wrong, or refused
2     the command line or a setting cannot be used
3     no server runs or answers there, or not as an index
4     the index does not accept the token, or does not let it do this
5     another process has the port, or another server the data directory
6     a disk or a database failed
130   interrupted from the keyboard
"""

import importlib
import json
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from purveyor import __version__
from purveyor.errors import (
    DataInUse,
    IndexUnreachable,
    Misconfigured,
    NotAllowed,
    NotAuthenticated,
    PortTaken,
    PurveyorError,
    Refused,
    ServerNotRunning,
    StoreFailed,
    UpstreamFailed,
)

EXIT_CODES: dict[type[PurveyorError], int] = {
    Misconfigured: 2,
    IndexUnreachable: 3,
    ServerNotRunning: 3,
    UpstreamFailed: 3,
    NotAuthenticated: 4,
    NotAllowed: 4,
    PortTaken: 5,
    DataInUse: 5,
    StoreFailed: 6,
}
WRONG = 1
INTERRUPTED = 130

# In the order of a project's life. The line is kept here so that `purveyor --help` need not import any of them.
COMMANDS = {
    "new": ("purveyor.cli.author:new", "Create a project that builds, installs and passes its test."),
    "build": ("purveyor.cli.author:build", "Build the source distribution and the wheel of a project."),
    "serve": ("purveyor.cli.operate:serve", "Run an index on this machine."),
    "start": ("purveyor.cli.background:start", "Run an index in the background; returns when it answers."),
    "stop": ("purveyor.cli.background:stop", "End a server of yours, and its workers."),
    "restart": ("purveyor.cli.background:restart", "End a server of yours and start it again as it was."),
    "status": ("purveyor.cli.overview:status", "List your servers, or show or set a project's status."),
    "logs": ("purveyor.cli.overview:logs", "Show what a server in the background has written."),
    "publish": ("purveyor.cli.publish:publish", "Put a project, or files already built, on an index."),
    "verify": ("purveyor.cli.proof:verify", "Check an index, or a project on it, as its users would meet it."),
    "doctor": ("purveyor.cli.doctor:doctor", "Find out why something does not work, and how to mend it."),
    "config": ("purveyor.cli.configure:config", "Set pip, uv, poetry, pdm, twine or hatch up for an index."),
    "import": ("purveyor.cli.bringing:bring", "Bring in what a directory or another index has."),
    "export": ("purveyor.cli.exporting:export", "Write the index as plain files that any web server can offer."),
    "bundle": ("purveyor.cli.bundling:bundle", "Carry files of an index to where no index can be reached."),
    "clean": ("purveyor.cli.cleaning:clean", "List what is stale, with sizes, and remove it."),
    "fsck": ("purveyor.cli.checking:fsck", "Check that all is there and what it should be, and mend it."),
    "backup": ("purveyor.cli.safekeeping:backup", "Back the whole index up, while servers go on writing."),
    "migrate": ("purveyor.cli.migrating:migrate", "Move the index to PostgreSQL and an object store, or back."),
    "index": ("purveyor.cli.indexes:index", "Make, show and change the indexes of a server."),
    "why": ("purveyor.cli.policies:why", "Say why an index offers a release, or does not."),
    "advisories": ("purveyor.cli.advisories:advisories", "Load the security advisories that policies go by."),
    "override": ("purveyor.cli.policies:override", "Offer one version whatever the policy says, for a time."),
    "yank": ("purveyor.cli.lifecycle:yank", "Mark a release as not to be installed."),
    "unyank": ("purveyor.cli.lifecycle:unyank", "Take a yank back."),
    "delete": ("purveyor.cli.lifecycle:delete", "Delete a release; its names stay taken."),
    "restore": ("purveyor.cli.lifecycle:restore", "Bring back a deleted release, or a whole index from its backup."),
    "promote": ("purveyor.cli.promotion:promote", "Take a release from one index to another."),
    "check": ("purveyor.cli.promotion:check", "Record what came of a release's checks, and show it."),
    "approve": ("purveyor.cli.promotion:approve", "Approve of somebody else's promotion."),
    "rollback": ("purveyor.cli.promotion:rollback", "Undo the newest promotion of a project."),
    "journal": ("purveyor.cli.records:journal", "Show who did what."),
    "token": ("purveyor.cli.records:token", "Give out, list and revoke tokens."),
    "demo": ("purveyor.cli.proof:demo", "Walk the whole path once in a temporary directory, and clean up."),
}


class Commands(click.Group):
    """The commands above, each imported when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])
        click.Command.format_options(self, ctx, formatter)


EXAMPLE = """\b
An index with your first project on it, from nothing:
  $ purveyor new acme-app       # a project in ./acme-app
  $ purveyor serve              # in another terminal: an index at http://127.0.0.1:8080/
  $ purveyor publish acme-app   # builds and uploads it
  $ pip install --index-url http://127.0.0.1:8080/simple/ acme-app
  $ purveyor verify acme-app    # what users meet, checked

`purveyor COMMAND --help` explains each command.
"""


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXAMPLE,
)
@click.version_option(__version__, "-V", "--version", message="purveyor %(version)s")
@click.pass_context
def commands(ctx: click.Context) -> None:
    """Purveyor is the Python package index you run yourself, and the workbench around it. It creates a project, builds
    it, serves it to pip, uv and every other installer, and verifies that what users get is what you published.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and end the process with the exit code of the table above."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(given)
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python would complain again while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _run(given: list[str]) -> int:
    try:
        ended = commands.main(given, prog_name="purveyor", standalone_mode=False)
    except PurveyorError as error:
        return _fail(error, given)
    except click.ClickException as error:
        return _fail(_misused(error), given)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _fail(StoreFailed(f"The system refused: {error.strerror or error}{_where(error)}."), given)
    # click hands back what `ctx.exit` was given, or what the command returned.
    return ended if isinstance(ended, int) else 0


def _misused(error: click.ClickException) -> Misconfigured:
    if not isinstance(error, click.UsageError):
        return Misconfigured(error.format_message())
    command = error.ctx.command_path if error.ctx else "purveyor"
    return Misconfigured(error.format_message(), f"`{command} --help` shows how it is used.")


def _where(error: OSError) -> str:
    return f" ({error.filename})" if error.filename else ""


def _fail(error: PurveyorError, given: Sequence[str]) -> int:
    if "--json" in given:
        click.echo(json.dumps({"error": error.code, "detail": error.detail, "remedy": error.remedy}))
    else:
        first, *others = error.complaints if isinstance(error, Refused) else (error.detail,)
        click.echo(f"Error: {first}", err=True)
        for complaint in others:
            click.echo(f"- {complaint}", err=True)
        if error.remedy:
            click.echo(error.remedy, err=True)
    return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), WRONG)
