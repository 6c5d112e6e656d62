"""`python -m benchmarks.costs`: what one page, upload, download and gigabyte cost a server, its disk, PostgreSQL and the object store."""

import argparse
import http.client
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
from tests.object_server import ObjectServer, new_bucket
from tests.postgres_server import PostgresServer

from benchmarks import answers, clients, load, machine, uploads
from benchmarks.counting_proxy import CountingProxy
from benchmarks.large_index import LargeIndex, load_postgres, load_sqlite, name
from benchmarks.programs import Command, Program, UploadPoint
from benchmarks.servers import Server, running
from benchmarks.wheels import Wheel, wheel

_PROJECTS = 10_000
_PAGES = 5_000
_UPLOADS = 50
_BIG = 100 << 20
_ENOUGH_MEMORY = 1 << 30


@dataclass(frozen=True)
class World:
    """A server, and how to ask what it has cost until now: each counter by its name."""

    server: Server
    point: UploadPoint
    counters: Mapping[str, Callable[[], float]]

    def cost(self, count: int, work: Callable[[], object]) -> str:
        machine.settle(self.server.pid)
        before = {what: counter() for what, counter in self.counters.items()}
        began = time.perf_counter()
        work()
        took = time.perf_counter() - began
        machine.settle(self.server.pid)
        time.sleep(2.5)  # small files are settled once it is quiet, which is part of their price
        costs = {what: (counter() - before[what]) / count for what, counter in self.counters.items()}
        return f"{_told(costs)}; {took / count * 1e3:,.2f} ms"

    def under_load(self, request: bytes, connections: int) -> str:
        before = {what: counter() for what, counter in self.counters.items()}
        found = load.generate(self.server.pid, self.server.port, [request], connections=connections, seconds=4)
        costs = {what: (counter() - before[what]) / found.requests for what, counter in self.counters.items()}
        return f"{_told(costs)}; {found.rate:,.0f} a second"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description=__doc__)
    parser.add_argument("--worlds", default="sqlite,postgresql", help="of sqlite (and a local disk) and postgresql (and an object store)")
    options = parser.parse_args(arguments)
    os.sched_setaffinity(0, {machine.LOAD_CORE})
    print(machine.sentence(machine.describe()))
    for world in options.worlds.split(","):
        with tempfile.TemporaryDirectory(prefix="purveyor-costs-") as folder, _world(world, Path(folder)) as running_world:
            print(f"\n{world}")
            for what, cost in _costs(running_world):
                print(f"  {what:<46} {cost}", flush=True)
    return 0


def _costs(world: World) -> Iterator[tuple[str, str]]:
    server, port = world.server, world.server.port
    requests = [
        clients.page_request(port, answers.page_path(name(number))) for number in random.Random(1).sample(range(1, _PROJECTS), _PAGES)
    ]
    before = machine.memory(server.pid).resident
    yield "a page of 10 files nobody has asked for yet", world.cost(_PAGES, lambda: [clients.exchange(port, it) for it in requests])
    grown = (machine.memory(server.pid).resident - before) / _PAGES
    yield "the same held, over a connection of its own", world.cost(_PAGES, lambda: [clients.exchange(port, it) for it in requests])
    for connections in (16, 64):
        yield f"the same page, {connections} connections under load", world.under_load(requests[0], connections)
    yield "memory for each project that is held", f"{grown:,.0f} bytes"
    small = [wheel(name(number), "9.0", 20_000) for number in range(_UPLOADS)]
    large = [wheel(name(number), "10.0", 2_000_000) for number in range(_UPLOADS)]
    for what, files in (("an upload of 20 kB", small), ("an upload of 2 MB", large)):
        yield f"{what}, one after the other", world.cost(_UPLOADS, partial(_upload_all, world, files))
    yield "a download of 20 kB", world.cost(_UPLOADS, lambda: _download_all(port, small))
    yield "the same again", world.cost(_UPLOADS, lambda: _download_all(port, small))
    yield "a download of 2 MB", world.cost(_UPLOADS, lambda: _download_all(port, large))
    big = [wheel(name(1), "11.0", _BIG)]
    yield "an upload of 100 MiB", world.cost(1, lambda: _upload_all(world, big))
    yield "a download of 100 MiB", world.cost(1, lambda: _download_all(port, big))
    again = [wheel(name(number), "12.0", 20_000) for number in range(_UPLOADS)]
    yield "syncs of the server for an upload of 20 kB", _synced(server.pid, lambda: _upload_all(world, again))


