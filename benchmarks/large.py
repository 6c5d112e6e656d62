"""`python -m benchmarks.large`: an index of 1,000,000 files beside one of 10,000, on SQLite and on PostgreSQL."""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from tests.postgres_server import PostgresServer

from benchmarks import answers, machine
from benchmarks.large_figures import Figures, Measured
from benchmarks.large_index import RELEASES, LargeIndex, load_postgres, load_sqlite, name
from benchmarks.programs import Command, Program, UploadPoint
from benchmarks.servers import running

# Each figure: what it is, how many of the unit it has, and the unit. A ratio is that of the large index to the small one.
_FIGURES = {
    "start": ("start to the first page", 1e3, "ms"),
    "start_cpu": ("  CPU", 1e3, "ms"),
    "page_cpu": ("held page, CPU a request", 1e6, "us"),
    "unchanged_cpu": ("304, CPU a request", 1e6, "us"),
    "cold": ("a page nobody has asked for yet, median", 1e3, "ms"),
    "cold_cpu": ("  CPU", 1e6, "us"),
    "upload": ("upload of 20 kB to a project, median", 1e3, "ms"),
    "upload_cpu": ("  CPU", 1e6, "us"),
    "yank": ("yank, median", 1e3, "ms"),
    "yank_cpu": ("  CPU", 1e6, "us"),
    "delete": ("delete, median", 1e3, "ms"),
    "delete_cpu": ("  CPU", 1e6, "us"),
    "why": ("why, median", 1e3, "ms"),
    "why_cpu": ("  CPU", 1e6, "us"),
    "journal": ("the journal's newest entries, median", 1e3, "ms"),
    "health_max": ("/health, slowest", 1e3, "ms"),
    "idle_cpu": ("CPU in a second without requests", 1e3, "ms"),
    "rss": ("resident memory after all that", 1e-6, "MB"),
    "pss": ("  shared parts divided", 1e-6, "MB"),
    "list_first": ("the project list, for the first time", 1e3, "ms"),
    "list_cpu": ("the same held, CPU a request", 1e6, "us"),
    "list_again": ("the list after a new project, median", 1e3, "ms"),
    "list_again_cpu": ("  CPU", 1e6, "us"),
    "clean": ("purveyor clean, which lists", 1, "s"),
    "page_database": ("PostgreSQL's CPU: held page under load", 1e6, "us"),
    "cold_database": ("  a page nobody has asked for yet", 1e6, "us"),
    "upload_database": ("  upload", 1e6, "us"),
    "yank_database": ("  yank", 1e6, "us"),
}
_SIZES = ("small", "large")


@dataclass
class Place:
    """An index that was loaded, and how its server is started; `bytes` are those of its database, by what they hold."""

    index: LargeIndex
    data: Path
    database: str = ""
    process: int | None = None
    bytes: dict[str, float] = field(default_factory=dict)

    def program(self) -> Program:
        environment = {"PURVEYOR_PULL_THROUGH": "false", "PURVEYOR_RUN_DIR": str(self.data / "run")}
        environment |= {"PURVEYOR_DATABASE": self.database} if self.database else {}

        def command(data: Path, port: int) -> Command:
            return Command((sys.executable, "-m", "purveyor", "serve", "--port", str(port), "--data", str(data)), environment)

        return Program("purveyor", "", lambda: None, lambda _, __: None, command)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    os.sched_setaffinity(0, {machine.LOAD_CORE})
    print(machine.sentence(machine.describe()))
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="purveyor-large-") as folder:
        for engine in options.engines.split(","):
            with _loaded(engine, options, options.folder or Path(folder)) as places:
                rounds = _measure(places, options.rounds)
                print(f"\n{engine}\n{_sizes(places)}\n{_table(rounds)}")
                results[engine] = {"bytes": {size: place.bytes for size, place in places.items()}, "rounds": rounds}
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__)
    parser.add_argument("--projects", type=int, default=100_000, help=f"of {RELEASES} files each (default 100000)")
    parser.add_argument("--small", type=int, default=1_000, help="projects of the index beside it (default 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often both are measured (default 3)")
    parser.add_argument("--engines", default="sqlite,postgresql", help="of sqlite and postgresql (default both)")
    parser.add_argument("--folder", type=Path, help="where loaded SQLite databases stay, for the next run too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where all rounds go")
    return parser


