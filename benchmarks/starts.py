"""Measures the time from starting a server's process to its first project page, with few files and with many."""

from benchmarks import sites
from benchmarks.answers import page_path
from benchmarks.programs import Program
from benchmarks.results import CaseResult
from benchmarks.servers import running
from benchmarks.sites import Site
from benchmarks.stock import Stock
from benchmarks.trial import Trial, excused, say

FILES = {"start-10": 10, "start-20k": 20_000}
# A start is short and its time wavers: never judged by one.
_LEAST_ROUNDS = 3


def measure(trial: Trial, key: str) -> None:
    site = sites.of_files(FILES[key])
    title = f"from starting the process to the first project page, with {site.title}"
    result = trial.begin(key, CaseResult(title, ("start", "start_cpu"), ratio_of="start"))
    stock = trial.stock(site)
    loaded = [program for program in trial.present() if _load(trial, stock, site, program, result)]
    for number in range(max(trial.plan.rounds, _LEAST_ROUNDS)):
        for program in loaded:
            say(f"{key}, round {number + 1}: {program.name}")
            _start(trial, site, program, result, number)


def _load(trial: Trial, stock: Stock, site: Site, program: Program, result: CaseResult) -> bool:
    say(f"{site.title}: preparing {program.name}")
    with excused(result.of(program.name)):
        program.load(stock, trial.folder_of(site, program))
    return not result.of(program.name).reason


def _start(trial: Trial, site: Site, program: Program, result: CaseResult, number: int) -> None:
    outcome = result.of(program.name)
    with excused(outcome), running(program, trial.folder_of(site, program), page_path(sites.SMALL)) as server:
        outcome.rounds[number] = {
            "start": server.seconds_to_first_answer * 1e6,
            "start_cpu": server.cpu_to_first_answer * 1e6,
        }
