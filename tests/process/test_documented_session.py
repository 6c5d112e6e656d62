"""The session in docs/guides/run-in-the-background.md: each command is run, and prints what the page says.

What cannot be equal has one value in the page and another here: process ids, ports, tokens, the user's name. A value of the page must stand
for the same value here every time, and two for two: so the process that `kill` ends is the one that was named before. Paths below
/home/ada lie below a temporary directory here. Not compared at all: times, memory, the version's number, and which Python runs the server.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from purveyor.errors import PortTaken
from purveyor.process.sockets import bind
from tests.docs.documents import ROOT
from tests.process.corner import Corner, until
from tests.workbench.command import environment

PAGE = ROOT / "docs" / "guides" / "run-in-the-background.md"
HOME = "/home/ada"
NEEDED = ("sh", "mkdir")
ABSENT = ("lsof", "fuser", "ss", "netstat", "pkill", "ps", "pgrep")
_VALUES = {
    "process": r"(?<=process )\d+|(?<=pid )\d+|(?<=pid {7})\d+|(?<=kill )\d+|(?<=kill -9 )\d+",
    "port": r"(?<=127\.0\.0\.1:)\d+|(?<=--port )\d+|(?<=Port )\d+|(?<=http\.server )\d+",
    "user": r"(?<=started by )\S+",
}
_UNCOMPARED = (
    (r"\d{4}-\d\d-\d\d at \d\d:\d\d:\d\d", "TIME"),
    (r"up \d:\d\d:\d\d", "up TIME"),
    (r"\d+\.\d MB", "MEMORY"),
    (r"(Purveyor|version  ) \d+\.\d+\.\d+\S*", r"\1 VERSION"),
    (r"`(?:'[^'`]*'|\S*python\S*) -m purveyor", "`PYTHON -m purveyor"),
)


def session() -> list[tuple[str, str]]:
    """Each command of the page, and what is printed below it."""
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [(command, output) for command, output in re.findall(r"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", "".join(blocks), re.MULTILINE)]


class Shell:
    """Runs the page's commands one after another, as a shell in ada's home directory."""

    def __init__(self, path: Path, runs: Path, ports: tuple[int, ...]) -> None:
        self._home = path / "ada"
        self._directory = self._home
        self._programs = path / "programs"
        self._same: dict[tuple[str, str], str] = {("port", str(8090 + n)): str(port) for n, port in enumerate(ports)}
        self._environment = environment(PATH=str(self._programs), HOME=str(self._home), PURVEYOR_RUN_DIR=str(runs))
        self._environment = {name: value for name, value in self._environment.items() if not name.startswith("XDG_")}
        self._output = path / "output"
        self._prepare()

    def _prepare(self) -> None:
        self._home.mkdir(parents=True)
        self._programs.mkdir()
        for name in NEEDED:
            found = shutil.which(name)
            assert found
            (self._programs / name).symlink_to(found)
        (self._programs / "python3").symlink_to(sys.executable)
        purveyor = self._programs / "purveyor"
        purveyor.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m purveyor "$@"\n')
        purveyor.chmod(0o755)
        assert [name for name in ABSENT if shutil.which(name, path=str(self._programs))] == []

    def run(self, command: str) -> str:
        """What the command prints, in the page's values."""
        here = self._in_values_of_here(command)
        if here.startswith("cd "):
            self._directory = (self._directory / here.removeprefix("cd ")).resolve()
            return ""
        with self._output.open("wb") as output:  # not a pipe, which what runs in the background would keep open
            subprocess.run(["sh", "-c", here], cwd=self._directory, env=self._environment, stdout=output, stderr=output, check=False)
        self._settle(here)
        return self._output.read_text().replace(str(self._home), HOME)

    def _in_values_of_here(self, command: str) -> str:
        for kind in ("process", "port"):
            command = re.sub(_VALUES[kind], lambda found, kind=kind: self._same[kind, found[0]], command)  # type: ignore[misc]
        return command

    def _settle(self, command: str) -> None:
        """A person waits a moment after what runs in the background, and after a signal; nothing that `purveyor` promises."""
        if command.startswith("kill "):
            pid = command.rsplit(maxsplit=1)[-1]
            until(lambda: not Path("/proc", pid).exists() or ") Z " in Path("/proc", pid, "stat").read_text())
        if command.endswith("&"):
            port = int(re.findall(_VALUES["port"], command)[0])
            until(lambda: not _is_free(port))

    def compare(self, command: str, expected: str, printed: str) -> None:
        for kind, pattern in _VALUES.items():
            theirs, ours = re.findall(pattern, expected), re.findall(pattern, printed)
            for documented, actual in zip(theirs, ours, strict=False):
                assert self._same.setdefault((kind, documented), actual) == actual, f"$ {command}\n{printed}"
            known = [actual for (of, _), actual in self._same.items() if of == kind]
            assert len(known) == len(set(known)), f"$ {command}\n{printed}"
        assert _comparable(printed) == _comparable(expected), f"$ {command}\n{printed}"

    def leave(self) -> None:
        """End what the session left running if it was cut short."""
        for (kind, _), actual in self._same.items():
            if kind == "process":
                with suppress(OSError):
                    if str(self._home) in Path("/proc", actual, "environ").read_text():
                        os.kill(int(actual), signal.SIGKILL)


def _is_free(port: int) -> bool:
    try:
        bind("127.0.0.1", port).close()
    except PortTaken:
        return False
    return True


def _comparable(text: str) -> str:
    for kind, pattern in _VALUES.items():
        text = re.sub(pattern, kind.upper(), text)
    for pattern, word in _UNCOMPARED:
        text = re.sub(pattern, word, text)
    return text


@pytest.fixture
def shell(corner: Corner, tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path / "session", corner.runs, three_ports())
    yield made
    made.leave()


def three_ports() -> tuple[int, ...]:
    """Three free ports, one after another, as those of the page; below those that the system gives to whoever asks for any."""
    for port in range(20_000 + os.getpid() * 3 % 9_000, 31_000, 3):
        if all(_is_free(port + n) for n in range(3)):
            return port, port + 1, port + 2
    raise AssertionError("There are no three free ports.")


def test_every_command_of_the_documented_session_prints_what_the_page_says(shell: Shell) -> None:
    commands = session()
    for command, expected in commands:
        shell.compare(command, expected, shell.run(command))
    assert len(commands) == len(re.findall(r"^\$ ", PAGE.read_text(), re.MULTILINE)) > 15
