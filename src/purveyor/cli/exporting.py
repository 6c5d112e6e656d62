"""`purveyor export`: the index as plain files."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import asdict

from purveyor.cli.reporting import JSON, Reporter, sized
from purveyor.errors import Misconfigured, NotFound
from purveyor.settings import Settings

if TYPE_CHECKING:
    from purveyor.application import Application
    from purveyor.serving.export import Exporter, Round

_BAR_FROM = 100
"""Projects below which a round is over before a bar could be read."""


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="The index's data directory.  [the user's data directory]")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="The folder that is served, if it is one.")
@click.option("--watch", is_flag=True, help="Go on and export each change as it comes, until Ctrl-C.")
@JSON
def export(directory: Path, data: Path | None, folder: Path | None, *, watch: bool, as_json: bool) -> None:
    """Write the index into DIR as plain files that any web server can offer: pages in HTML and JSON, files, metadata.

    Files are hard links where that is possible. Exporting again writes only what has changed; a server may be running
    meanwhile, and clients may be reading DIR.
    """
    from purveyor import assembly  # noqa: PLC0415 - the help text needs none of it
    from purveyor.serving.export import Exporter  # noqa: PLC0415 - as above
    from purveyor.serving.static_tree import StaticTree  # noqa: PLC0415 - as above

    settings = Settings.from_environment(data=data, folder=folder)
    if settings.folder is None:
        check_index(settings, there=assembly.has_index(settings))
    reporter = Reporter(as_json=as_json)
    with StaticTree(directory) as tree:
        tree.standing()  # refused before the index is opened
        app = assembly.application(settings)
        try:
            if app.watch is not None:
                _look_at_folder(app, follow=watch)
            exporter = Exporter(app.catalog, app.blobs, tree, settings.data_dir)
            if watch:
                _watch(app, exporter, directory, reporter)
            else:
                _report(exporter.round(lambda size: _bar(size, reporter)), directory, reporter)
        finally:
            if app.watch is not None:
                app.watch.stop()
            app.catalog.close()


def check_index(settings: Settings, *, there: bool) -> None:
    """Raises `Misconfigured` where there is no index: a mistyped path is not to become an empty one."""
    if not there:
        raise Misconfigured(
            f"There is no index in {settings.data_dir}.", "Name the data directory that its server shows at its start, with --data."
        )


def _look_at_folder(app: "Application", *, follow: bool) -> None:
    """A folder's files are inspected when their project is first asked for; with `follow` what comes later is too, as in a server."""
    for name, _ in app.catalog.project_names():
        app.catalog.project_detail(name)
    if follow and app.watch is not None:
        app.watch.start()


def _watch(app: "Application", exporter: "Exporter", directory: Path, reporter: Reporter) -> None:
    from purveyor.serving.export import wait_for_change  # noqa: PLC0415 - as above

    mark = app.follower.mark()
    _report(exporter.round(lambda size: _bar(size, reporter)), directory, reporter)
    reporter.say("Watching for changes. Ctrl-C stops it.")
    try:
        while True:
            wait_for_change(app.follower, mark)
            mark = app.follower.mark()
            try:
                done = exporter.round()
            except NotFound as error:
                # A file of a served folder that its owner is writing to: the folder's follower sees that too, and then it is tried again.
                reporter.say(str(error))
                continue
            if done.changed:
                _report(done, directory, reporter)
    except KeyboardInterrupt:
        reporter.say("Stopped; the export is as the last line says, or the next one completes it.")


@contextmanager
def _bar(size: int, reporter: Reporter) -> Iterator[Callable[[int], None]]:
    if reporter.as_json or size < _BAR_FROM or not sys.stderr.isatty():
        if size >= _BAR_FROM:
            reporter.say(f"{size} projects to look at.")
        yield lambda _count: None
        return
    with click.progressbar(length=size, label="Projects", file=sys.stderr, show_pos=True) as bar:
        yield bar.update


def _report(done: "Round", directory: Path, reporter: Reporter) -> None:
    reporter.result({"directory": str(directory.resolve()), **asdict(done)}, f"{directory}: {_sentence(done)} (serial {done.serial})")
    sys.stdout.flush()  # a line that is waited for, with --watch, is not to wait in a buffer


def _sentence(done: "Round") -> str:
    if not done.changed:
        return "nothing has changed"
    return ", ".join(
        phrase
        for number, phrase in (
            (done.projects, f"pages of {_counted(done.projects, 'project')} written"),
            (done.projects_removed, f"{_counted(done.projects_removed, 'project')} removed"),
            (done.files, f"{_counted(done.files, 'file')} added ({sized(done.bytes)})"),
            (done.files_removed, f"{_counted(done.files_removed, 'file')} removed"),
            (done.list, "the list written"),
        )
        if number
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
