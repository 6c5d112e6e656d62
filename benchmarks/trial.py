"""What all parts of a run share: the plan, the results so far, a place for data, and how one program's failure stays its own."""

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load import BadLoad
from benchmarks.loaders import NotOffered
from benchmarks.machine import memory, settle
from benchmarks.programs import Program
from benchmarks.results import CaseResult, Outcome, Results, Round
from benchmarks.servers import NeverAnswered, Server
from benchmarks.sites import Site
from benchmarks.stock import Stock, lay_in
from benchmarks.uploads import UploadFailed


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
class Trial:
    plan: Plan
    folder: Path
    results: Results = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.absent = {each.name: reason for each in self.plan.programs if (reason := each.absent())}

    def begin(self, key: str, case: CaseResult) -> CaseResult:
        """The case with a line for each program, so that the absent ones are seen too."""
        for program in self.plan.programs:
            case.of(program.name).reason = self.absent.get(program.name, "")
        self.results[key] = case
        return case

    def present(self) -> list[Program]:
        return [each for each in self.plan.programs if each.name not in self.absent]

    def stock(self, site: Site) -> Stock:
        say(f"{site.title}: making the files")
        return lay_in(site, self.folder / site.key / "stock")

    def folder_of(self, site: Site, program: Program, number: int = 0) -> Path:
        """Where the program keeps that site's data, or in that round; made if it is not there."""
        folder = self.folder / site.key / str(number) / program.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@contextlib.contextmanager
def excused(*outcomes: Outcome) -> Iterator[None]:
    """One program's failure is a line in the table, never the end of the run."""
    try:
        yield
    except (NotOffered, NeverAnswered, UploadFailed, BadLoad, OSError) as error:
        for outcome in outcomes:
            outcome.reason = str(error)


def memory_case(after: str) -> CaseResult:
    return CaseResult(f"memory after {after}", ("resident", "peak"), ratio_of="resident")


def memory_round(server: Server) -> Round:
    settle(server.pid)
    found = memory(server.pid)
    return {"resident": float(found.resident), "peak": float(found.peak)}


def say(text: str) -> None:
    """Progress, for whoever waits; a terminal sees only the newest line."""
    terminal = sys.stderr.isatty()
    print(f"\r\033[K{text}" if terminal else text, end="" if terminal else "\n", file=sys.stderr, flush=True)
