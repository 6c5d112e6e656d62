"""A server under measurement: started on its own core with a site in a data directory, stopped whatever happens."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clients import Answer, exchange, page_request
from benchmarks.machine import SERVER_CORE, cpu_seconds, pinned_to
from benchmarks.programs import Program

_START_PATIENCE = 60.0
_STOP_PATIENCE = 5.0


class NeverAnswered(Exception):
    """The server ended, or did not answer in time; the text holds the end of what it said."""


@dataclass(frozen=True)
class Server:
    program: Program
    pid: int
    port: int
    data: Path
    seconds_to_first_answer: float
    cpu_to_first_answer: float


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running(program: Program, data: Path, path: str, status: int = 200) -> Iterator[Server]:
    """The program serving `data`; ready means that GET `path` has been answered with `status`."""
    port = free_port()
    command = program.command(data, port)
    log = data / "output.log"
    with log.open("wb") as output, pinned_to(SERVER_CORE):
        began = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            cwd=data,
            env={**os.environ, **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await_answer(process, port, path, status, log)
        seconds = time.perf_counter() - began
        yield Server(program, process.pid, port, data, seconds, cpu_seconds(process.pid))
    finally:
        _end(process)


def _await_answer(process: subprocess.Popen[bytes], port: int, path: str, status: int, log: Path) -> Answer:
    end = time.monotonic() + _START_PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            answer = exchange(port, page_request(port, path))
            if answer.status == status:
                return answer
        time.sleep(0.002)
    said = log.read_text(errors="replace").strip().splitlines()[-3:]
    raise NeverAnswered(f"no {status} on {path}: {' / '.join(said) or 'it said nothing'}"[:300])


def _end(process: subprocess.Popen[bytes]) -> None:
    """Politely, then not: the process leads a session of its own, so its group is it and its children and nobody else."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_PATIENCE)
    process.wait()
