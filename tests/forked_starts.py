"""A Python that has imported the server once, and forks for each start of one: most of a start is imports, and suites start thousands.

What runs is what `python -m purveyor` runs, in a process of its own; but the system shows the command line of this one for it.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

# What a server imports until it has answered its first upload.
_IMPORTS = (
    "packaging.metadata",
    "purveyor.__main__",
    "purveyor.api.authentication",
    "purveyor.api.express",
    "purveyor.api.routes",
    "purveyor.api.uploads",
    "purveyor.assembly",
    "purveyor.cli.operate",
    "uvicorn",
    "uvloop",
)


class ForkedProcess:
    """As `subprocess.Popen`, as far as that is wanted."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._descriptor = os.pidfd_open(pid)

    def poll(self) -> int | None:
        if self.returncode is None and self._has_ended(0):
            self._reap()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not self._has_ended(timeout):
                raise subprocess.TimeoutExpired("purveyor serve", timeout or 0)
            self._reap()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def _has_ended(self, timeout: float | None) -> bool:
        return bool(select.select([self._descriptor], [], [], timeout)[0])

    def _reap(self) -> None:
        self.returncode = _origin().ask({"reap": self.pid})
        os.close(self._descriptor)


def start(arguments: Sequence[str], environment: Mapping[str, str], output: Path, log: Path) -> ForkedProcess:
    """`python -m purveyor ARGUMENTS`, in the current directory and a session of its own."""
    output.write_bytes(b"")
    log.touch()
    files = {"output": str(output), "log": str(log), "folder": str(Path.cwd())}
    return ForkedProcess(_origin().ask({"arguments": list(arguments), "environment": dict(environment), **files}))


class _Origin:
    """The other end of the Python that forks; it ends with us."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        self._socket = ours
        self._answers = ours.makefile()
        atexit.register(self._close)

    def ask(self, question: Mapping[str, object]) -> int:
        with self._turn:
            self._socket.sendall(f"{json.dumps(question)}\n".encode())
            return int(self._answers.readline())

    def _close(self) -> None:
        self._answers.close()
        self._socket.close()
        self._process.wait()


@cache
def _origin() -> _Origin:
    return _Origin()


def _serve_orders(descriptor: int) -> dict[str, Any] | None:
    """Returns in each forked process, with its order; and in the first one with None, once nobody is there to give any."""
    with socket.socket(fileno=descriptor) as orders, orders.makefile() as lines:
        for line in lines:
            order = json.loads(line)
            if "reap" in order:
                answer = os.waitstatus_to_exitcode(os.waitpid(order["reap"], 0)[1])
            elif os.fork():
                continue
            else:
                # Whoever is told the number may kill the whole group at once.
                os.setsid()
                answer = os.getpid()
            orders.sendall(f"{answer}\n".encode())
            if "reap" not in order:
                return dict(order)
    return None


def _become(order: Mapping[str, Any]) -> None:
    os.chdir(order["folder"])
    for number, path in ((1, order["output"]), (2, order["log"])):
        opened = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["purveyor", *order["arguments"]]
    sys.orig_argv = [sys.executable, "-m", "purveyor", *order["arguments"]]


if __name__ == "__main__":
    from importlib import import_module

    for name in _IMPORTS:
        import_module(name)
    if (given := _serve_orders(int(sys.argv[1]))) is not None:
        _become(given)
        sys.modules["purveyor.__main__"].main()
