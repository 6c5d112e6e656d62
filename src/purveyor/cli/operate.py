"""`purveyor serve`: the index, in the foreground."""

import ipaddress
import json
import logging
import os
import shlex
import socket
from pathlib import Path

import click

from purveyor import __version__
from purveyor.process.sockets import bind, url_of
from purveyor.settings import DEFAULT_PORT, Settings

_WELCOME = """\
Purveyor {version} serves {url}
  data      {data}
  pid       {pid}
  install   pip install --index-url {url}simple/ NAME
            uv pip install --default-index {url}simple/ NAME
  upload    purveyor publish PROJECT{flags}
            twine upload --repository-url {url}legacy/ -u __token__ -p TOKEN dist/*
            uv publish --publish-url {url}legacy/ --token TOKEN dist/*
"""


@click.command(name="serve", short_help="Serve the index.")
@click.option(
    "--host",
    metavar="ADDRESS",
    help="Address to listen on; anything but a loopback address lets others reach the index.  [127.0.0.1]",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help=f"Port to listen on; 0 picks a free one.  [{DEFAULT_PORT}]",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the database, the files and the upload token.  [the user's data directory]",
)
@click.option("--workers", type=click.IntRange(1, 64), metavar="N", help="Server processes that share the port.  [1]")
@click.option("--offline", is_flag=True, help="Ask no upstream; offer what is hosted, and what was seen and stored before.")
@click.option("--json", "as_json", is_flag=True, help="Print where the server answers as one line of JSON.")
@click.option("--verbose", "-v", is_flag=True, help="Log each upload and each refusal.")
def serve(
    host: str | None, port: int | None, data: Path | None, workers: int | None, *, offline: bool, as_json: bool, verbose: bool
) -> None:
    """Serve the index until Ctrl-C.

    Installing is open to everyone who reaches the address. Uploading needs the token that the first start makes, shows once and leaves in
    the data directory, where `purveyor publish` on this machine finds it.
    """
    from purveyor import assembly  # noqa: PLC0415 - other commands, and a port that is taken, need none of it

    settings = Settings.from_environment(host=host, port=port, data=data, workers=workers, offline=offline or None)
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    listener = bind(settings.host, settings.port)
    app = assembly.application(settings)
    token = assembly.first_token(app)
    app.catalog.close()
    _announce(settings, listener, token, as_json=as_json)
    assembly.serve(settings, listener)


def _announce(settings: Settings, listener: socket.socket, token: str | None, *, as_json: bool) -> None:
    url = url_of(listener)
    data = settings.data_dir.resolve()
    if as_json:
        click.echo(json.dumps({"url": url, "data": str(data), "pid": os.getpid(), "version": __version__}))
        return
    flags = "" if listener.getsockname()[1] == DEFAULT_PORT else f" --index-url {url}simple/"
    flags += f" --data {shlex.quote(str(data))}" if settings.data is not None else ""
    click.echo(_WELCOME.format(version=__version__, url=url, data=data, pid=os.getpid(), flags=flags), nl=False)
    if token is not None:
        click.echo(f"  token     {token}   (shown this once; kept in {data / 'upload-token'})")
    if not ipaddress.ip_address(listener.getsockname()[0]).is_loopback:
        click.echo("  open      everyone who reaches this address can install, and tokens travel unencrypted: put TLS in front")
    click.echo("Ctrl-C stops it.")
