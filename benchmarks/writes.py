"""Measures the upload cases: in each round every server starts empty and takes the same wheels."""

from collections.abc import Iterator

from benchmarks import sites, uploads
from benchmarks.programs import UploadPoint
from benchmarks.results import CaseResult, Outcome, Round
from benchmarks.servers import Server, running
from benchmarks.trial import Trial, excused, memory_case, memory_round, say

KEYS = ("upload-sequence", "upload-eight", "visible")
_MEMORY = "memory-uploads"
_PROJECT = "one-0000"


def measure(trial: Trial) -> None:
    keys = [key for key in KEYS if key in trial.plan.keys]
    for key in keys:
        trial.begin(key, _case(key, trial.plan.uploads))
    if "memory" in trial.plan.keys:
        keys.append(_MEMORY)
        trial.begin(_MEMORY, memory_case("the uploads"))
    for number in range(trial.plan.rounds):
        _round(trial, keys, number)


def _case(key: str, count: int) -> CaseResult:
    if key == "visible":
        return CaseResult("from the answer to an upload until the page lists the file", ("p50", "max"), "pypiserver", "p50")
    how = "eight at once" if key == "upload-eight" else "one after the other"
    title = f"{count} uploads of a 100 KB wheel, each a new project, {how}"
    return CaseResult(title, ("cpu", "rate", "p50", "p99"), "pypiserver", "rate")


def _round(trial: Trial, keys: list[str], number: int) -> None:
    for program in trial.present():
        outcomes = {key: trial.results[key].of(program.name) for key in keys}
        if program.uploads is None:
            for outcome in outcomes.values():
                outcome.reason = "takes no uploads"
            continue
        say(f"uploads, round {number + 1}: {program.name}")
        with excused(*outcomes.values()):
            site = sites.empty()
            data = trial.folder_of(site, program, number)
            program.load(trial.stock(site), data)
            with running(program, data, "/simple/") as server:
                _take(trial, server, program.uploads(data), outcomes, number)


def _take(trial: Trial, server: Server, point: UploadPoint, outcomes: dict[str, Outcome], number: int) -> None:
    for key, found in _measured(trial, server, point, outcomes):
        outcomes[key].rounds[number] = found


def _measured(trial: Trial, server: Server, point: UploadPoint, wanted: dict[str, Outcome]) -> Iterator[tuple[str, Round]]:
    count = trial.plan.uploads
    if "upload-sequence" in wanted:
        yield "upload-sequence", uploads.upload_all(server, point, uploads.wheels("one", count), 1)
    if "upload-eight" in wanted:
        yield "upload-eight", uploads.upload_all(server, point, uploads.wheels("eight", count), uploads.AT_ONCE)
    if "visible" in wanted:
        yield "visible", uploads.visible(server, point, _PROJECT, trial.plan.visible)
    if _MEMORY in wanted:
        yield _MEMORY, memory_round(server)
