"""What an operator does to a server, and sees of it."""

import json
import signal
import time
from collections.abc import Callable
from typing import Any

from tests.live_server import LiveServer

LIMIT = 30.0
"""Seconds after which something that should happen is taken not to; a bound, not a measurement."""


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not happened():
        assert time.monotonic() < deadline, "It did not happen."
        time.sleep(0.02)


def readiness(server: LiveServer, query: str = "") -> tuple[int, dict[str, bool]]:
    """The status, and what each check found."""
    answer = server.http.get(f"{server.url}health/ready{query}")
    checks: dict[str, Any] = answer.json()["checks"]
    return answer.status_code, {name: check["ok"] for name, check in checks.items()}


def terminate(server: LiveServer) -> None:
    """Ask the server to end, and wait for nothing."""
    assert server._process is not None
    server._process.send_signal(signal.SIGTERM)


def exit_code(server: LiveServer) -> int:
    """That of the server once it has ended."""
    assert server._process is not None
    return server._process.wait(LIMIT)


def report(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    return document