@contextmanager
def _loaded(engine: str, options: argparse.Namespace, folder: Path) -> Iterator[dict[str, Place]]:
    indexes = dict(zip(_SIZES, (LargeIndex(options.small), LargeIndex(options.projects)), strict=True))
    places = {size: Place(index, folder / engine / size) for size, index in indexes.items()}
    for place in places.values():
        place.data.mkdir(parents=True, exist_ok=True)
    if engine == "sqlite":
        for size, place in places.items():
            if not (database := place.data / "purveyor.sqlite").exists():
                _say(f"sqlite: loading {place.index.files} files ({size})")
                load_sqlite(place.index, place.data)
            place.bytes = {"database": database.stat().st_size}
        yield places
        return
    # As it would be run: every commit on disk, and its own housekeeping.
    with PostgresServer(fsync="on", full_page_writes="on", shared_buffers="256MB", autovacuum="on", max_wal_size="4GB") as server:
        for size, place in places.items():
            _say(f"postgresql: loading {place.index.files} files ({size})")
            place.database, place.process = server.new_database(), server.pid
            load_postgres(place.index, place.database)
            place.bytes = _table_bytes(place.database)
        yield places


def _table_bytes(url: str) -> dict[str, float]:
    """With their indexes."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        sizes = {str(table): float(size) for table, size in rows}
    return {"database": sum(sizes.values()), **{table: sizes[table] for table in ("files", "journal", "projects")}}


def _measure(places: Mapping[str, Place], rounds: int) -> dict[str, list[Figures]]:
    """Both take turns within each round, so that a disturbance meets them alike."""
    found: dict[str, list[Figures]] = {size: [] for size in places}
    for number in range(rounds):
        for size, place in sorted(places.items(), reverse=number % 2 == 0):  # each begins as often as the other
            _say(f"round {number + 1}: {size}")
            path = answers.page_path(name(0))
            with running(place.program(), place.data, path):
                pass  # the first start of all makes a token
            with running(place.program(), place.data, path) as server:
                time.sleep(1)  # for what a start leaves for later
                point = UploadPoint("/legacy/", "__token__", (place.data / "upload-token").read_text().strip())
                start = {"start": server.seconds_to_first_answer, "start_cpu": server.cpu_to_first_answer}
                found[size].append(start | Measured(server, place.index, point, number, place.process).all())
    return found


def _sizes(places: Mapping[str, Place]) -> str:
    place = places["large"]
    parts = [f"{what} {size / 1e6:,.0f} MB" for what, size in place.bytes.items()]
    for table, count in (("database", place.index.files), ("files", place.index.files), ("journal", place.index.entries)):
        if table in place.bytes:
            parts.append(f"{place.bytes[table] / count:,.0f} bytes of {table} for each {'entry' if table == 'journal' else 'file'}")
    return "; ".join(parts)


def _table(rounds: Mapping[str, Sequence[Figures]]) -> str:
    rows = [["", *_SIZES, "ratio", "min-max"]]
    for key, (title, factor, unit) in _FIGURES.items():
        if all(key in each for each in rounds["small"]):
            small, large = ([each[key] for each in rounds[size]] for size in _SIZES)
            ratios = [more / less for less, more in zip(small, large, strict=True) if less]
            spread = f"{min(ratios):.2f}-{max(ratios):.2f}" if ratios else ""
            ratio = f"{statistics.median(ratios):.2f}" if ratios else ""
            rows.append([title, *(f"{statistics.median(values) * factor:,.2f} {unit}" for values in (small, large)), ratio, spread])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip() for row in rows)


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
