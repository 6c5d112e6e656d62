"""`purveyor start`, `stop` and `restart`: the index in the background."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from purveyor.cli.reporting import JSON
from purveyor.cli.serving_options import serving_options
from purveyor.errors import Misconfigured, PurveyorError, ServerNotRunning
from purveyor.process import background, ending
from purveyor.process.background import Failed
from purveyor.process.choosing import matching, the_one, where
from purveyor.process.ending import Ending
from purveyor.process.family import unit_of
from purveyor.process.listing import Listing, listing
from purveyor.process.occupancy import LOG, occupant
from purveyor.process.runfile import Found, Record
from purveyor.process.sockets import bind
from purveyor.settings import DEFAULT_PORT, Settings
from purveyor.workbench.credentials import TOKEN_FILE

Command = TypeVar("Command", bound=Callable[..., Any])

FOLDER = click.argument("folder", required=False, type=click.Path(path_type=Path))
_DATA = click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="The server with this data directory.")
_PORT = click.option("--port", type=click.IntRange(1, 65535), metavar="PORT", help="The server on this port.")


def which_server(command: Command) -> Command:
    """Give the command the two options that say which server is meant."""
    return _DATA(_PORT(command))


def say(line: str) -> None:
    click.echo(line, err=True)


def run_directory() -> Path:
    return Settings.from_environment().run_directory


@click.command(name="start")
@FOLDER
@serving_options
@JSON
@click.pass_context
def start(  # noqa: PLR0917 - click passes them by name
    ctx: click.Context,
    folder: Path | None,
    host: str | None,
    port: int | None,
    data: Path | None,
    workers: int | None,
    *,
    offline: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Serve the index, or the wheels and sdists in FOLDER, in the background; the options are those of `purveyor serve`.

    Returns when the server answers, or says why it does not. What it logs is shown by `purveyor logs`. Starting what runs already is no
    error.
    """
    settings = Settings.from_environment(folder=folder, host=host, port=port, data=data, workers=workers, offline=offline or None)
    runs = occupant(settings.data_dir)
    if runs is not None:
        _say_that_it_runs(runs, {"host": host, "port": port or None, "workers": workers}, as_json=as_json)
    else:
        _start(ctx, settings, verbose=verbose, as_json=as_json)


@click.command(name="stop")
@which_server
@click.option("--all", "everyone", is_flag=True, help="Every server of yours.")
def stop(data: Path | None, port: int | None, *, everyone: bool) -> None:
    """End a server of yours and its workers: the only one that runs, or the one that the options name.

    Requests under way are finished first, for at most 10 seconds. Only what does not end by itself is killed, and never another process.
    """
    seen = listing(run_directory)
    forgotten = _clean_up(seen, data, port)
    chosen = matching(seen.running, data, port) if everyone else _the_one_or_none(seen, data, port, forgotten)
    if not chosen:
        raise ServerNotRunning(f"No server of yours is running{where(data, port)}.", "" if forgotten else "`purveyor start` starts one.")
    for record in chosen:
        _end(record)


@click.command(name="restart")
@which_server
@JSON
@click.pass_context
def restart(ctx: click.Context, data: Path | None, port: int | None, *, as_json: bool) -> None:
    """End a server of yours and start it again in the background, with the same options and the code that is installed now."""
    seen = listing(run_directory)
    _clean_up(seen, data, port)
    record = the_one(seen.running, data, port, "restart")
    unit = unit_of(record.identity.pid) if record.log is None else None
    if unit is not None:
        raise Misconfigured(f"The server at {record.url} is run by the service manager, as {unit}.", f"Use `systemctl restart {unit}`.")
    _end(record, quiet=as_json)
    settings = background.settings_of(record, Settings.from_environment())
    _start(ctx, settings, verbose="--verbose" in record.command or "-v" in record.command, as_json=as_json)


