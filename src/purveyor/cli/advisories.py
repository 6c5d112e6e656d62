"""`purveyor advisories load`: what is known of releases that should not be installed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO

import click

from purveyor.cli.reporting import JSON, Reporter, sized
from purveyor.errors import IndexUnreachable, Misconfigured
from purveyor.model.indexes import shown
from purveyor.settings import Settings

if TYPE_CHECKING:
    from purveyor.model.advisories import Advisory

ACTOR = "advisories"
"""Who the journal names."""
_SAID_EVERY = 5_000
_BLOCK = 1 << 20


@click.group(name="advisories")
def advisories() -> None:
    """Security advisories, of which the policy of an index may warn, or which it may block."""


@advisories.command()
@click.argument("source")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data directory to load them into; servers may run over it.  [the user's data directory]",
)
@JSON
def load(source: str, data: Path | None, *, as_json: bool) -> None:
    """Load the advisories of SOURCE, a file or a URL: they take the place of those that were loaded before.

    SOURCE is in the Open Source Vulnerability format: the zip of a database's dump, a JSON document, or a list of them. All servers over
    the data directory go by them at once.
    """
    from purveyor import assembly  # noqa: PLC0415 - the help text needs none of it
    from purveyor.formats.osv import read_dump  # noqa: PLC0415 - likewise

    reporter, settings = Reporter(as_json=as_json), Settings.from_environment(data=data)
    with _opened(source, reporter) as dump:
        reading = read_dump(dump)
        # All of them before the first row: other writers wait for a transaction, and must not wait for a file to be read.
        found = list(_counted(reading.advisories, reporter))
    app = assembly.application(settings)
    try:
        count = app.catalog.replace_advisories(found, ACTOR, app.now())
    finally:
        app.catalog.close()
    document = {"source": shown(source), "data": str(settings.data_dir), "advisories": count, "left_out": reading.left_out}
    left = f" {reading.left_out} documents could not be read and were left out." if reading.left_out else ""
    reporter.result(document, f"{count} advisories are loaded.{left}")


def _counted(advisories: "Iterator[Advisory]", reporter: Reporter) -> "Iterator[Advisory]":
    for count, advisory in enumerate(advisories, 1):
        if count % _SAID_EVERY == 0:
            reporter.say(f"Read {count} advisories")
        yield advisory


@contextmanager
def _opened(source: str, reporter: Reporter) -> Iterator[BinaryIO]:
    if "://" not in source:
        with _file(source) as file:
            yield file
        return
    with TemporaryFile() as copy:
        _fetch(source, copy, reporter)
        yield copy


def _file(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}.", "Name a file, or a URL.") from None


def _fetch(url: str, copy: BinaryIO, reporter: Reporter) -> None:
    """The whole, whatever its size, on disk."""
    from urllib.error import URLError  # noqa: PLC0415 - the help text needs none of it
    from urllib.request import urlopen  # noqa: PLC0415 - likewise

    if not url.startswith(("https://", "http://")):
        raise Misconfigured(f"{shown(url)} is not a URL that can be fetched.", "Give one that begins with https://.")
    reporter.say(f"Fetching {shown(url)}")
    try:
        with urlopen(url, timeout=60) as answer:  # noqa: S310 - http and https only, see above
            shutil.copyfileobj(answer, copy, _BLOCK)
            expected = int(answer.headers.get("Content-Length") or copy.tell())
    except (URLError, OSError, ValueError) as error:
        raise IndexUnreachable(f"{shown(url)} cannot be fetched: {error}.", "Check the URL, or fetch the file by hand.") from None
    if copy.tell() != expected:
        raise IndexUnreachable(f"{shown(url)} broke off after {copy.tell()} of {expected} bytes.", "Try again.")
    reporter.say(f"Fetched {sized(copy.tell())}")
    copy.seek(0)
