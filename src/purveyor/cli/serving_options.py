"""The options that `serve` and `start` share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from purveyor.settings import DEFAULT_PORT

Command = TypeVar("Command", bound=Callable[..., Any])

FOLDER = click.argument("folder", required=False, type=click.Path(path_type=Path))
_OPTIONS = (
    click.option(
        "--host",
        metavar="ADDRESS",
        help="Address to listen on; anything but a loopback address lets others reach the index.  [127.0.0.1]",
    ),
    click.option(
        "--port",
        type=click.IntRange(0, 65535),
        metavar="PORT",
        help=f"Port to listen on; 0 picks a free one.  [{DEFAULT_PORT}]",
    ),
    click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        help="Directory for the database, the files and the upload token.  [the user's data directory]",
    ),
    click.option("--workers", type=click.IntRange(1, 64), metavar="N", help="Server processes that share the port.  [1]"),
    click.option("--offline", is_flag=True, help="Ask no upstream; offer what is hosted, and what was seen and stored before."),
    click.option("--verbose", "-v", is_flag=True, help="Log each upload and each refusal."),
)


def serving_options(command: Command) -> Command:
    """Give the command these options, in this order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
