"""`python -m http.server` over a directory, as people start it."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

LIMIT = 30.0
"""Seconds after which it is taken for broken; a bound, not a measurement."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class WebServer:
    """Running inside its `with` block, unless somebody ends it before."""

    def __init__(self, directory: Path, port: int = 0) -> None:
        self.directory = directory
        self.port = port or free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(self.port)]
        self._process = subprocess.Popen(command, cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            assert self._process.poll() is None
            time.sleep(0.02)
        self._process.kill()
        raise AssertionError("The web server does not listen.")

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
