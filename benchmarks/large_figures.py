"""What is measured of one server over an index of any size: the same requests, whatever the size."""

import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from benchmarks import answers, clients, load, machine, uploads
from benchmarks.large_index import LargeIndex, name
from benchmarks.programs import UploadPoint
from benchmarks.servers import Server
from benchmarks.wheels import wheel

Figures = dict[str, float]

_SECONDS = 2
_COLD = 300
_CHANGES = 100
_NEW_PROJECTS = 8
_IDLE = 5.0
_SMALL_WHEEL = 20_000


@dataclass
class Measured:
    """One server in one round; `chance` picks projects that nobody has asked for. `database` is PostgreSQL's process, if there is one."""

    server: Server
    index: LargeIndex
    point: UploadPoint
    round: int
    database: int | None = None
    figures: Figures = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.round)

    def all(self) -> Figures:
        """In an order in which one does not spoil the next."""
        self._lists()
        self._pages()
        self._cold()
        self._uploads()
        self._new_projects()
        self._changes()
        self._questions()
        self._idle()
        self._commands()
        self.figures["rss"] = machine.memory(self.server.pid).resident
        self.figures["pss"] = machine.proportional(self.server.pid)
        return self.figures

    def _lists(self) -> None:
        request = clients.page_request(self.server.port, "/simple/")
        self._one_by_one("list_first", [lambda: clients.exchange(self.server.port, request)])
        self._under_load("list", request)

    def _pages(self) -> None:
        path = answers.page_path(name(0))
        self._under_load("page", clients.page_request(self.server.port, path))
        etag = clients.exchange(self.server.port, clients.page_request(self.server.port, path)).headers["etag"]
        self._under_load("unchanged", clients.page_request(self.server.port, path, etag=etag))

    def _cold(self) -> None:
        requests = [clients.page_request(self.server.port, answers.page_path(name(number))) for number in self._projects(_COLD)]
        self._one_by_one("cold", [partial(clients.exchange, self.server.port, it) for it in requests])

    def _uploads(self) -> None:
        files = [wheel(name(number), f"{self.round + 2}.0", _SMALL_WHEEL) for number in self._projects(_CHANGES)]
        self._one_by_one("upload", [self._upload(uploads.upload_request(self.server.port, self.point, file)) for file in files])

    def _new_projects(self) -> None:
        """Each makes another list, which somebody asks for."""
        ask = clients.page_request(self.server.port, "/simple/")
        took, cpu = [], 0.0
        for number in range(_NEW_PROJECTS):
            made = wheel(f"new-{self.round}-{number}", "1.0", _SMALL_WHEEL)
            self._upload(uploads.upload_request(self.server.port, self.point, made))()
            machine.settle(self.server.pid)
            before, began = machine.cpu_seconds(self.server.pid), time.perf_counter()
            _is_ok(clients.exchange(self.server.port, ask).status)
            took.append(time.perf_counter() - began)
            time.sleep(0.02)
            cpu += machine.cpu_seconds(self.server.pid) - before
        self.figures |= {"list_again": statistics.median(took), "list_again_cpu": cpu / _NEW_PROJECTS}

    def _changes(self) -> None:
        projects = [name(number) for number in self._projects(_CHANGES)]
        self._one_by_one("yank", [self._call("POST", f"{it}/yank", {"version": f"1.{self.round}"}) for it in projects])
        self._one_by_one("delete", [self._call("POST", f"{it}/delete", {"version": f"1.{9 - self.round}"}) for it in projects])

    def _questions(self) -> None:
        self._one_by_one("why", [self._call("GET", f"{name(number)}/why") for number in self._projects(_CHANGES)])
        self._one_by_one("journal", [self._call("GET", "", root="/api/journal") for _ in range(_CHANGES)])
        clients.exchange(self.server.port, clients.page_request(self.server.port, "/health"))
        self._one_by_one("health", [self._call("GET", "", root="/health") for _ in range(_CHANGES)])

    def _idle(self) -> None:
        machine.settle(self.server.pid)
        before = machine.cpu_seconds(self.server.pid)
        time.sleep(_IDLE)
        self.figures["idle_cpu"] = (machine.cpu_seconds(self.server.pid) - before) / _IDLE

    def _commands(self) -> None:
        began = time.perf_counter()
        place = self.server.program.command(self.server.data, self.server.port)
        clean = [sys.executable, "-m", "purveyor", "clean", "--data", str(self.server.data)]
        subprocess.run(clean, env={**os.environ, **place.environment}, capture_output=True, check=True)
        self.figures["clean"] = time.perf_counter() - began

    def _projects(self, count: int) -> Sequence[int]:
        return self._chance.sample(range(1, self.index.projects), count)

    def _call(self, method: str, path: str, document: object = None, root: str = "/api/projects/") -> Callable[[], None]:
        body = None if document is None else json.dumps(document)
        headers = {"Authorization": f"Bearer {self.point.password}", "Content-Type": "application/json"}

        def call() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
            connection.request(method, root + path, body, headers)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            _is_ok(answer.status)

        return call

    def _upload(self, request: bytes) -> Callable[[], None]:
        return lambda: _is_ok(clients.exchange(self.server.port, request).status)

    def _under_load(self, key: str, request: bytes) -> None:
        with self._counting_database(key) as count:
            found = load.generate(self.server.pid, self.server.port, [request], connections=16, seconds=_SECONDS)
            count(found.requests)
        self.figures |= {f"{key}_cpu": found.cpu / 1e6, f"{key}_rate": found.rate}

    def _one_by_one(self, key: str, calls: Sequence[Callable[[], object]]) -> None:
        """The median and the slowest of as many as there are, and the CPU time of each, with what is put off until after the answer."""
        machine.settle(self.server.pid)
        before, took = machine.cpu_seconds(self.server.pid), []
        with self._counting_database(key) as count:
            for call in calls:
                began = time.perf_counter()
                call()
                took.append(time.perf_counter() - began)
            count(len(calls))
        machine.settle(self.server.pid)
        cpu = (machine.cpu_seconds(self.server.pid) - before) / len(calls)
        self.figures |= {key: statistics.median(took), f"{key}_max": max(took), f"{key}_cpu": cpu}

    @contextmanager
    def _counting_database(self, key: str) -> Iterator[Callable[[int], None]]:
        counts: list[int] = []
        before = machine.cpu_seconds(self.database) if self.database else 0.0
        yield counts.append
        if self.database:
            self.figures[f"{key}_database"] = (machine.cpu_seconds(self.database) - before) / counts[0]


def _is_ok(status: int) -> None:
    if status != http.client.OK:
        raise SystemExit(f"a request was answered with {status}")
