"""The command that puts files on an index."""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from purveyor.cli.author import INSTALLER, NO_ISOLATION, way
from purveyor.cli.reporting import JSON, Reporter
from purveyor.errors import PurveyorError
from purveyor.process.choosing import server_at
from purveyor.settings import Settings
from purveyor.workbench import uploader
from purveyor.workbench.credentials import TOKEN_FILE, TOKEN_USER, find_credentials
from purveyor.workbench.destination import DEFAULT_ROOT, Destination
from purveyor.workbench.uploader import Published

if TYPE_CHECKING:
    from purveyor.workbench.builder import Way


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--index-url", metavar="URL", help=f"The index, as installers know it.  [{DEFAULT_ROOT}simple/]")
@click.option("--upload-url", "--repository-url", metavar="URL", help="Where it takes uploads.  [.../legacy/ beside .../simple/]")
@click.option("--token-file", type=click.Path(path_type=Path), help="A file that holds the token.")
@click.option("--token", help="The token itself; other users of this machine can read it while the command runs.")
@click.option("--username", default=TOKEN_USER, show_default=True, help="The user the token belongs to.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data directory of a server on this machine, for its token.  [that of the server at the URL]",
)
@NO_ISOLATION
@INSTALLER
@JSON
def publish(  # noqa: PLR0917 - click passes them by name
    paths: tuple[Path, ...],
    index_url: str | None,
    upload_url: str | None,
    token_file: Path | None,
    token: str | None,
    username: str,
    data: Path | None,
    installer: str,
    *,
    no_isolation: bool,
    as_json: bool,
) -> None:
    """Put PATHS on an index: a project's directory, which is built first, or files that are built already.

    Files that are there already with the same content are fine; with other content nothing is sent at all. The token is
    that of --token-file, of PURVEYOR_TOKEN, or the one that the server at the URL keeps, if it is one of yours on this machine.
    """
    reporter = Reporter(as_json=as_json)
    destination = Destination.of(index_url, upload_url)
    found = (username, token) if token else None
    found = found or find_credentials(destination, user=username, token_file=token_file, data=data or data_of_server(destination))
    found = found or _asked_for(username, destination, as_json=as_json)
    if found and not destination.is_local and destination.upload_url.startswith("http:"):
        reporter.say(f"The token travels unencrypted: {destination.upload_url} is http.")
    with TemporaryDirectory(prefix="purveyor-publish-") as scratch:
        files = _built_where_needed(paths or (Path(),), Path(scratch), way(installer, no_isolation=no_isolation), reporter)
        published = uploader.publish(files, destination, found, reporter)
    _report_published(published, destination, reporter)


def data_of_server(destination: Destination) -> Path | None:
    """The data directory of this user's server at that URL, if it has left a token there."""
    try:
        record = server_at(destination.upload_url, Settings.from_environment().run_directory) if destination.is_local else None
    except PurveyorError:  # without a home directory there are no run files
        return None
    return record.data if record is not None and (record.data / TOKEN_FILE).exists() else None


def _asked_for(username: str, destination: Destination, *, as_json: bool) -> tuple[str, str] | None:
    """A person at a terminal can type the token; a local index may do without, and says so if it does not."""
    if as_json or destination.is_local or not sys.stdin.isatty():
        return None
    return username, click.prompt(f"Token for {destination.upload_url}", hide_input=True, err=True)


def _built_where_needed(paths: tuple[Path, ...], scratch: Path, way: "Way", reporter: Reporter) -> list[Path]:
    from purveyor.workbench import builder  # noqa: PLC0415 - files that are built already need no build frontend

    files: list[Path] = []
    for number, path in enumerate(paths):
        if builder.is_project(path):
            files += [file.path for file in builder.build(path, scratch / str(number), way, reporter)]
        else:
            files += uploader.distribution_files([path])
    return files


def _report_published(published: Sequence[Published], destination: Destination, reporter: Reporter) -> None:
    names = list(dict.fromkeys(file.project for file in published))
    reporter.result(
        {
            "index_url": destination.simple_url,
            "files": [
                {
                    "filename": file.filename,
                    "project": file.project,
                    "version": file.version,
                    "size": file.size,
                    "sha256": file.sha256,
                    "url": file.url,
                    "outcome": "already-there" if file.already else "published",
                }
                for file in published
            ],
        },
        *(f"{'Already there, identical' if file.already else 'Published'}: {file.filename}  sha256 {file.sha256}" for file in published),
        f"Install: pip install --index-url {destination.simple_url} {' '.join(names)}",
    )
