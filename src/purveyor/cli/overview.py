"""`purveyor status` and `logs`: what runs, and what it has to say."""

import json
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import click

from purveyor.cli.background import report_stale, run_directory, say, which_server
from purveyor.cli.reporting import JSON, sized
from purveyor.errors import ServerNotRunning
from purveyor.model.projects import Status
from purveyor.process.choosing import matching, the_one, where
from purveyor.process.health import Health
from purveyor.process.listing import Condition, Listing, conditions, listing
from purveyor.process.occupancy import LOG
from purveyor.process.runfile import Found
from purveyor.settings import Settings

NOT_RUNNING = 3
_PAUSE = 0.2
_BLOCK = 1 << 16


@click.command(name="status")
@click.argument("name", required=False)
@click.argument("state", required=False, metavar="[STATUS]", type=click.Choice([*map(str, Status)]))
@click.option("--reason", default="", help="Why a project gets that status; shown beside it.")
@click.option("--index", metavar="NAME", help="The index of the project.  [the one the URL leads to]")
@click.option("--index-url", metavar="URL", help="The server of the project, as installers know it.")
@click.option("--token-file", type=click.Path(path_type=Path), help="A file that holds that server's token.")
@which_server
@JSON
@click.pass_context
def status(  # noqa: PLR0917 - click passes them by name
    ctx: click.Context,
    name: str | None,
    state: str | None,
    reason: str,
    index: str | None,
    index_url: str | None,
    token_file: Path | None,
    data: Path | None,
    port: int | None,
    *,
    as_json: bool,
) -> None:
    """List the servers of yours, also those that `purveyor start` did not start: where they are and how they are.

    The exit code is 0 if one of them answers, 3 if none does. Run files of servers that are gone are reported and removed.

    With NAME, show that project's status on an index; with STATUS too, set it: active, deprecated, archived (takes no new files) or
    quarantined (offers none either).
    """
    if name is not None:
        from purveyor.cli.lifecycle import project_status  # noqa: PLC0415 - servers are listed without an HTTP client
        from purveyor.cli.managing import Server  # noqa: PLC0415 - likewise

        there = Server(index_url or (f"http://127.0.0.1:{port}/simple/" if port else None), token_file, data)
        project_status(name, state, reason, there.management(index), as_json=as_json)
        return
    seen = listing(run_directory)
    running = conditions(matching(seen.running, data, port))
    stale = [found for found in seen.stale if found.record and matching([found.record], data, port)]
    if as_json:
        click.echo(json.dumps(_document(running, stale, seen)))
        for found in stale:
            found.remove()
    else:
        _show(running, stale, seen, where(data, port))
    ctx.exit(0 if any(condition.health for condition in running) else NOT_RUNNING)


@click.command(name="logs")
@which_server
@click.option("--follow", "-f", is_flag=True, help="Go on showing what is written, until Ctrl-C.")
@click.option("--lines", "-n", type=click.IntRange(0), default=50, metavar="LINES", show_default=True, help="How many of the last lines.")
def logs(data: Path | None, port: int | None, lines: int, *, follow: bool) -> None:
    """Show the end of what a server in the background has written: of the only one that runs, or the one that the options name."""
    path = _log_path(data, port)
    try:
        file: BinaryIO = path.open("rb")
    except OSError as error:
        raise ServerNotRunning(
            f"There is no log at {path}: {error.strerror}.", "`purveyor start` starts a server that writes one."
        ) from None
    click.echo(b"".join(_last_lines(file, lines)), nl=False)
    while follow:
        file = _show_new(file, path)
    file.close()


def _show(running: list[Condition], stale: list[Found], seen: Listing, meant: str) -> None:
    for condition in running:
        for line in _lines(condition):
            click.echo(line)
    for found in stale:
        report_stale(found)
    for found in seen.rubbish:
        say(f"Not a run file: {found.path} ({found.fault.rstrip('.')}). `purveyor clean` removes it.")
    if not running:
        click.echo(f"No server of yours is running{meant}.")


