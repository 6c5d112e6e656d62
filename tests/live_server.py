"""A real Purveyor server in its own process, as a person would start it, and how a test reads and fills it."""

import contextlib
import hashlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import httpx2
from packaging.utils import parse_sdist_filename, parse_wheel_filename

from tests import forked_starts
from tests.forked_starts import ForkedProcess

START_LIMIT = 30.0
"""Seconds after which a server that has not said its address is taken for broken; a bound, not a measurement."""

# One for all clients: reading the machine's certificates takes longer than most requests, and none of these needs them.
_TLS = ssl.create_default_context()

_SERVE = ("serve", "--json")
SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"


class LiveServer:
    """`purveyor serve` on a free port of the loopback address, over the data directory `data`.

    The address survives `restart`, `kill` and `stop`: the next start asks for the same port. Use it in a `with`
    statement, or call `stop`; either way nothing of it is left running. `http` is a client for as long as it runs.

    It is forked from a Python that has imported it, unless that can make a difference: several workers, settings of the interpreter,
    or a test that wants to see the command line (the fixture `started_by_command`).
    """

    forks = hasattr(os, "pidfd_open")

    def __init__(self, data: Path, *flags: str, **settings: object) -> None:
        """`flags` go to the command line; `settings` by their names of purveyor/settings.py into the environment."""
        self.data = data
        self.flags = flags
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("PURVEYOR_")}
        # Tests leave no run files where the user's own servers are written down.
        settings = {"run_dir": data.with_name(f"{data.name}.run"), **settings}
        # No test asks the world by accident: whoever wants an upstream says so, and which.
        settings.setdefault("pull_through", "false")
        # What is fetched ahead would be among the requests that tests count.
        settings.setdefault("fetch_ahead", "0")
        self.environment |= {f"PURVEYOR_{name.upper()}": str(value) for name, value in settings.items()}
        self.url = ""
        self._port = 0
        self._process: subprocess.Popen[bytes] | ForkedProcess | None = None
        self.http: httpx2.Client
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def simple_url(self) -> str:
        return f"{self.url}simple/"

    @property
    def upload_url(self) -> str:
        return f"{self.url}legacy/"

    @property
    def token(self) -> str:
        """The upload token the server made at its first start."""
        return (self.data / "upload-token").read_text().strip()

    @property
    def pid(self) -> int:
        if self._process is None:
            raise AssertionError("The server is stopped.")
        return self._process.pid

    @property
    def log(self) -> str:
        """What the server has written to its standard error, over all its starts."""
        return self._log_path.read_text(errors="replace")

    def start(self) -> None:
        """Return once the server has said its address; fail with its output if it ends or stays silent instead."""
        self.launch()
        self.http = new_client()
        self.url = self._address()
        self._port = httpx2.URL(self.url).port or 80

    def launch(self) -> None:
        """Begin a start and wait for nothing."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        arguments = ["--port", str(self._port), "--data", str(self.data), *self.flags]
        if self._may_fork:
            self._process = forked_starts.start([*_SERVE, *arguments], self.environment, self._said_path, self._log_path)
            return
        with self._said_path.open("wb") as said, self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Ask the server to end; take it down, with every process it started, if it does not."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=15)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the server and every process it started: none can put anything right before it ends."""
        self.http.close()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def upload(self, filename: str, content: bytes, *, token: str | None = None, client: httpx2.Client | None = None) -> httpx2.Response:
        """One legacy upload with the fewest fields any client sends."""
        kind, version = _kind_and_version(filename)
        fields = {
            ":action": "file_upload",
            "protocol_version": "1",
            "metadata_version": "2.1",
            "filetype": kind,
            "name": filename.partition("-")[0],
            "version": version,
            "pyversion": "source" if kind == "sdist" else "py3",
            "sha256_digest": hashlib.sha256(content).hexdigest(),
        }
        return (client or self.http).post(
            self.upload_url,
            data=fields,
            files={"content": (filename, content)},
            auth=("__token__", self.token if token is None else token),
        )

    def host(self, *distributions: tuple[str, bytes]) -> None:
        """Upload these (filename, bytes); each must be accepted."""
        for filename, content in distributions:
            answer = self.upload(filename, content)
            assert answer.status_code == 200, f"{filename}: {answer.status_code} {answer.text}"

    def project(self, name: str) -> dict[str, Any]:
        """The project's page in JSON."""
        answer = self.http.get(f"{self.simple_url}{name}/", headers={"Accept": SIMPLE_JSON})
        answer.raise_for_status()
        page: dict[str, Any] = answer.json()
        return page

    def entries(self, name: str) -> list[dict[str, Any]]:
        """The files of the project's page, with absolute URLs; none if there is no such project."""
        page = httpx2.URL(f"{self.simple_url}{name}/")
        try:
            return [{**file, "url": str(page.join(file["url"]))} for file in self.project(name)["files"]]
        except httpx2.HTTPStatusError as error:
            if error.response.status_code == HTTPStatus.NOT_FOUND:
                return []
            raise

    def hashes(self, name: str) -> dict[str, str]:
        """What the project's page says: filename to SHA-256 in hex."""
        return {file["filename"]: file["hashes"]["sha256"] for file in self.entries(name)}

    def files(self, name: str) -> dict[str, bytes]:
        """Every file of the project's page, downloaded through its link."""
        return {file["filename"]: self.http.get(file["url"]).raise_for_status().content for file in self.entries(name)}

    @property
    def _command(self) -> list[str]:
        return [sys.executable, "-m", "purveyor", *_SERVE]

    @property
    def _may_fork(self) -> bool:
        if not self.forks or "PURVEYOR_WORKERS" in self.environment or "--workers" in self.flags:
            return False
        return _of_the_interpreter(self.environment) == _of_the_interpreter(os.environ)

    @property
    def _said_path(self) -> Path:
        return self.data.with_name(f"{self.data.name}.stdout")

    @property
    def _log_path(self) -> Path:
        return self.data.with_name(f"{self.data.name}.stderr")

    def _address(self) -> str:
        assert self._process is not None
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            ended = self._process.poll()
            first, newline, _ = self._said_path.read_text().partition("\n")
            if newline:
                said: dict[str, str] = json.loads(first)
                return said["url"]
            if ended is not None:
                raise AssertionError(f"The server ended with {ended} before it was up.\n{first}\n{self.log}")
            time.sleep(0.01)
        self.kill()
        raise AssertionError(f"The server said nothing for {START_LIMIT:.0f} s.\n{self.log}")


class ServerBeside(LiveServer):
    """One more server over a data directory that a `LiveServer` has; both see each other's changes."""

    forks = False

    @property
    def _command(self) -> list[str]:
        return [sys.executable, str(Path(__file__).with_name("beside.py"))]

    @property
    def _said_path(self) -> Path:
        return self.data.with_name(f"{self.data.name}.beside.stdout")


def new_client() -> httpx2.Client:
    """A client for loopback addresses: no proxy of this machine's, and time for a large file."""
    return httpx2.Client(trust_env=False, timeout=60, verify=_TLS)


def _of_the_interpreter(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(("PYTHON", "LD_", "LC_", "LANG", "TZ"))}


def _kind_and_version(filename: str) -> tuple[str, str]:
    if filename.endswith(".whl"):
        return "bdist_wheel", str(parse_wheel_filename(filename)[1])
    return "sdist", str(parse_sdist_filename(filename)[1])
