"""Measures the GET cases of one site: all servers run, and take the load one after the other in each round."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict

from benchmarks import clients, load
from benchmarks.answers import page_path
from benchmarks.cases import Case
from benchmarks.load import BadLoad
from benchmarks.results import CaseResult, Outcome, Round
from benchmarks.servers import Server, running
from benchmarks.sites import SMALL, Site
from benchmarks.trial import Trial, excused, memory_case, memory_round, say

# Whoever needs longer for one answer is loaded over one connection only: more would wait in line and be cut off at the end.
_SLOW_SECONDS = 0.5


def measure(trial: Trial, site: Site, cases: Sequence[Case]) -> None:
    results = [trial.begin(case.key, CaseResult(case.title, case.metrics)) for case in cases]
    if "memory" in trial.plan.keys:
        results.append(trial.begin(f"memory-{site.key}", memory_case(f"this load of {site.title}")))
    with ExitStack() as stack:
        servers = _start_all(trial, site, results, stack)
        for case, result in zip(cases, results, strict=False):
            _measure_case(trial, case, result, servers)
        if "memory" in trial.plan.keys:
            for server in servers:
                results[-1].of(server.program.name).rounds[0] = memory_round(server)


def _start_all(trial: Trial, site: Site, results: Sequence[CaseResult], stack: ExitStack) -> list[Server]:
    ready = "/simple/" if site.names else page_path(SMALL)
    stock = trial.stock(site)
    servers = []
    for program in trial.present():
        say(f"{site.title}: preparing {program.name}")
        with excused(*(result.of(program.name) for result in results)):
            data = trial.folder_of(site, program)
            program.load(stock, data)
            servers.append(stack.enter_context(running(program, data, ready)))
    return servers


def _measure_case(trial: Trial, case: Case, result: CaseResult, servers: Sequence[Server]) -> None:
    loads = []
    for server in servers:
        outcome = result.of(server.program.name)
        with excused(outcome):
            loads.append((outcome, server.program.name, _prepared(case, server, outcome)))
    for number in range(trial.plan.rounds):
        for outcome, name, run in loads:
            say(f"{case.key}, round {number + 1}: {name}")
            with excused(outcome):
                outcome.rounds[number] = run(trial.plan.seconds * case.longer)


def _prepared(case: Case, server: Server, outcome: Outcome) -> Callable[[float], Round]:
    """Check the answer, then say how to measure it; raises `NotOffered` when it is not the right one."""
    requests = case.requests(server.port)
    clients.exchange(server.port, requests[0])  # whatever is made on the first request is made now
    began = time.perf_counter()
    answer = clients.exchange(server.port, requests[0])
    slow = time.perf_counter() - began > _SLOW_SECONDS and case.connections > 1
    case.check(answer)
    html = "HTML" if answer.headers.get("content-type", "").startswith("text/html") else ""
    notes = (answer.headers.get("content-encoding", ""), html, "one connection" if slow else "")
    outcome.note = ", ".join(filter(None, notes))

    def run(seconds: float) -> Round:
        connections = 1 if slow else case.connections
        found = load.generate(server.pid, server.port, requests, connections=connections, seconds=seconds)
        if found.wire < len(answer.body):
            raise BadLoad(f"answers became shorter under load: {found.wire:.0f} bytes")
        return {**asdict(found), "speed": found.rate * len(answer.body) / 1e9}

    return run
