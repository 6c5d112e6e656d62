"""The clients under test: each pinned, each in a virtual environment of its own beside the one that runs the tests.

`python -m tests.clients.tools` prepares all of them, through whatever index this machine is set up to use. A test that
needs one prepares it likewise if that has not been done; the tests then talk to the server under test alone.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(sys.prefix) / "clients"


@dataclass(frozen=True, slots=True)
class Tool:
    """One client at one version, with what else its environment needs, such as the backend that its projects use."""

    name: str
    version: str
    beside: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.name}-{self.version}"

    @property
    def requirements(self) -> tuple[str, ...]:
        return (f"{self.name}=={self.version}", *self.beside)

    @property
    def directory(self) -> Path:
        return CACHE / self.label

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    @property
    def program(self) -> Path:
        return self.directory / "bin" / self.name


TWINE = Tool("twine", "7.0.0", ("build", "setuptools", "wheel"))
UV = Tool("uv", "0.13.9")
POETRY = Tool("poetry", "2.5.1")
# pdm 2.29.3 allows, and does not start or publish with, the hishel and unearth that came after these.
PDM = Tool("pdm", "2.29.3", ("hishel<2", "unearth<0.19", "pdm-backend"))
HATCH = Tool("hatch", "1.18.2")
FLIT = Tool("flit", "4.2.0")
NEWEST_PIP = Tool("pip", "26.3")
EARLIER_PIP = Tool("pip", "23.3.2")
# pip reads JSON since 22.3, and no pip before that starts on Python 3.12 or later.
HTML_ONLY_PIP = Tool("pip", "20.3.4")

PIPS = (NEWEST_PIP, EARLIER_PIP, *([HTML_ONLY_PIP] if sys.version_info < (3, 12) else []))
TOOLS = (TWINE, UV, POETRY, PDM, HATCH, FLIT, *PIPS)


def prepared(tool: Tool) -> Tool:
    """The same tool, installed: at once if an earlier run did it, whichever of several processes asks first."""
    with _locked(tool):
        mark = tool.directory / "prepared"
        wanted = "\n".join((sys.version, *tool.requirements))
        if not mark.exists() or mark.read_text() != wanted:
            _install(tool)
            mark.write_text(wanted)
    return tool


def uv_program() -> str:
    """The uv that stands beside the Python that runs the tests, else anywhere on the PATH."""
    found = shutil.which("uv", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))))
    if found is None:
        raise FileNotFoundError("uv is not installed; it is one of the dependencies in the group `test` of pyproject.toml.")
    return found


@contextmanager
def _locked(tool: Tool) -> Iterator[None]:
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{tool.label}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(tool: Tool) -> None:
    # `--no-config` would hide the machine's index settings, which this step is meant to use: it is deliberately absent.
    _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(tool.directory))
    _uv("pip", "install", "--quiet", "--python", str(tool.python), *tool.requirements)


def _uv(*arguments: str) -> None:
    done = subprocess.run([uv_program(), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`uv {' '.join(arguments)}` failed:\n{done.stderr}")


def main() -> None:
    """Prepare every tool, several at a time."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        for tool in pool.map(prepared, TOOLS):
            print(f"{tool.name} {tool.version} is ready", flush=True)


if __name__ == "__main__":
    main()
