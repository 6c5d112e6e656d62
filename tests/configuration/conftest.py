"""`purveyor config` run by a person with a home of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workbench.command import Ran, purveyor

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