def _upload_all(world: World, files: Sequence[Wheel]) -> None:
    for file in files:
        answer = clients.exchange(world.server.port, uploads.upload_request(world.server.port, world.point, file))
        if answer.status != http.client.OK:
            raise SystemExit(f"{file.filename} was answered with {answer.status}: {answer.body[:200]!r}")


def _download_all(port: int, files: Sequence[Wheel]) -> None:
    """Or a redirect to where each is."""
    for file in files:
        sha256 = file.sha256
        path = f"/packages/{sha256[:2]}/{sha256[2:4]}/{sha256[4:]}/{file.filename}"
        status = clients.exchange(port, clients.file_request(port, path)).status
        if status not in (200, 302, 307):
            raise SystemExit(f"{path} was answered with {status}")


@contextmanager
def _world(kind: str, folder: Path) -> Iterator[World]:
    data = folder / "data"
    data.mkdir()
    environment = {"PURVEYOR_PULL_THROUGH": "false", "PURVEYOR_RUN_DIR": str(folder / "run"), "PURVEYOR_PAGE_MEMORY": str(_ENOUGH_MEMORY)}
    counters: dict[str, Callable[[], float]] = {}
    with ExitStack() as stack:
        if kind == "sqlite":
            load_sqlite(LargeIndex(_PROJECTS), data)
        else:
            database = stack.enter_context(PostgresServer(fsync="on", full_page_writes="on", shared_buffers="256MB", autovacuum="on"))
            url = database.new_database()
            load_postgres(LargeIndex(_PROJECTS), url)
            objects = stack.enter_context(ObjectServer(folder / "objects"))
            proxy = stack.enter_context(CountingProxy(objects.url))
            os.environ.update({**objects.environment, "AWS_ENDPOINT_URL": proxy.url})
            environment |= {"PURVEYOR_DATABASE": url, "PURVEYOR_BLOBS": new_bucket(objects).url}
            counters |= _database_counters(url, database.pid) | {"store requests": lambda: proxy.requests}

        def command(place: Path, port: int) -> Command:
            return Command((sys.executable, "-m", "purveyor", "serve", "--port", str(port), "--data", str(place)), environment)

        program = Program("purveyor", "", lambda: None, lambda _, __: None, command)
        server = stack.enter_context(running(program, data, answers.page_path(name(0))))
        time.sleep(2)
        counters = {"CPU": lambda: machine.cpu_seconds(server.pid), **counters}
        yield World(server, UploadPoint("/legacy/", "__token__", (data / "upload-token").read_text().strip()), counters)


def _database_counters(url: str, process: int) -> dict[str, Callable[[], float]]:
    def asked(statement: str) -> Callable[[], float]:
        def ask() -> float:
            with psycopg.connect(url, autocommit=True) as connection:
                row = connection.execute(statement.encode()).fetchone()
                return float(row[0]) if row else 0.0

        return ask

    return {
        "database CPU": lambda: machine.cpu_seconds(process),
        "transactions": asked("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"),
        "log bytes": asked("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"),
    }


def _synced(pid: int, work: Callable[[], object]) -> str:
    """How often the server makes something durable on its own disk; apart, since counting slows it down."""
    program = shutil.which("strace")
    if program is None:
        return "strace is not installed"
    command = [program, "-f", "-c", "-e", "trace=fsync,fdatasync", "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        time.sleep(1)
        work()
        time.sleep(2.5)
        tracer.terminate()
        said = tracer.communicate()[1]
    counts = [int(line.split()[3]) for line in said.splitlines() if line.rstrip().endswith("sync")]
    return f"{sum(counts) / _UPLOADS:.1f}"


def _told(costs: Mapping[str, float]) -> str:
    return ", ".join(f"{what} {_shown(what, cost)}" for what, cost in costs.items())


def _shown(what: str, cost: float) -> str:
    return f"{cost * 1e6:,.0f} us" if "CPU" in what else f"{cost:,.2f}"


if __name__ == "__main__":
    sys.exit(main())
