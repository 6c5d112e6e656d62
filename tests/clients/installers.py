"""Clients that install: how each is told to take something from one index alone, and how to use what it installed."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.clients.publishers import called
from tests.clients.tools import PDM, PIPS, POETRY, UV, Tool

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installer answered, and the directory in which it was to put the modules."""

    done: subprocess.CompletedProcess[str]
    modules: Path

    def says(self, expression: str, module: str) -> str:
        """A Python expression over the installed module `m`, in an interpreter that sees nothing else installed."""
        return subprocess.run(
            [sys.executable, "-I", "-S", "-c", _EVALUATE, str(self.modules), module, expression],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()


_EVALUATE = "import sys; sys.path.insert(0, sys.argv[1]); m = __import__(sys.argv[2]); print(eval(sys.argv[3]))"


@dataclass(frozen=True, slots=True)
class Installer:
    """`install(tool, index_url, requirement, directory, environment)` installs into a fresh place below `directory`."""

    tool: Tool
    install: Callable[[Tool, str, str, Path, Environment], Installed]

    def __str__(self) -> str:
        return self.tool.label


def with_pip(tool: Tool, index_url: str, requirement: str, directory: Path, environment: Environment, *flags: str) -> Installed:
    command = ["pip", "install", "--no-cache-dir", "--target", "installed", "--index-url", index_url, *flags]
    return Installed(called(tool, [*command, *requirement.split()], directory, environment), directory / "installed")


def with_uv(tool: Tool, index_url: str, requirement: str, directory: Path, environment: Environment, *flags: str) -> Installed:
    command = [
        "uv",
        "pip",
        "install",
        "--python",
        sys.executable,
        "--target",
        "installed",
        "--default-index",
        index_url,
    ]
    return Installed(called(tool, [*command, *flags, *requirement.split()], directory, environment), directory / "installed")


def with_poetry(tool: Tool, index_url: str, requirement: str, directory: Path, environment: Environment) -> Installed:
    source = f'[[tool.poetry.source]]\nname = "here"\nurl = "{index_url}"\npriority = "primary"\n'
    _write_consumer(directory, requirement, f"[tool.poetry]\npackage-mode = false\n\n{source}")
    active = _with_virtual_environment(directory, environment)
    return Installed(called(tool, ["poetry", "install"], directory, active), _site_packages(directory))


def with_pdm(tool: Tool, index_url: str, requirement: str, directory: Path, environment: Environment, *flags: str) -> Installed:
    source = f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{index_url}"\nverify_ssl = true\n'
    _write_consumer(directory, requirement, f"[tool.pdm]\ndistribution = false\n\n{source}")
    active = _with_virtual_environment(directory, environment)
    done = called(tool, ["pdm", "lock", *flags], directory, active)
    if done.returncode == 0:
        done = called(tool, ["pdm", "sync"], directory, active)
    return Installed(done, _site_packages(directory))


def _write_consumer(directory: Path, requirement: str, settings: str) -> None:
    (directory / "pyproject.toml").write_text(
        f'[project]\nname = "consumer"\nversion = "0"\nrequires-python = ">=3.9"\ndependencies = ["{requirement}"]\n\n{settings}'
    )


def _with_virtual_environment(directory: Path, environment: Environment) -> Environment:
    """Make `.venv` and declare it active: both clients would otherwise choose one that they find by themselves."""
    made = called(UV, ["uv", "venv", "--python", sys.executable, ".venv"], directory, environment)
    assert made.returncode == 0, made.stdout
    return {**environment, "VIRTUAL_ENV": str(directory / ".venv")}


def _site_packages(directory: Path) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return directory / ".venv" / "lib" / version / "site-packages"


INSTALLERS = (
    *(Installer(pip, with_pip) for pip in PIPS),
    Installer(UV, with_uv),
    Installer(POETRY, with_poetry),
    Installer(PDM, with_pdm),
)
