"""`python -m benchmarks.capacity`: what many requests for many projects need, by arithmetic, and a load that checks the arithmetic.

Requests go to projects as they do to words of a text: the second most popular gets half as many as the first, the third a third (Zipf).
How many find their page held is simulated with the rule by which Purveyor holds pages; what a request costs is what `benchmarks.costs`
measures. `--check` loads such an index, asks it just so, and prints what was measured beside what was computed.
"""

import argparse
import bisect
import itertools
import os
import random
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import answers, clients, load, machine
from benchmarks.large_index import LargeIndex, load_sqlite, name
from benchmarks.programs import Command, Program
from benchmarks.servers import running

_DRAWS = 1_000_000
_PAGE = 5_000
_MEMORIES = (24 << 20, 128 << 20, 512 << 20)
_LUA = """
local numbers, turn = {{}}, 0
for line in io.lines("{file}") do numbers[#numbers + 1] = line end
request = function() turn = turn % #numbers + 1; return "{head}" .. numbers[turn] .. "{tail}" end
"""


@dataclass(frozen=True)
class Prices:
    """CPU microseconds of a server, and of PostgreSQL, for one request; `questions` are those that one request asks of PostgreSQL."""

    held: float
    cold: float
    database_held: float
    database_cold: float
    questions: float


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    prices = Prices(options.held, options.cold, options.database_held, options.database_cold, options.questions)
    print(f"{options.projects:,} projects, {options.requests:,} requests a second; {prices}")
    print(f"{'memory for pages':>18}{'held':>8}{'CPU us':>9}{'cores':>8}{'PostgreSQL cores':>18}{'questions/s':>13}")
    for memory in _MEMORIES:
        print(_row(options.projects, options.requests, memory, prices))
    if options.check:
        _check(options.check_projects)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.capacity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--projects", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=10_000, help="a second, for project pages (default 10000)")
    for what, price in (("held", 34), ("cold", 2000), ("database-held", 15), ("database-cold", 400), ("questions", 0.2)):
        parser.add_argument(f"--{what}", type=float, default=price, help=f"see above (default {price})")
    parser.add_argument("--check", action="store_true", help="ask a server on SQLite just so; some minutes")
    parser.add_argument("--check-projects", type=int, default=100_000, metavar="N")
    return parser


def _row(projects: int, requests: int, memory: int, prices: Prices) -> str:
    held = share_held(projects, memory // _PAGE)
    cpu = held * prices.held + (1 - held) * prices.cold
    database = held * prices.database_held + (1 - held) * prices.database_cold
    questions = requests * (held * prices.questions + (1 - held) * 2)
    return f"{memory >> 20:>15} MB{held:>8.1%}{cpu:>9.0f}{requests * cpu / 1e6:>8.2f}{requests * database / 1e6:>18.2f}{questions:>13,.0f}"


def share_held(projects: int, places: int) -> float:
    """Of requests that come after `_DRAWS` others, those whose page is among the last `places` that were made."""
    held: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for number, project in enumerate(draws(projects, 2 * _DRAWS)):
        if project in held:
            hits += number >= _DRAWS
        else:
            held[project] = None
            if len(held) > places:
                held.popitem(last=False)
    return hits / _DRAWS


def draws(projects: int, count: int) -> Iterator[int]:
    """Which project each request is for, the most popular being 0."""
    weights = list(itertools.accumulate(1 / rank for rank in range(1, projects + 1)))
    chance = random.Random(1)
    return (bisect.bisect(weights, chance.random() * weights[-1]) for _ in range(count))


def _check(projects: int) -> None:
    """On SQLite, whose own prices are measured first: the arithmetic is the same for each."""
    os.sched_setaffinity(0, {machine.LOAD_CORE})
    memory = _MEMORIES[0]
    with tempfile.TemporaryDirectory(prefix="purveyor-capacity-") as folder:
        data = Path(folder)
        load_sqlite(LargeIndex(projects), data)
        with running(_program(memory), data, answers.page_path(name(0))) as server:
            request = clients.page_request(server.port, answers.page_path(name(0)))
            held = load.generate(server.pid, server.port, [request], connections=16, seconds=4).cpu
            cold = _measured(server.pid, server.port, data, iter(random.Random(2).sample(range(1, projects), 10_000)), 8).cpu
            found = _measured(server.pid, server.port, data, draws(projects, _DRAWS), 20)
    share = share_held(projects, memory // _PAGE)
    print(f"\nchecked with {projects:,} projects on SQLite, {memory >> 20} MB for pages: a held page {held:.0f} us, another {cold:.0f} us")
    print(
        f"computed {share * held + (1 - share) * cold:.0f} us for {share:.1%} held; measured {found.cpu:.0f} us, {found.rate:,.0f} a second"
    )


def _measured(pid: int, port: int, folder: Path, numbers: Iterator[int], seconds: float) -> load.Load:
    file = folder / "numbers"
    file.write_text("".join(f"{number:06d}\n" for number in numbers))
    head, tail = clients.page_request(port, answers.page_path(name(0))).decode().split(f"{0:06d}")
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"').replace("\r\n", "\\r\\n") for text in (head, tail))
    script = _LUA.format(file=file, **dict(zip(("head", "tail"), quoted, strict=True)))
    return load.generate_by(pid, port, script, connections=16, seconds=seconds)


def _program(memory: int) -> Program:
    environment = {"PURVEYOR_PULL_THROUGH": "false", "PURVEYOR_PAGE_MEMORY": str(memory)}

    def command(data: Path, port: int) -> Command:
        argv = (sys.executable, "-m", "purveyor", "serve", "--port", str(port), "--data", str(data))
        return Command(argv, {**environment, "PURVEYOR_RUN_DIR": str(data / "run")})

    return Program("purveyor", "", lambda: None, lambda _, __: None, command)


if __name__ == "__main__":
    sys.exit(main())
