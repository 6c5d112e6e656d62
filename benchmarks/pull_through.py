"""`python -m benchmarks.pull_through`: a locked set installed from an index directly, and through servers that pull from it."""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks import machine
from benchmarks.caches import Around, Cache, caches, copy_site, files_host, first_page, nginx
from benchmarks.installs import CLIENTS, Installer
from benchmarks.loaders import NotOffered
from benchmarks.servers import NeverAnswered, Server, running
from benchmarks.stock import Stock
from benchmarks.trial import say
from purveyor.workbench import ready_made
from purveyor.workbench.configuration.found import Surroundings

# Outside the set. A server whose first answer this was has imported and connected what it needs: what is cold is its cache.
_FIRST = "pip"
_SET = ("jupyter", "jupyterlab", "nbclassic", "ipywidgets", "pandas", "matplotlib", "scipy")
DIRECT = "direct"
Figures = dict[str, float]
# By client and program: a figure for each round.
Rounds = dict[str, dict[str, list[Figures]]]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    url = options.upstream or ready_made.url(Surroundings.here(), 0)
    if url is None:
        raise SystemExit("No index is configured on this machine; name one with --upstream URL.")
    os.sched_setaffinity(0, {machine.LOAD_CORE})
    print(machine.sentence(machine.describe()))
    with tempfile.TemporaryDirectory(prefix="purveyor-pull-through-") as place:
        run = _Run(Path(place), f"{url.rstrip('/')}/", options)
        try:
            run.prepare()
            with suppress(KeyboardInterrupt):  # what was measured until then is shown
                run.measure()
        finally:
            run.close()
    print(_table(run.rounds, options.local))
    for name, reason in run.absent.items():
        print(f"{name}: {reason}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pull_through", description=__doc__)
    parser.add_argument(
        "--set", nargs="+", default=_SET, metavar="NAME", help=f"what to install with all it needs (default {' '.join(_SET)})"
    )
    parser.add_argument("--lock", type=Path, metavar="FILE", help="a requirements file with hashes, instead of resolving --set")
    parser.add_argument("--rounds", type=int, default=3, help="how often each program is measured with each client (default 3)")
    parser.add_argument("--warm", type=int, default=1, help="how many warm installs a round has (default 1)")
    parser.add_argument("--clients", nargs="+", default=CLIENTS, choices=CLIENTS)
    parser.add_argument("--programs", nargs="+", metavar="NAME", help="some of the programs only")
    parser.add_argument(
        "--peer", action="append", default=[], metavar="NAME=FOLDER", help="the virtual environment that devpi or proxpi is in"
    )
    parser.add_argument("--upstream", metavar="URL", help="the index to pull from (default: the one this machine's clients are set up for)")
    parser.add_argument(
        "--local", action="store_true", help="pull from nginx's copy on this machine: what a server adds, without the network"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where all rounds go")
    return parser


class _Run:
    def __init__(self, folder: Path, url: str, options: argparse.Namespace) -> None:
        self._folder = folder
        self._url = url
        self._options = options
        self._site = folder / "site"
        self._installer = Installer(folder)
        self._machine = machine.describe()
        self.count = 0
        self.rounds: Rounds = {client: {} for client in options.clients}
        self.absent: dict[str, str] = {}

    def prepare(self) -> None:
        """The lock, and nginx's copy, made of what Purveyor pulled."""
        say("resolving")
        self.count = self._installer.prepare(list(self._options.set), self._options.lock, self._url)
        say(f"{self.count} distributions; making nginx's copy")
        wheels = self._folder / "wheels"
        first = next(caches(Around(self._url, "", {})))
        with self._serving(first, self._url) as (_, url):
            self._installer.download(url, wheels)
            copy_site(url, self._site, wheels)

    def close(self) -> None:
        self._installer.close()

    def measure(self) -> None:
        with self._upstream() as url:
            peers = {name: Path(folder).resolve() for name, _, folder in (each.partition("=") for each in self._options.peer)}
            project = self._installer.lock.read_text().partition("==")[0]
            around = Around(url, files_host(url, project), peers)
            chosen = [nginx(self._site), *caches(around)]
            for number in range(self._options.rounds):
                for client in self._options.clients:
                    self._direct(client, url, number)
                    # Another order in each round: nobody is always the one after the longest pause.
                    for cache in chosen[number % len(chosen) :] + chosen[: number % len(chosen)]:
                        if not self._options.programs or cache.program.name in self._options.programs:
                            self._round(cache, client, url, number)
                self._save()

    def _save(self) -> None:
        if self._options.json:
            document = {"machine": self._machine, "distributions": self.count, "local": self._options.local}
            document |= {"absent": self.absent, "rounds": self.rounds}
            self._options.json.write_text(json.dumps(document, indent=1) + "\n")

    @contextmanager
    def _upstream(self) -> Iterator[str]:
        if not self._options.local:
            yield self._url
            return
        with self._serving(nginx(self._site), "") as (_, url):
            yield url

    def _direct(self, client: str, url: str, number: int) -> None:
        say(f"round {number + 1}, {client}: {DIRECT}")
        installed = self._installer.install(client, url)
        self._add(client, DIRECT, {"cold": installed.wall, "cold_client": installed.cpu})

    def _round(self, cache: Cache, client: str, upstream: str, number: int) -> None:
        name = cache.program.name
        if name in self.absent:
            return
        say(f"round {number + 1}, {client}: {name}")
        try:
            with self._serving(cache, upstream) as (server, url):
                figures: Figures = {}
                if name != "nginx":
                    figures |= self._install(server, client, url, "cold")
                else:
                    self._installer.install(client, url)
                warm = [self._install(server, client, url, "warm") for _ in range(self._options.warm)]
                figures |= {key: statistics.median(each[key] for each in warm) for key in warm[0]}
                figures["rss"] = machine.memory(server.pid).resident
                self._add(client, name, figures)
        except (NotOffered, NeverAnswered, OSError) as error:
            self.absent[name] = str(error)

    def _install(self, server: Server, client: str, url: str, name: str) -> Figures:
        before = machine.cpu_seconds(server.pid)
        installed = self._installer.install(client, url)
        at_end = machine.cpu_seconds(server.pid)
        machine.settle(server.pid)  # what it does after the last answer is work, but nobody waits for it
        after = machine.cpu_seconds(server.pid) - at_end
        return {name: installed.wall, f"{name}_client": installed.cpu, f"{name}_cpu": at_end - before + after}

    @contextmanager
    def _serving(self, cache: Cache, upstream: str) -> Iterator[tuple[Server, str]]:
        if reason := cache.program.absent():
            raise NotOffered(reason)
        data = Path(tempfile.mkdtemp(dir=self._folder, prefix=f"{cache.program.name}-"))
        try:
            cache.program.load(Stock((), ()), data)
            with running(cache.program, data, cache.ready, cache.status) as server:
                cache.begin(server.port, upstream)
                if cache.program.name != "nginx" and not self._options.local:
                    first_page(f"http://127.0.0.1:{server.port}{cache.simple}{_FIRST}/")
                yield server, f"http://127.0.0.1:{server.port}{cache.simple}"
        finally:
            shutil.rmtree(data, ignore_errors=True)

    def _add(self, client: str, name: str, figures: Figures) -> None:
        self.rounds[client].setdefault(name, []).append(figures)


def _table(rounds: Rounds, local: bool) -> str:
    yardstick = "nginx's copy" if local else "going direct"
    rows = [["client", "program", "cold s", f"x {DIRECT}", "server CPU s", "warm s", "x nginx", "server CPU s", "MB"]]
    for client, programs in rounds.items():
        for name, figures in programs.items():
            cold = [_median(figures, "cold"), _ratio(figures, programs.get(DIRECT, []), "cold"), _median(figures, "cold_cpu")]
            warm = [_median(figures, "warm"), _ratio(figures, programs.get("nginx", []), "warm"), _median(figures, "warm_cpu")]
            rows.append([client, name, *cold, *warm, _median(figures, "rss", 1e-6, 0)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, f"Medians of {len(next(iter(rounds[next(iter(rounds))].values())))} rounds; {DIRECT} is {yardstick}."])


def _median(figures: Sequence[Figures], key: str, factor: float = 1.0, digits: int = 2) -> str:
    values = [each[key] * factor for each in figures if key in each]
    return f"{statistics.median(values):.{digits}f}" if values else ""


def _ratio(figures: Sequence[Figures], others: Sequence[Figures], key: str) -> str:
    """Of the same round, so that what disturbed both disturbs the ratio less; with its spread."""
    ratios = [ours[key] / theirs[key] for ours, theirs in zip(figures, others, strict=False) if key in ours and key in theirs]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})" if ratios else ""


if __name__ == "__main__":
    sys.exit(main())
