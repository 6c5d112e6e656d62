"""`purveyor import`: what another index, or a directory, has."""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from purveyor.cli.reporting import JSON, Reporter, sized
from purveyor.errors import Misconfigured, PurveyorError, Refused
from purveyor.model.names import NormalizedName, normalize
from purveyor.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from purveyor.application import Application
    from purveyor.workbench.importing.offers import Source
    from purveyor.workbench.importing.run import Brought, Report

_SAID_EVERY = 5.0
"""Seconds between two lines of progress where there is no terminal."""


@click.command(name="import", short_help="Bring in what another index has.")
@click.argument("source")
@click.argument("names", nargs=-1, metavar="[NAMES]...")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data directory to bring it into; a server may run over it.  [the user's data directory]",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder that is served, as `purveyor serve FOLDER` names it: the files land in it.",
)
@click.option("--all", "everything", is_flag=True, help="Take an index of more than 20,000 projects as a whole.")
@click.option("--devpi-index", "devpi_indexes", multiple=True, metavar="USER/INDEX", help="Of a devpi, this index only.  [all but mirrors]")
@click.option("--dry-run", is_flag=True, help="Say what would be brought in, and change nothing.")
@JSON
@click.pass_context
def bring(  # noqa: PLR0917 - click passes them by name
    ctx: click.Context,
    source: str,
    names: tuple[str, ...],
    data: Path | None,
    folder: Path | None,
    devpi_indexes: tuple[str, ...],
    *,
    everything: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Bring the files of SOURCE into the index of this machine, with their upload times, yanks and statuses.

    SOURCE is the URL of any index, or a directory: of wheels and sdists, a static simple/ tree, a devpi export, a devpi server's own. NAMES
    are the projects to bring; without them, all. What is here already is not fetched again, so that a run that was cut short goes on where
    it ended.
    """
    from purveyor.workbench.importing.detection import source_at  # noqa: PLC0415 - the help text needs none of it
    from purveyor.workbench.importing.run import Import  # noqa: PLC0415 - likewise

    wanted = _normalized(names)
    reporter, stop = Reporter(as_json=as_json), threading.Event()
    settings = Settings.from_environment(data=data, folder=folder)
    place = source_at(source, stop, devpi_indexes=devpi_indexes, everything=everything)
    reporter.say(f"{place.shown} is {place.kind}.")
    with ExitStack() as stack:
        stack.callback(place.close)
        projects = place.projects(wanted)
        app = stack.enter_context(_application(settings, dry=dry_run))
        run = Import(app, place, stop, dry=dry_run)
        try:
            with _told(reporter) as tell:
                run.run(projects, tell)
        except (PurveyorError, KeyboardInterrupt):
            if not as_json:  # one document is printed, that of the error
                _report(run.report, place, settings, reporter, dry=dry_run)
            raise
        _report(run.report, place, settings, reporter, dry=dry_run)
    ctx.exit(1 if run.report.left else 0)


def _normalized(names: Sequence[str]) -> list[NormalizedName]:
    try:
        return [normalize(name) for name in names]
    except Refused as fault:
        raise Misconfigured(fault.detail, "Name projects as installers do, without versions.") from None


@contextmanager
def _application(settings: Settings, *, dry: bool) -> "Iterator[Application]":
    """The index to bring things into; a dry run makes none where there is none."""
    from purveyor import assembly  # noqa: PLC0415 - as above

    with ExitStack() as stack:
        if dry and not assembly.has_index(settings):
            settings = replace(settings, data=Path(stack.enter_context(TemporaryDirectory(prefix="purveyor-import-"))))
        app = assembly.application(settings)
        stack.callback(app.catalog.close)
        yield app


@contextmanager
def _told(reporter: Reporter) -> "Iterator[Callable[[Report], None]]":
    """A bar over the projects on a terminal; elsewhere a line now and then."""
    if not reporter.as_json and sys.stderr.isatty():
        with _bar() as tell:
            yield tell
        return
    said = time.monotonic()

    def tell_now_and_then(report: "Report") -> None:
        nonlocal said
        if time.monotonic() - said > _SAID_EVERY:
            said = time.monotonic()
            reporter.say(_so_far(report))

    yield tell_now_and_then


@contextmanager
def _bar() -> "Iterator[Callable[[Report], None]]":
    with click.progressbar(length=1, label="Importing", file=sys.stderr, item_show_func=lambda item: item or "") as bar:

        def tell(report: "Report") -> None:
            bar.length = report.projects
            bar.update(report.projects_done - bar.pos, f"{len(report.files)} files, {sized(report.bytes)}")

        yield tell


def _so_far(report: "Report") -> str:
    return f"{report.projects_done} of {report.projects} projects, {len(report.files)} files, {sized(report.bytes)} brought in"


def _report(report: "Report", source: "Source", settings: Settings, reporter: Reporter, *, dry: bool) -> None:
    from purveyor.workbench.importing.run import Outcome  # noqa: PLC0415 - as above

    imported = report.of(Outcome.IMPORTED)
    here = report.of(Outcome.ALREADY_HERE)
    refused = report.left
    counts = {"projects": report.projects, "imported": len(imported), "already_here": len(here), "refused": len(refused)}
    reporter.result(
        {
            "source": source.shown,
            "kind": source.kind,
            "data": str(settings.data_dir),
            "dry_run": dry,
            "counts": counts,
            "bytes": report.bytes,
            "imported": [_described(brought) for brought in imported],
            "already_here": [{"filename": brought.name, "notes": brought.reasons} for brought in here],
            "refused": [{"name": brought.name, "outcome": brought.outcome, "reasons": brought.reasons} for brought in refused],
            "statuses": {name: {"status": status.status, "reason": status.reason} for name, status in report.statuses.items()},
        },
        *(_line(f"{brought.name}: {reason}") for brought in (*imported, *here) for reason in brought.reasons),
        *(_line(f"{name} is {status.status} there, and here from now on.") for name, status in report.statuses.items()),
        *(_line(f"Refused {brought.name}: {' '.join(brought.reasons)}") for brought in refused),
        f"{'Would import' if dry else 'Imported'} {_files(len(imported))} ({sized(report.bytes)});"
        f" {len(here)} already here; {len(refused)} refused.",
    )


def _line(text: str) -> str:
    """Without what could steer a terminal: names come from the source."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _described(brought: "Brought") -> dict[str, Any]:
    file = brought.file
    if file is None:
        return {"filename": brought.name}
    return {
        "filename": file.filename,
        "project": file.project,
        "version": file.version,
        "size": file.size,
        "sha256": file.sha256,
        "uploaded_at": file.uploaded_at.isoformat() if file.uploaded_at else None,
        "uploaded_by": file.uploaded_by,
        "yanked": file.yanked.reason if file.yanked else None,
        "notes": brought.reasons,
    }
