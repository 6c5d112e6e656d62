"""The machine: which core does what, what a process tree has used, and what to say about it all."""

import contextlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

SERVER_CORE = 0
LOAD_CORE = 1

_TICKS = os.sysconf("SC_CLK_TCK")
_DISTRIBUTIONS = (
    "purveyor",
    "uvicorn",
    "httptools",
    "uvloop",
    "pypiron",
    "pypiserver",
    "waitress",
    "gunicorn",
    "watchdog",
)


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes resident now and at most so far, summed over the processes of a tree; what they share counts for each."""

    resident: int
    peak: int


def enough_cores() -> bool:
    return {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0)


@contextlib.contextmanager
def pinned_to(core: int) -> Iterator[None]:
    """Whatever is started inside runs on that core, with all its children."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(pid: int) -> float:
    """utime + stime of the process and its descendants, to a clock tick (10 ms as a rule)."""
    return sum(_ticks(each) for each in _tree(pid)) / _TICKS


def memory(pid: int) -> Memory:
    rows = [_status(each) for each in _tree(pid)]
    return Memory(sum(row.get("VmRSS", 0) for row in rows), sum(row.get("VmHWM", 0) for row in rows))


def proportional(pid: int) -> int:
    """Bytes resident, where what processes share counts once, summed over a tree (proc(5), Pss)."""
    return sum(_status(each, "smaps_rollup", "Pss").get("Pss", 0) for each in _tree(pid))


def settle(pid: int, patience: float = 20.0) -> None:
    """Wait until the tree has nothing left to do from the load before, at most `patience` seconds."""
    end = time.monotonic() + patience
    before = cpu_seconds(pid)
    while time.monotonic() < end:
        time.sleep(0.06)
        now = cpu_seconds(pid)
        if now - before < 2 / _TICKS:
            return
        before = now


def describe() -> dict[str, object]:
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "server_core": SERVER_CORE,
        "load_core": LOAD_CORE,
        "memory_bytes": psutil.virtual_memory().total,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "data_on": _file_system(Path(tempfile.gettempdir())),
        "load_average_at_start": os.getloadavg(),
        "versions": dict(_versions()),
    }


def sentence(machine: Mapping[str, object]) -> str:
    load = os.getloadavg()[0]
    noise = "  <- something else is running: expect noise" if load > 0.5 else ""
    what = "{cpu}, {cores} cores, Linux {kernel}, Python {python}, data on {data_on}".format_map(machine)
    return f"{what}; load average {load:.2f}{noise}"


def _versions() -> Iterator[tuple[str, str]]:
    for name in _DISTRIBUTIONS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            yield name, importlib.metadata.version(name)
    for name in ("nginx", "wrk"):
        if program := shutil.which(name, path=search_path()):
            said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False)
            yield name, (said.stdout + said.stderr).strip().splitlines()[0]


def search_path() -> str:
    """PATH, and where Debian puts servers, which is not on every user's PATH."""
    return os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin"


def _tree(pid: int) -> list[int]:
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def _ticks(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # proc(5): the second field is the name in parentheses and may hold spaces; utime and stime are fields 14 and 15.
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _status(pid: int, file: str = "status", *names: str) -> dict[str, int]:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if line.partition(":")[0] in (names or ("VmRSS", "VmHWM")))
    return {name: int(value.split()[0]) * 1024 for name, value in pairs}


def _file_system(folder: Path) -> str:
    """The type of the file system that holds the servers' data: in memory, making uploads durable costs nothing."""
    mounts = {Path(each.mountpoint): each.fstype for each in psutil.disk_partitions(all=True)}
    return next((mounts[parent] for parent in (folder.resolve(), *folder.resolve().parents) if parent in mounts), "unknown")


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