def _lines(condition: Condition) -> list[str]:
    record, health = condition.record, condition.health
    gone = "   (gone: stop this server, or put the directory back)" if condition.data_is_gone else ""
    holds = _holds(health) if health else "unknown"
    lines = [
        f"{record.url}  {_state(condition)}",
        f"  pid       {record.identity.pid}, up {_duration(condition.uptime)}",
        f"  data      {record.data}{gone}",
        *([f"  folder    {record.folder}"] if record.folder else []),
        f"  holds     {holds}",
        f"  memory    {sized(condition.memory)} in {_count(condition.processes, 'process', 'processes')}",
        f"  version   {record.version}",
    ]
    if condition.is_outdated:
        lines.append(f"  outdated  the code installed now is other code: `purveyor restart --port {record.port}` runs it")
    if health is None:
        lines.append(f"  remedy    `purveyor restart --port {record.port}`, or `purveyor logs --port {record.port}` for the reason")
    return lines


def _holds(health: Health) -> str:
    if health.projects is None or health.files is None:
        return "not counted yet"
    return f"{_count(health.projects, 'project')}, {_count(health.files, 'file')}"


def _state(condition: Condition) -> str:
    return "running" if condition.health else "does not answer"


def _document(running: list[Condition], stale: list[Found], seen: Listing) -> dict[str, Any]:
    return {
        "servers": [_described(condition) for condition in running],
        "stale": [
            {"pid": found.record.identity.pid, "url": found.record.url, "data": str(found.record.data)} for found in stale if found.record
        ],
        "not_run_files": [{"path": str(found.path), "fault": found.fault} for found in seen.rubbish],
    }


def _described(condition: Condition) -> dict[str, Any]:
    record, health = condition.record, condition.health
    return {
        "url": record.url,
        "state": "running" if health else "not answering",
        "pid": record.identity.pid,
        "host": record.host,
        "port": record.port,
        "data": str(record.data),
        "data_is_gone": condition.data_is_gone,
        "folder": str(record.folder) if record.folder else None,
        "uptime": round(condition.uptime, 1),
        "projects": health.projects if health else None,
        "files": health.files if health else None,
        "memory": condition.memory,
        "processes": condition.processes,
        "version": record.version,
        "outdated": condition.is_outdated,
        "log": str(record.log) if record.log else None,
    }


def _count(number: int, one: str, several: str | None = None) -> str:
    return f"{number} {one if number == 1 else several or one + 's'}"


def _duration(seconds: float) -> str:
    """As people say it: hours and minutes, with the days before them."""
    return str(timedelta(seconds=int(seconds)))


def _log_path(data: Path | None, port: int | None) -> Path:
    running = listing(run_directory).running
    if data is None and port is None and not running:
        return Settings.from_environment().data_dir / LOG
    if data is not None and not matching(running, data, port):
        return data / LOG  # that of a server that has ended
    record = the_one(running, data, port, "logs")
    if record.log is None:
        raise ServerNotRunning(
            f"The server at {record.url} runs in the foreground: its output is where it was started.",
            f"`purveyor restart --port {record.port}` puts it into the background.",
        )
    return record.log


def _last_lines(file: BinaryIO, count: int) -> list[bytes]:
    """The last lines of the file, which is read from its end, and is read to its end afterwards."""
    end = file.seek(0, 2)
    begin, tail = end, b""
    while begin > 0 and tail.count(b"\n") <= count:
        begin = max(0, begin - _BLOCK)
        file.seek(begin)
        tail = file.read(end - begin)
    return tail.splitlines(keepends=True)[-count:] if count else []


def _show_new(file: BinaryIO, path: Path) -> BinaryIO:
    """What was written since, or a moment's pause; the file to go on with, which is another one once a start has moved the log aside."""
    text = file.read()
    if text:
        click.echo(text, nl=False)
        return file
    time.sleep(_PAUSE)
    try:
        if os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        newer = path.open("rb")
    except OSError:  # it is being moved at this moment, or the data directory is gone
        return file
    click.echo(file.read(), nl=False)  # written between the look and the move
    file.close()
    return newer
