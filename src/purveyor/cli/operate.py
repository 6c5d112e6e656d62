"""`purveyor serve`: the index, in the foreground."""

import ipaddress
import json
import os
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from purveyor import __version__
from purveyor.cli.serving_options import FOLDER, serving_options
from purveyor.process import logs
from purveyor.process.occupancy import occupy
from purveyor.process.presence import end_cleanly_on_request, own_record, written_down
from purveyor.process.sockets import bind, url_of
from purveyor.settings import DEFAULT_PORT, Settings

if TYPE_CHECKING:
    from purveyor.application import Application  # its parts are imported where they are needed

_WELCOME = """\
Purveyor {version} serves {url}
  data      {data}
{folder}  pid       {pid}
  install   pip install --index-url {url}simple/ NAME
            uv pip install --default-index {url}simple/ NAME
  upload    purveyor publish PROJECT{flags}
            twine upload --repository-url {url}legacy/ -u __token__ -p TOKEN dist/*
            uv publish --publish-url {url}legacy/ --token TOKEN dist/*
"""


@click.command(name="serve", short_help="Serve the index.")
@FOLDER
@serving_options
@click.option("--json", "as_json", is_flag=True, help="Print where the server answers as one line of JSON.")
def serve(
    folder: Path | None,
    host: str | None,
    port: int | None,
    data: Path | None,
    workers: int | None,
    *,
    offline: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    """Serve the index until Ctrl-C.

    With FOLDER, the wheels and sdists in that folder and below it are served, and followed: a file dropped in is offered within a second,
    one taken out no longer, and what is uploaded lands there.

    Installing is open to everyone who reaches the address. Uploading needs the token that the first start makes, shows once and leaves in
    the data directory, where `purveyor publish` on this machine finds it.
    """
    from purveyor import assembly  # noqa: PLC0415 - other commands, and a port that is taken, need none of it

    settings = Settings.from_environment(
        folder=folder, host=host, port=port, data=data, workers=workers, offline=offline or None, log_level="info" if verbose else None
    )
    logs.configure(settings)
    end_cleanly_on_request()
    listener = bind(settings.host, settings.port)
    data = assembly.data_directory(settings.data_dir)
    record = own_record(settings, listener, data)
    with closing(occupy(data, record)):
        app = assembly.application(settings)
        token = assembly.first_token(app)
        app.catalog.close()
        with written_down(record, lambda: settings.run_directory, _warn):
            _announce(app, listener, token, as_json=as_json)
            assembly.serve(settings, listener)


def _served(app: "Application") -> str:
    """The line about the folder, if one is served."""
    return "" if app.watch is None else f"  folder    {app.watch.folder.root} ({app.watch.folder.count()} wheels and sdists)\n"


def _warn(line: str) -> None:
    click.echo(line, err=True)


def _announce(app: "Application", listener: socket.socket, token: str | None, *, as_json: bool) -> None:
    url = url_of(listener)
    data = app.settings.data_dir.resolve()
    if as_json:
        click.echo(json.dumps({"url": url, "data": str(data), "pid": os.getpid(), "version": __version__}))
        return
    flags = "" if listener.getsockname()[1] == DEFAULT_PORT else f" --index-url {url}simple/"
    click.echo(_WELCOME.format(version=__version__, url=url, data=data, pid=os.getpid(), flags=flags, folder=_served(app)), nl=False)
    if token is not None:
        # What is no terminal is a log, or may become one, and others read those.
        shown = f"{token}   (shown this once; kept in" if sys.stdout.isatty() else "(in"
        click.echo(f"  token     {shown} {data / 'upload-token'})")
    if not ipaddress.ip_address(listener.getsockname()[0]).is_loopback:
        click.echo("  open      everyone who reaches this address can install, and tokens travel unencrypted: put TLS in front")
    if sys.stdout.isatty():
        click.echo("Ctrl-C stops it.")
