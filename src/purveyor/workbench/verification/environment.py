"""A fresh virtual environment that knows one index and nothing of the user's configuration."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from purveyor.workbench.verification.fetching import Target
from purveyor.workbench.verification.import_names import Installed

_FORGOTTEN = ("PIP_", "UV_", "PYTHON", "VIRTUAL_ENV", "CONDA_", "__PYVENV")
# How to reach an index at all is not a choice of index: a company's certificates still count.
_KEPT = ("PIP_CERT", "PIP_CLIENT_CERT")

_DESCRIBE = """
import importlib.metadata as m, json, sys
d = m.distribution(sys.argv[1])
entries = [e for e in d.entry_points if e.group in ("console_scripts", "gui_scripts")]
print(json.dumps({
    "version": d.version,
    "files": [f.as_posix() for f in d.files or ()],
    "top_level": (d.read_text("top_level.txt") or "").split(),
    "import_names": d.metadata.get_all("Import-Name"),
    "import_namespaces": d.metadata.get_all("Import-Namespace"),
    "requires": d.requires,
    "scripts": [e.name for e in entries],
}))
"""

_IMPORT = """
import importlib, json, sys
try:
    importlib.import_module(sys.argv[1])
except BaseException as e:
    missing = e.name if isinstance(e, ModuleNotFoundError) else None
    sys.stdout.write("\\n" + json.dumps({"kind": type(e).__name__, "text": str(e)[:300], "missing": missing}) + "\\n")
    sys.exit(7)
"""

_RAISED = 7


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended; `code` is None when it took too long."""

    code: int | None
    output: str

    @property
    def ok(self) -> bool:
        return self.code == 0


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """It imports if `kind` is empty; else that is the exception's class, "crash" or "timeout"."""

    kind: str = ""
    text: str = ""
    missing: str | None = None


class Environment:
    """A virtual environment in `folder`, made with `python`; everything in it runs with a time limit, in seconds."""

    def __init__(self, folder: Path, python: str, target: Target, timeout: float) -> None:
        self._folder = folder
        self._base = python
        self._timeout = timeout
        self._variables = _variables(os.environ)
        self._for_pip = self._variables | _index_variables(self._variables, target)
        self.python = str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))

    def create(self) -> Outcome:
        return self._run(self._base, "-m", "venv", str(self._folder))

    def install(self, requirement: str, *options: str) -> Outcome:
        return self._run(self.python, "-m", "pip", "install", "--progress-bar=off", *options, requirement, variables=self._for_pip)

    def describe(self, name: str) -> Installed | None:
        """What is installed under that name; None if nothing is, or nothing readable."""
        outcome = self._run(self.python, "-I", "-c", _DESCRIBE, name)
        try:
            return Installed.from_json(json.loads(outcome.output.splitlines()[-1])) if outcome.ok else None
        except (ValueError, IndexError):
            return None

    def try_import(self, name: str) -> ImportOutcome:
        """In a process of its own: an extension module may crash it, any module may end it."""
        outcome = self._run(self.python, "-I", "-c", _IMPORT, name)
        if outcome.ok:
            return ImportOutcome()
        if outcome.code == _RAISED:
            for line in reversed(outcome.output.splitlines()):
                if line.startswith('{"kind"'):
                    return ImportOutcome(**json.loads(line))
        if outcome.code is None:
            return ImportOutcome("timeout", f"it took longer than {self._timeout:.0f} seconds")
        return ImportOutcome("crash", f"the interpreter ended with status {outcome.code}")

    def _run(self, *command: str, variables: Mapping[str, str] | None = None) -> Outcome:
        try:
            done = subprocess.run(
                command,
                env=self._variables if variables is None else variables,
                cwd=self._folder.parent,  # never the user's directory, whose files would be importable
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=self._timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            return Outcome(None, (error.stdout or b"").decode(errors="replace"))
        except OSError as error:
            return Outcome(-1, f"{command[0]} cannot be run: {error}")
        return Outcome(done.returncode, done.stdout.decode(errors="replace"))


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in environ.items() if key in _KEPT or not key.upper().startswith(_FORGOTTEN)}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}


def _index_variables(environ: Mapping[str, str], target: Target) -> dict[str, str]:
    """For pip alone: the URL may carry credentials, which the code that is imported later has no business with."""
    variables = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": target.url_with_credentials,
        "PIP_NO_INPUT": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    if target.loopback:
        variables["NO_PROXY"] = variables["no_proxy"] = ",".join(filter(None, [environ.get("no_proxy"), target.host]))
    elif target.url.startswith("http:"):
        variables["PIP_TRUSTED_HOST"] = target.host
    return variables
