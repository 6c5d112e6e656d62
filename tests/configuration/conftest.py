"""`purveyor config` run by a person with a home of their own."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workbench.command import Ran, environment, purveyor

Config = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home directory."""
    directory = tmp_path / "home"
    directory.mkdir(exist_ok=True)
    return directory


@pytest.fixture
def config(home: Path, tmp_path: Path) -> Config:
    """`config(*arguments, **environment)` in that home; nothing of this machine's user counts."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "venv").mkdir()
    surroundings = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": "",
        "XDG_CONFIG_DIRS": str(tmp_path / "no-such-directory"),
        "VIRTUAL_ENV": str(tmp_path / "venv"),
        "NETRC": "",
        "HATCH_CONFIG": "",
        "NO_PROXY": "*",
    }

    def run(*arguments: str | Path, cwd: Path | None = None, **environ: str) -> Ran:
        return purveyor("config", *arguments, cwd=cwd or tmp_path / "elsewhere", **{**surroundings, **environ})

    return run


def answered(home: Path, answer: str, *arguments: str) -> Ran:
    """`purveyor config` at a terminal on which a person types `answer`."""
    near, far = pty.openpty()
    try:
        os.write(near, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-m", "purveyor", "config", *arguments],
            env=environment(HOME=str(home), XDG_CONFIG_HOME="", NO_PROXY="*"),
            cwd=home,
            stdin=far,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(near)
        os.close(far)
    return Ran(done.returncode, done.stdout, done.stderr)
