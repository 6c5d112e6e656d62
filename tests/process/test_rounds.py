"""A hundred times started and ended, in good and in bad order: nothing is left behind."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from purveyor.process.runfile import Record
from tests.process.corner import Corner, kill

ROUNDS = 100


def ended_well(corner: Corner, record: Record) -> None:
    ran = corner.purveyor("stop")
    assert ran.code == 0, ran
    assert list(corner.runs.iterdir()) == []


def killed(_: Corner, record: Record) -> None:
    kill(record)


def processes_of(path: Path) -> list[list[str]]:
    """The command lines of whatever runs with this path on its command line or in its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(path) in " ".join([*process.cmdline(), *process.environ().values()]):
                found.append(process.cmdline())
        except psutil.Error:
            continue
    return found


@pytest.mark.slow
@pytest.mark.parametrize("end", [ended_well, killed])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_hundred_rounds_leave_no_process_no_run_file_and_no_temporary_file(
    corner: Corner, end: Callable[[Corner, Record], None], workers: str
) -> None:
    for _ in range(ROUNDS if workers == "1" else ROUNDS // 10):
        record = corner.start("--workers", workers)
        end(corner, record)

    corner.purveyor("status")  # it cleans up after those that could not
    assert processes_of(corner.path) == []
    assert list(corner.runs.iterdir()) == []
    numbers = corner.data / "workers"  # of what workers counted who were killed; the next start forgets it
    assert len(list(numbers.iterdir()) if numbers.exists() else []) <= (int(workers) if end is killed else 0)
    left = {path.name for path in corner.data.iterdir()} - ({numbers.name} if end is killed else set())
    assert left - {"purveyor.sqlite-wal", "purveyor.sqlite-shm"} == {
        *("blobs", "changes", "in-use", "purveyor.sqlite", "server.log", "staging", "upload-token")
    }
    assert list((corner.data / "staging").iterdir()) == []