def _start(ctx: click.Context, settings: Settings, *, verbose: bool, as_json: bool) -> None:
    if settings.port:
        bind(settings.host, settings.port, "start").close()  # who has it is said here, and nothing need be started
    token = settings.data_dir / TOKEN_FILE
    is_first = not token.exists()
    outcome = background.launch(settings, verbose=verbose)
    if isinstance(outcome, Failed):
        _say_that_it_failed(ctx, settings, outcome, as_json=as_json)
        return
    if as_json:
        click.echo(json.dumps(_described(outcome) | {"started": True}))
        return
    click.echo(f"Purveyor {outcome.version} serves {outcome.url} in the background, as process {outcome.identity.pid}.")
    click.echo(f"  data      {outcome.data}")
    if outcome.folder is not None:
        click.echo(f"  folder    {outcome.folder}")
    click.echo(f"  log       {outcome.log}")
    click.echo(f"  publish   purveyor publish PROJECT{_index_url(outcome)}")
    if is_first and token.exists():
        # Not the token itself: what starts a server in the background is often a script, whose output is kept.
        click.echo(f"  token     made, and kept in {token.resolve()}")
    click.echo(f"  stop      purveyor stop --port {outcome.port}")


def _index_url(record: Record) -> str:
    return "" if record.port == DEFAULT_PORT else f" --index-url {record.url}simple/"


def _described(record: Record) -> dict[str, Any]:
    return {
        "url": record.url,
        "data": str(record.data),
        "folder": str(record.folder) if record.folder else None,
        "pid": record.identity.pid,
        "version": record.version,
        "log": str(record.log) if record.log else None,
    }


def _say_that_it_runs(record: Record, asked: dict[str, Any], *, as_json: bool) -> None:
    """`asked` are the options that were given: where they differ, that is not what runs."""
    others = [f"{name} {value}" for name, value in asked.items() if value is not None and value != getattr(record, name)]
    if as_json:
        click.echo(json.dumps(_described(record) | {"started": False}))
    else:
        click.echo(f"It already runs: {record.url}, process {record.identity.pid}, with its data in {record.data}.")
    if others:
        say(f"It does not run with {' and '.join(others)}: for that, `purveyor stop --port {record.port}`, then this command again.")


def _say_that_it_failed(ctx: click.Context, settings: Settings, failed: Failed, *, as_json: bool) -> None:
    runs = occupant(settings.data_dir)
    if runs is not None:  # somebody was quicker
        _say_that_it_runs(runs, {}, as_json=as_json)
        return
    summary = f"The server did not start; it ended with exit code {failed.code}."
    log = settings.data_dir / LOG
    if as_json:
        click.echo(
            json.dumps({"error": PurveyorError.code, "detail": f"{summary} {failed.said}".strip(), "remedy": "", "exit_code": failed.code})
        )
    else:
        say(failed.said or (f"Its log is {log}." if log.exists() else ""))
        say(summary)
    ctx.exit(failed.code if failed.code > 0 else 1)


def _end(record: Record, *, quiet: bool = False) -> None:
    try:
        directory: Path | None = run_directory()
    except Misconfigured:
        directory = None
    ended = ending.end(record, directory, say)
    if quiet:
        return
    how = {Ending.GRACEFUL: "has ended", Ending.KILLED: "was killed", Ending.GONE: "had ended already"}[ended]
    click.echo(f"The server at {record.url} {how} (process {record.identity.pid}, data in {record.data}).")


def _the_one_or_none(seen: Listing, data: Path | None, port: int | None, forgotten: list[Found]) -> list[Record]:
    if forgotten and not matching(seen.running, data, port):
        return []
    return [the_one(seen.running, data, port, "stop")]


def _clean_up(seen: Listing, data: Path | None, port: int | None) -> list[Found]:
    """Say which of those that are meant have ended without removing their run file, and remove it."""
    meant = [found for found in seen.stale if found.record and matching([found.record], data, port)]
    for found in meant:
        report_stale(found)
    return meant


def report_stale(found: Found) -> None:
    """Say that the server ended without a word, and forget it."""
    record = found.record
    assert record is not None  # else it is rubbish, not stale
    found.remove()
    say(f"Stale: process {record.identity.pid} is gone; it served {record.url} with its data in {record.data}. Its run file is removed.")
