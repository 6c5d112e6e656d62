"""The whole path once, as a person would type it: every step is a real command in a process of its own."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NoReturn

from purveyor.errors import CheckFailed
from purveyor.workbench.progress import Progress

NAME = "purveyor-demo-project"
_START_LIMIT = 30.0
_STOP_LIMIT = 15.0
_SHOWN_LINES = 25

Outcome = Literal["done", "failed", "left out"]


@dataclass(frozen=True, slots=True)
class Step:
    """`seconds` is the duration; `output` what the command printed, both streams together."""

    title: str
    command: str
    outcome: Outcome
    seconds: float
    output: str


class Tour:
    """Walks the path in a temporary directory, whose name has a space in it, as people's directories do."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._folder = Path()
        self._steps: list[Step] = []

    def walk(self) -> tuple[Step, ...]:
        """All steps up to the first that fails. Nothing is left behind, also when it is interrupted or told to end."""
        with _ending_politely(), TemporaryDirectory(prefix="purveyor demo ") as folder, suppress(CheckFailed):
            self._folder = Path(folder).resolve()
            self._progress.say(f"In {self._folder}:")
            self._walk()
        return tuple(self._steps)

    def _walk(self) -> None:
        self._purveyor("Create a project", "new", NAME)
        self._purveyor("Build it", "build", NAME, *_without_index())
        with self._server() as root:
            simple = f"{root}simple/"
            publish = ("publish", f"{NAME}/dist", "--index-url", simple, "--data", "data")
            self._purveyor("Publish it", *publish)
            self._purveyor("Publish it again, which changes nothing", *publish)
            self._with_pip(simple)
            self._with_uv(simple)
            self._purveyor("Verify what users meet", "verify", NAME, "--index-url", simple)

    def _with_pip(self, simple: str) -> None:
        self._run("Make a fresh environment", sys.executable, "-m", "venv", "for pip")
        python = _program("for pip", "python")
        title = "Install it with pip, from this index alone"
        self._run(title, python, "-m", "pip", "install", "--index-url", simple, NAME)
        self._use("for pip")

    def _with_uv(self, simple: str) -> None:
        uv = _uv()
        title = "Install it with uv, from this index alone"
        if uv is None:
            self._add(Step(title, "uv pip install", "left out", 0.0, "uv is not installed."))
            return
        self._run("Make another", uv, "venv", "--python", sys.executable, "for uv")
        into = ("--python", _program("for uv", "python"))
        self._run(title, uv, "pip", "install", *into, "--default-index", simple, NAME)
        self._use("for uv")

    def _use(self, environment: str) -> None:
        module = NAME.replace("-", "_")
        code = f"import {module}; print({module}.greeting())"
        self._run("Import it", _program(environment, "python"), "-c", code)
        self._run("Run its command", _program(environment, NAME))

    def _purveyor(self, title: str, *arguments: str) -> None:
        self._run(title, sys.executable, "-m", "purveyor", *arguments, environ=os.environ)

    def _run(self, title: str, *command: str, environ: Mapping[str, str] | None = None) -> None:
        """One step; raises `CheckFailed` if the command does."""
        started = time.monotonic()
        done = subprocess.run(
            command,
            env=_clean(os.environ) if environ is None else environ,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        output = done.stdout.decode(errors="replace").strip()
        outcome: Outcome = "failed" if done.returncode else "done"
        self._add(Step(title, _shown(command), outcome, time.monotonic() - started, output))

    def _add(self, step: Step) -> None:
        self._steps.append(step)
        self._progress.say(f"\n{step.title} ({step.outcome}, {step.seconds:.1f} s)\n  $ {step.command}")
        for line in step.output.splitlines()[-_SHOWN_LINES:]:
            self._progress.say(f"    {line}")
        if step.outcome == "failed":
            raise CheckFailed(f"{step.title}: `{step.command}` failed.")

    @contextmanager
    def _server(self) -> Iterator[str]:
        """The index's root URL while it runs."""
        command = [sys.executable, "-m", "purveyor", "serve", "--port", "0", "--data", "data", "--offline", "--json"]
        started = time.monotonic()
        said, log = self._folder / "server.stdout", self._folder / "server.stderr"
        with said.open("wb") as out, log.open("wb") as errors:
            # A session of its own: Ctrl-C reaches this process alone, which then stops the server in good order.
            server = subprocess.Popen(
                command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, start_new_session=True
            )
        try:
            root = _address(server, said)
            outcome: Outcome = "done" if root else "failed"
            output = (said.read_text() + log.read_text(errors="replace")).strip()
            self._add(Step("Serve an index", _shown(command), outcome, time.monotonic() - started, output))
            yield root
        finally:
            _stop(server)


_SCRIPTS = "Scripts" if os.name == "nt" else "bin"
_INDEX_CONFIGURATION = ("PIP_", "UV_", "PYTHON", "VIRTUAL_ENV", "__PYVENV")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without anything that could point an installer to another index, or Python to other code."""
    kept = {
        name: value for name, value in environ.items() if not name.upper().startswith(_INDEX_CONFIGURATION) and name.lower() not in _PROXIES
    }
    return kept | {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_NO_INPUT": "1",
        "UV_NO_CONFIG": "1",
        "UV_NO_CACHE": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "NO_PROXY": "*",
    }


def _without_index() -> tuple[str, ...]:
    """Where the new project's backend is installed beside Purveyor, the tour needs no index but its own."""
    return ("--no-isolation",) if find_spec("flit_core") else ()


def _program(environment: str, name: str) -> str:
    return str(Path(environment, _SCRIPTS, name))


def _uv() -> str | None:
    beside = Path(sys.executable).parent
    return shutil.which("uv", path=os.pathsep.join((str(beside), os.environ.get("PATH", os.defpath))))


def _shown(command: tuple[str, ...] | list[str]) -> str:
    """As a person would type it."""
    own = (sys.executable, "-m", "purveyor")
    return shlex.join(["purveyor", *command[3:]] if tuple(command[:3]) == own else command)


def _address(server: subprocess.Popen[bytes], said: Path) -> str:
    """The URL of the first line, or "" if the server ends or stays silent."""
    deadline = time.monotonic() + _START_LIMIT
    while time.monotonic() < deadline:
        ended = server.poll() is not None
        line, newline, _ = said.read_text().partition("\n")
        if newline:
            return str(json.loads(line).get("url", ""))
        if ended:
            break
        time.sleep(0.02)
    return ""


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_STOP_LIMIT)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@contextmanager
def _ending_politely() -> Iterator[None]:
    """SIGTERM, like Ctrl-C, ends the tour through its `finally` blocks."""

    def end(number: int, _frame: object) -> NoReturn:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
