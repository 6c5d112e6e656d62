"""`python -m benchmarks.folders`: 20,000 wheels in a folder, served by `purveyor serve FOLDER` and by pypiserver."""

import argparse
import json
import math
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import answers, clients, machine
from benchmarks.programs import Command, Program, executable
from benchmarks.servers import Server, running
from benchmarks.wheels import Wheel, wheel

_RELEASES = 10
_PAGES = 200
_FIRST = "project-0000"
_PATIENCE = 10.0
_SETTLING = 90.0
# Each round's figures: what they are called, and how many of the unit a printed one has.
_FIGURES = {
    "start_first": ("start to first right page, nothing known yet", 1e3, "ms"),
    "start_second": ("start to first right page, the second time", 1e3, "ms"),
    "page_median": ("a page nobody has asked for yet, median", 1e3, "ms"),
    "page_p99": ("a page nobody has asked for yet, p99", 1e3, "ms"),
    "page_cpu": ("CPU for such a page", 1e3, "ms"),
    "again_median": ("the same pages again, median", 1e3, "ms"),
    "again_p99": ("the same pages again, p99", 1e3, "ms"),
    "again_cpu": ("CPU for such a page", 1e3, "ms"),
    "visible": ("a dropped file is on its page, median", 1e3, "ms"),
    "visible_max": ("a dropped file is on its page, slowest", 1e3, "ms"),
    "rss": ("resident memory after all that", 1e-6, "MB"),
    "pss": ("the same, shared parts divided", 1e-6, "MB"),
}
Figures = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    os.sched_setaffinity(0, {machine.LOAD_CORE})
    print(machine.sentence(machine.describe()))
    with tempfile.TemporaryDirectory(prefix="purveyor-folders-") as place:
        folder = Path(place) / "folder"
        _fill(folder, options.files // _RELEASES)
        rounds: dict[str, list[Figures]] = {}
        for number in range(options.rounds):
            for program in _programs(folder):
                print(f"  round {number + 1}: {program.name}", file=sys.stderr)
                rounds.setdefault(program.name, []).append(_round(program, folder, Path(place) / "data", options))
    print(_table(rounds))
    if options.json:
        options.json.write_text(json.dumps(rounds, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.folders", description=__doc__)
    parser.add_argument("--files", type=int, default=20_000, help="how many wheels lie in the folder (default 20000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each program is measured (default 3)")
    parser.add_argument("--drops", type=int, default=9, help="how many files are dropped in each round (default 9)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where all rounds go")
    return parser


def _programs(folder: Path) -> Iterator[Program]:
    def purveyor(data: Path, port: int) -> Command:
        return Command((sys.executable, "-m", "purveyor", "serve", str(folder), "--port", str(port), "--data", str(data)))

    def pypiserver(server: str) -> Callable[[Path, int], Command]:
        def command(data: Path, port: int) -> Command:
            where = ("--disable-fallback", "--interface", "127.0.0.1", "--port", str(port), "--passwords", ".", "--authenticate", ".")
            argv = (str(executable("pypi-server")), "run", *where, "--server", server, str(folder))
            arguments = "--workers 1 --threads 8 --keep-alive 30 --no-control-socket"
            return Command(argv, {"GUNICORN_CMD_ARGS": arguments, "HOME": str(data)})

        return command

    yield Program("purveyor", "serve FOLDER", lambda: None, lambda _, __: None, purveyor)
    if executable("pypi-server"):
        for name, server in (("pypiserver", "auto"), ("pypiserver-gunicorn", "gunicorn")):  # "auto" is waitress wherever that is installed
            yield Program(name, "with its cache", lambda: None, lambda _, __: None, pypiserver(server))


def _fill(folder: Path, projects: int) -> None:
    folder.mkdir()
    for project in range(projects):
        for release in range(_RELEASES):
            made = wheel(f"project-{project:04d}", f"1.{release}")
            (folder / made.filename).write_bytes(made.content)


def _round(program: Program, folder: Path, data: Path, options: argparse.Namespace) -> Figures:
    data.mkdir()
    try:
        figures: Figures = {}
        with running(program, data, answers.page_path(_FIRST)) as server:
            figures["start_first"] = server.seconds_to_first_answer
            _check(server, _FIRST, _RELEASES)
            _settle(server)
        with running(program, data, answers.page_path(_FIRST)) as server:
            figures["start_second"] = server.seconds_to_first_answer
            _check(server, _FIRST, _RELEASES)
            _settle(server)
            projects = [f"project-{number:04d}" for number in random.Random(1).sample(range(1, options.files // _RELEASES), _PAGES)]
            figures |= _read(server, projects, "page") | _read(server, projects, "again")
            figures |= _drop(server, folder, projects[: options.drops])
            figures["rss"] = machine.memory(server.pid).resident
            figures["pss"] = machine.proportional(server.pid)
        return figures
    finally:
        shutil.rmtree(data)


def _check(server: Server, project: str, releases: int) -> None:
    path = answers.page_path(project)
    found = len(set(answers.links(clients.exchange(server.port, clients.page_request(server.port, path)), path)))
    if found != releases:
        raise SystemExit(f"{server.program.name}: the page of {project} has {found} files instead of {releases}")


def _settle(server: Server) -> None:
    """Wait until what a start leaves for the background is done: a second of next to no work."""
    end, before = time.monotonic() + _SETTLING, machine.cpu_seconds(server.pid)
    while time.monotonic() < end:
        time.sleep(1)
        now = machine.cpu_seconds(server.pid)
        if now - before < 0.06:
            return
        before = now


def _read(server: Server, projects: Sequence[str], name: str) -> Figures:
    """Each page once, over one connection, which any server may close."""
    taken = []
    before = machine.cpu_seconds(server.pid)
    for project in projects:
        request = clients.page_request(server.port, answers.page_path(project))
        began = time.perf_counter()
        answer = clients.exchange(server.port, request)
        taken.append(time.perf_counter() - began)
        if answer.status != 200:
            raise SystemExit(f"{server.program.name}: {answer.status} for the page of {project}")
    cpu = (machine.cpu_seconds(server.pid) - before) / len(projects)
    return {
        f"{name}_median": statistics.median(taken),
        f"{name}_p99": statistics.quantiles(taken, n=100)[98],
        f"{name}_cpu": cpu,
    }


def _drop(server: Server, folder: Path, projects: Sequence[str]) -> Figures:
    taken = []
    for project in projects:
        with _dropped(folder, wheel(project, "2.0")) as began:
            path = answers.page_path(project)
            request = clients.page_request(server.port, path)
            while len(set(answers.links(clients.exchange(server.port, request), path))) <= _RELEASES:
                if time.perf_counter() - began > _PATIENCE:
                    return {"visible": math.inf, "visible_max": math.inf}  # not seen at all, and the next would not be either
                time.sleep(0.002)
            taken.append(time.perf_counter() - began)
        time.sleep(1)
    return {"visible": statistics.median(taken), "visible_max": max(taken)}


@contextmanager
def _dropped(folder: Path, made: Wheel) -> Iterator[float]:
    """As `mv` does it, from beside the folder."""
    beside, path = folder.parent / made.filename, folder / made.filename
    beside.write_bytes(made.content)
    beside.rename(path)
    try:
        yield time.perf_counter()
    finally:
        path.unlink()


def _table(rounds: dict[str, list[Figures]]) -> str:
    first = next(iter(rounds))
    rows = [["", *rounds]]
    for key, (title, factor, unit) in _FIGURES.items():
        row = [title]
        for name, figures in rounds.items():
            values = [each[key] for each in figures]
            ratio = statistics.median(ours[key] / theirs[key] for ours, theirs in zip(figures, rounds[first], strict=True) if theirs[key])
            row.append(f"{statistics.median(values) * factor:,.2f} {unit}" + (f" ({ratio:,.1f}x)" if name != first else ""))
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip() for row in rows)


if __name__ == "__main__":
    sys.exit(main())
