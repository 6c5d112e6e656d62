"""The Pythons of this machine: which there are, what each can install, and which tools stand beside it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import packaging
from packaging.version import Version

PROBE_SECONDS = 15.0
"""After which a program that was asked about itself is taken to hang."""

NAMES = ("python3.11", "python3.12", "python3.13", "python3.14", "python3.15", "python3.10", "python3.9", "python3", "python")

# Run with -S, so that of all installed distributions the interpreter sees only our `packaging`, which knows its tags.
_TAGS = """
import json, platform, sys
sys.path.append(sys.argv[1])
from packaging import tags
print(json.dumps({
    "version": platform.python_version(),
    "implementation": platform.python_implementation(),
    "tags": [str(tag) for tag in tags.sys_tags()],
}))
"""

_BESIDE = """
import importlib.metadata as m, json, sys
def version(name):
    try:
        return m.version(name)
    except m.PackageNotFoundError:
        return None
print(json.dumps({"paths": sys.path, "tools": {name: version(name) for name in ("pip", "build", "twine")}, "prefix": sys.prefix}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that runs. `tags` are what it can install, best first; `tools` the versions of what is installed for it."""

    path: str
    version: Version
    implementation: str
    tags: tuple[str, ...]
    paths: tuple[str, ...]
    tools: Mapping[str, str | None]
    prefix: str

    @property
    def short(self) -> str:
        return f"{self.version.major}.{self.version.minor}"

    @property
    def shown(self) -> str:
        kind = "Python" if self.implementation == "CPython" else self.implementation
        return f"{kind} {self.version} ({self.path})"


def usual_python(environ: Mapping[str, str]) -> str:
    """What people mean by `python`: the first on their PATH, which an active virtual environment puts first."""
    search = environ.get("PATH", os.defpath)
    return shutil.which("python", path=search) or shutil.which("python3", path=search) or sys.executable


def found(environ: Mapping[str, str]) -> list[Interpreter]:
    """Every Python on the PATH under its usual names that really runs, each once, oldest version first."""
    search = environ.get("PATH", os.defpath)
    paths = dict.fromkeys(path for name in NAMES if (path := shutil.which(name, path=search)))
    by_version = {(one.version, one.prefix): one for one in reversed(_probed(paths, environ))}
    return sorted(by_version.values(), key=lambda one: one.version)


def probe(python: str, environ: Mapping[str, str]) -> Interpreter | None:
    """What that interpreter says of itself; None if it cannot be run, or is too old to say."""
    above = str(Path(packaging.__file__).parents[1])
    tags = answer_of((python, "-I", "-S", "-c", _TAGS, above), environ)
    beside = answer_of((python, "-I", "-c", _BESIDE), environ)
    try:
        return _read(python, json.loads(tags), json.loads(beside))
    except (ValueError, KeyError, TypeError):  # it said nothing, or what no Python says
        return None


def _read(python: str, tags: dict[str, Any], beside: dict[str, Any]) -> Interpreter:
    return Interpreter(
        path=python,
        version=Version(tags["version"].rstrip("+")),
        implementation=tags["implementation"],
        tags=tuple(tags["tags"]),
        paths=tuple(beside["paths"]),
        tools=beside["tools"],
        prefix=beside["prefix"],
    )


def answer_of(command: Iterable[str], environ: Mapping[str, str]) -> str:
    """The last line a program prints; empty if it cannot be run, fails, or takes too long."""
    try:
        done = subprocess.run(
            tuple(command),
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.strip().splitlines()
    return lines[-1] if lines and done.returncode == 0 else ""


def _probed(paths: Iterable[str], environ: Mapping[str, str]) -> list[Interpreter]:
    with ThreadPoolExecutor(max_workers=4) as pool:
        return [one for one in pool.map(lambda path: probe(path, environ), paths) if one is not None]
