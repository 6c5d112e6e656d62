"""A corner of the machine for one test: its own run directory, data directories and servers, of which nothing is left afterwards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from purveyor.process.identity import hold
from purveyor.process.listing import listing
from purveyor.process.runfile import Record, found_in
from tests.workbench.command import Ran, environment, purveyor

LIMIT = 30.0
"""Seconds after which something that should happen is taken not to; a bound, not a measurement."""


class Corner:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.runs = path / "run files"
        self.data = path / "data"
        self._started: list[subprocess.Popen[bytes]] = []

    def purveyor(self, *arguments: str | Path, **variables: str) -> Ran:
        given = {"PURVEYOR_RUN_DIR": str(self.runs), "PURVEYOR_DATA": str(self.data)} | variables
        return purveyor(*arguments, cwd=None, **given)

    def start(self, *arguments: str | Path, **variables: str) -> Record:
        """`purveyor start` on a free port; what is written down of the server."""
        ran = self.purveyor("start", "--port", "0", "--json", *arguments, **variables)
        assert ran.code == 0, ran
        return self.record(ran.document["pid"])

    def serve(self, *arguments: str | Path, **variables: str) -> subprocess.Popen[bytes]:
        """`purveyor serve` on a free port, in the foreground; back when it has said its address."""
        process = subprocess.Popen(
            [sys.executable, "-m", "purveyor", "serve", "--port", "0", "--json", *map(str, arguments)],
            env=environment(**{"PURVEYOR_RUN_DIR": str(self.runs), "PURVEYOR_DATA": str(self.data)} | variables),
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline()
        return process

    def bystander(self) -> subprocess.Popen[bytes]:
        """A process that has nothing to do with any of this."""
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self._started.append(process)
        return process

    def status(self, *arguments: str | Path) -> dict[str, Any]:
        return self.purveyor("status", "--json", *arguments).document

    def record(self, pid: int) -> Record:
        return next(found.record for found in found_in(self.runs) if found.record and found.record.identity.pid == pid)

    def leave(self) -> None:
        """SIGKILL to every server of this corner, and to what it started."""
        for record in listing(lambda: self.runs).running:
            kill(record)
        for process in self._started:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def kill(record: Record) -> None:
    """SIGKILL to the server, and wait until it and its workers have ended."""
    workers = children(record.identity.pid)
    with hold(record.identity) as held:
        if held is not None:
            held.send(signal.SIGKILL)
            assert held.ended_within(LIMIT)
    until(lambda: not any(is_running(worker) for worker in workers))


def children(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not happened():
        assert time.monotonic() < deadline, "It did not happen."
        time.sleep(0.02)
