"""What every command that changes an index has in common: which index, on which server, with whose token."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from purveyor.workbench.credentials import find_credentials
from purveyor.workbench.destination import DEFAULT_ROOT, Destination
from purveyor.workbench.management import Management

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Server:
    """What the command line says of the server."""

    index_url: str | None
    token_file: Path | None
    data: Path | None

    def management(self, index: str | None) -> Management:
        """Of that index; the default one, or the one that the URL leads to, with None."""
        destination = Destination.of(self.index_url)
        credentials = find_credentials(destination, token_file=self.token_file, data=self.data)
        return Management(destination, credentials, None if index == "default" else index)


INDEX = click.option("--index", metavar="NAME", help="The index of that server.  [the one the URL leads to]")


def managing(command: Command) -> Command:
    """Options that say which server; the command is given what they say as `server`."""

    @wraps(command)
    def collected(*args: Any, index_url: str | None, token_file: Path | None, data: Path | None, **options: Any) -> Any:
        return command(*args, server=Server(index_url, token_file, data), **options)

    for option in (
        click.option(
            "--data",
            type=click.Path(file_okay=False, path_type=Path),
            help="The data directory of a server on this machine, for its token.  [the user's data directory]",
        ),
        click.option("--token-file", type=click.Path(path_type=Path), help="A file that holds the token."),
        click.option("--index-url", metavar="URL", help=f"The server, as installers know it.  [{DEFAULT_ROOT}simple/]"),
    ):
        option(collected)
    return collected
