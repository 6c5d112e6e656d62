"""One run: every program through every case, one after the other in each round, so that a disturbance meets them all."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path

from benchmarks import cases, clients, load, sites, uploads
from benchmarks.cases import Case
from benchmarks.load import BadLoad
from benchmarks.loaders import NotOffered
from benchmarks.machine import memory, settle
from benchmarks.programs import Program
from benchmarks.results import CaseResult, Outcome, Results
from benchmarks.servers import NeverAnswered, Server, running
from benchmarks.sites import Site
from benchmarks.uploads import UploadFailed

UPLOAD_CASES = ("upload-sequence", "upload-eight", "visible")
START_CASES = {"start-10": 10, "start-20k": 20_000}
# Whoever needs longer than this for one answer is loaded with one connection only: more would wait in line and be cut off at the end.
_SLOW = 0.05


@dataclass(frozen=True)
class Plan:
    """How long and how often; `seconds` is the length of one load, `uploads` the count for each program and way."""

    programs: Sequence[Program]
    keys: frozenset[str]
    rounds: int
    seconds: float
    uploads: int
    visible: int


@dataclass
class Run:
    plan: Plan
    folder: Path
    results: Results = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def everything(self) -> Results:
        self.absent = {each.name: reason for each in self.plan.programs if (reason := each.absent())}
        wanted = [case for case in cases.cases() if case.key in self.plan.keys]
        for site, group in groupby(wanted, key=lambda case: case.site):
            self._gets(site(), list(group))
        if self.plan.keys.intersection(UPLOAD_CASES):
            self._uploads()
        for key, count in START_CASES.items():
            if key in self.plan.keys:
                self._starts(key, sites.of_files(count))
        return self.results

    def _case(self, key: str, result: CaseResult) -> CaseResult:
        """The case with a line for each program, so that the absent ones are seen too."""
        self.results[key] = result
        for program in self.plan.programs:
            result.of(program.name).reason = self.absent.get(program.name, "")
        return result

    def _present(self) -> list[Program]:
        return [each for each in self.plan.programs if each.name not in self.absent]

    def _gets(self, site: Site, group: Sequence[Case]) -> None:
        with ExitStack() as stack:
            ready = cases.page_path(sites.SMALL) if not site.names else "/simple/"
            servers, reasons = self._start_all(stack, site, ready)
            for case in group:
                metrics = (
                    ("cpu", "rate", "p99", "wire", "speed")
                    if case.key == "file-50m"
                    else ("cpu", "rate", "p99", "wire")
                )
                result = self._case(case.key, CaseResult(case.title, metrics))
                for name, reason in reasons.items():
                    result.of(name).reason = reason
                self._measure(case, servers, result)
            self._memory(f"memory-{site.name.replace(' ', '-')}", f"memory after this load ({site.name})", servers)

    def _start_all(self, stack: ExitStack, site: Site, ready: str) -> tuple[list[Server], dict[str, str]]:
        servers: list[Server] = []
        reasons: dict[str, str] = {}
        for program in self._present():
            _say(f"{site.name}: preparing {program.name}")
            with _excused(reasons, program.name):
                data = self._folder(site, program)
                program.load(site, data)
                servers.append(stack.enter_context(running(program, data, ready)))
        return servers, reasons

    def _measure(self, case: Case, servers: Sequence[Server], result: CaseResult) -> None:
        loads = []
        for server in servers:
            outcome = result.of(server.program.name)
            with _noted(outcome):
                loads.append((server, _prepare(case, server, outcome)))
        for number in range(self.plan.rounds):
            for server, prepared in loads:
                _say(f"{case.key}, round {number + 1}: {server.program.name}")
                with _noted(result.of(server.program.name)):
                    result.of(server.program.name).rounds[number] = prepared(self.plan.seconds * case.longer)

    def _memory(self, key: str, title: str, servers: Sequence[Server]) -> None:
        if "memory" not in self.plan.keys:
            return
        result = self._case(key, CaseResult(title, ("resident", "peak"), ratio_of="resident"))
        for server in servers:
            result.of(server.program.name).rounds[0] = _memory_round(server)

    def _uploads(self) -> None:
        count = self.plan.uploads
        titles = {
            "upload-sequence": f"{count} uploads of a 100 KB wheel, one after the other",
            "upload-eight": f"{count} uploads of a 100 KB wheel, eight at once",
            "visible": "from the answer to an upload until the project page lists the file",
        }
        for key, title in titles.items():
            metrics = ("p50", "max") if key == "visible" else ("cpu", "rate", "p50", "p99")
            self._case(key, CaseResult(title, metrics, "pypiserver", metrics[0] if key == "visible" else "rate"))
        if "memory" in self.plan.keys:
            self._case(
                "memory-uploads", CaseResult("memory after the uploads", ("resident", "peak"), ratio_of="resident")
            )
        for number in range(self.plan.rounds):
            for program in self._present():
                self._upload_round(program, number)

    def _upload_round(self, program: Program, number: int) -> None:
        outcomes = {
            key: case.of(program.name) for key, case in self.results.items() if key in (*UPLOAD_CASES, "memory-uploads")
        }
        if program.uploads is None:
            for outcome in outcomes.values():
                outcome.reason = "takes no uploads"
            return
        _say(f"uploads, round {number + 1}: {program.name}")
        site = sites.empty()
        data = self._folder(site, program, number)
        reasons: dict[str, str] = {}
        with _excused(reasons, program.name):
            program.load(site, data)
            with running(program, data, "/simple/") as server:
                for key, found in self._upload_rounds(server):
                    outcomes[key].rounds[number] = found
        for outcome in outcomes.values():
            outcome.reason = outcome.reason or reasons.get(program.name, "")

    def _upload_rounds(self, server: Server) -> Iterator[tuple[str, dict[str, float]]]:
        assert server.program.uploads is not None
        point = server.program.uploads(server.data)
        count = self.plan.uploads
        yield "upload-sequence", uploads.upload_all(server, point, uploads.wheels("one", count), 1)
        yield "upload-eight", uploads.upload_all(server, point, uploads.wheels("eight", count), uploads.AT_ONCE)
        yield "visible", uploads.visible(server, point, "one-0000", self.plan.visible)
        if "memory-uploads" in self.results:
            yield "memory-uploads", _memory_round(server)

    def _starts(self, key: str, site: Site) -> None:
        result = self._case(
            key,
            CaseResult(
                f"from starting the process to the first project page, {site.name}",
                ("start", "start_cpu"),
                ratio_of="start",
            ),
        )
        loaded = []
        reasons: dict[str, str] = {}
        for program in self._present():
            _say(f"{key}: preparing {program.name}")
            with _excused(reasons, program.name):
                program.load(site, self._folder(site, program))
                loaded.append(program)
        for number in range(max(self.plan.rounds, 3)):
            for program in loaded:
                with (
                    _excused(reasons, program.name),
                    running(program, self._folder(site, program), cases.page_path(sites.SMALL)) as server,
                ):
                    found = {
                        "start": server.seconds_to_first_answer * 1e6,
                        "start_cpu": server.cpu_to_first_answer * 1e6,
                    }
                    result.of(program.name).rounds[number] = found
        for name, reason in reasons.items():
            result.of(name).reason = reason

    def _folder(self, site: Site, program: Program, number: int = 0) -> Path:
        folder = self.folder / site.name.replace(" ", "-") / str(number) / program.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _prepare(case: Case, server: Server, outcome: Outcome) -> Callable[[float], dict[str, float]]:
    """Check the answer, then say how to measure it; raises `NotOffered` when it is not the right one."""
    requests = case.requests(server.port)
    clients.exchange(server.port, requests[0])  # whatever is made on the first request is made now
    began = time.perf_counter()
    answer = clients.exchange(server.port, requests[0])
    slow = time.perf_counter() - began > _SLOW and case.connections > 1
    case.check(answer)
    coding = answer.headers.get("content-encoding", "")
    kind = "HTML" if answer.headers.get("content-type", "").startswith("text/html") else ""
    outcome.note = ", ".join(filter(None, (coding, kind, "one connection" if slow else "")))

    def measure(seconds: float) -> dict[str, float]:
        connections = 1 if slow else case.connections
        found = load.generate(server.pid, server.port, requests, connections=connections, seconds=seconds)
        if found.wire < len(answer.body):
            raise BadLoad(f"answers became shorter under load: {found.wire:.0f} bytes")
        return {**asdict(found), "speed": found.rate * len(answer.body) / 1e9}

    return measure


def _memory_round(server: Server) -> dict[str, float]:
    settle(server.pid)
    found = memory(server.pid)
    return {"resident": float(found.resident), "peak": float(found.peak)}


@contextlib.contextmanager
def _excused(reasons: dict[str, str], name: str) -> Iterator[None]:
    """One program's failure is a line in the table, never the end of the run."""
    try:
        yield
    except (NotOffered, NeverAnswered, UploadFailed, BadLoad, OSError) as error:
        reasons[name] = str(error)


@contextlib.contextmanager
def _noted(outcome: Outcome) -> Iterator[None]:
    reasons: dict[str, str] = {}
    with _excused(reasons, ""):
        yield
    outcome.reason = reasons.get("", outcome.reason)


def _say(text: str) -> None:
    print(
        f"\r\033[K{text}" if sys.stderr.isatty() else text,
        end="" if sys.stderr.isatty() else "\n",
        file=sys.stderr,
        flush=True,
    )
