"""The Python people use: which one it is, whether a virtual environment is active, and whose `pip` theirs is."""

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from purveyor.workbench.diagnosis.findings import Finding
from purveyor.workbench.diagnosis.interpreters import Interpreter, answer_of

_PIP = re.compile(r"pip (\S+) from (.+) \(python (\S+)\)")


def pythons(usual: Interpreter | None, path: str, others: Sequence[Interpreter]) -> Iterator[Finding]:
    """`usual` is what was found at `path`, None if it does not run."""
    if usual is None:
        yield Finding(
            "python-unusable",
            f"{path} is no Python that can be used.",
            "It cannot be run, ends with an error, or is older than 3.8.",
            f"Use {others[-1].shown} instead." if others else "Install Python, and put it on the PATH.",
            f"purveyor doctor --python {shlex.quote(others[-1].path)}" if others else "",
        )
        return
    also = [f"{one.version} ({one.path})" for one in others if one.version != usual.version]
    yield Finding("python-found", f"{usual.shown}{'; also here: ' if also else ''}{', '.join(also)}.")


def virtual_environment(environ: Mapping[str, str], python: Interpreter | None) -> Iterator[Finding]:
    named = environ.get("VIRTUAL_ENV")
    if named and not (Path(named) / "pyvenv.cfg").exists():
        yield Finding(
            "virtual-environment-gone",
            f"VIRTUAL_ENV names {named}, where there is no virtual environment any more.",
            "It was deleted or moved while this shell had it active; uv and others install into it all the same, or refuse.",
            "Leave it, and make it again if it is needed.",
            "unset VIRTUAL_ENV",
        )
    elif python and (Path(python.prefix) / "pyvenv.cfg").exists():
        yield Finding("virtual-environment", f"The virtual environment {python.prefix} is active.")
    else:
        yield Finding(
            "virtual-environment-none",
            "No virtual environment is active.",
            "Installs go to a Python that other programs share, or are refused there.",
            "Make one for the project, and activate it.",
            "python3 -m venv .venv && . .venv/bin/activate",
        )


def tools(python: Interpreter, environ: Mapping[str, str], *, usual: bool) -> Iterator[Finding]:
    """pip, and for information what else installs, builds and publishes. Not `usual` is a Python that was named for once."""
    search = environ.get("PATH", os.defpath)
    if usual:
        yield from _pip(python, shutil.which("pip", path=search), environ)
    told = [f"{name} {_version_of(name, python, search, environ) or 'not installed'}" for name in ("pip", "uv", "build", "twine")]
    yield Finding("tools-found", f"{', '.join(told)}.")


def _version_of(name: str, python: Interpreter, search: str, environ: Mapping[str, str]) -> str | None:
    """As installed for that Python, else what the program on the PATH says of itself."""
    if version := python.tools.get(name):
        return version
    program = shutil.which(name, path=search) if name != "build" else None
    answer = answer_of((program, "--version"), environ) if program else ""
    match = re.search(r"\d+(\.\d+)+", answer)
    return f"{match[0]} ({program})" if match else None


def _pip(python: Interpreter, program: str | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    if program is None:
        if python.tools.get("pip") is None:
            yield _no_pip(python)
        return
    match = _PIP.match(answer_of((program, "--version"), environ))
    if match is None or str(Path(match[2]).parent) in python.paths:
        return
    beside = Path(python.path).with_name("pip")
    shell_path = f"export PATH={shlex.quote(str(beside.parent))}:$PATH"
    yield Finding(
        "pip-of-another-python",
        f"`pip` ({program}) installs for Python {match[3]} in {Path(match[2]).parent}, but `python` is {python.shown}.",
        "What `pip install` installs cannot be imported by `python`: each Python has its own directory for that.",
        "Put a pip beside that Python; `python -m pip` is always the right one.",
        shell_path if beside.exists() else f"{shlex.quote(python.path)} -m ensurepip --upgrade --default-pip",
    )


def _no_pip(python: Interpreter) -> Finding:
    return Finding(
        "pip-missing",
        f"There is no pip, neither on the PATH nor for {python.path}.",
        "Some systems ship Python without it, and `uv venv` makes environments without it.",
        "Install it, or use `uv pip`.",
        f"{shlex.quote(python.path)} -m ensurepip --upgrade --default-pip",
    )
