"""A person's machine as the doctor finds it: an environment of its own, in which faults are planted and remedies are run."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LIMIT = 120.0
"""Seconds after which a command is taken to hang; a bound, not a measurement."""


@dataclass(slots=True)
class Patient:
    """`index_url` is what the doctor is asked about. `variables` are the environment of the person's shell: plant faults there."""

    directory: Path
    index_url: str = "http://127.0.0.1:9/simple/"
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        programs = self.directory / "programs"
        for folder in (programs, self.home, self.project):
            folder.mkdir(parents=True)
        self.program("python", f'exec {shlex.quote(sys.executable)} "$@"')
        self.program("pip", f'exec {shlex.quote(sys.executable)} -m pip "$@"')
        self.program("purveyor", f'exec {shlex.quote(sys.executable)} -m purveyor "$@"')
        self.variables |= {
            "PATH": f"{programs}:/usr/bin:/bin",
            "HOME": str(self.home),
            "XDG_CONFIG_DIRS": str(self.directory / "no such directory"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PURVEYOR_DATA": str(self.data),
            "PURVEYOR_RUN_DIR": str(self.run_directory),
            "TMPDIR": str(self.project),
            "LANG": "C.UTF-8",
        }

    @property
    def home(self) -> Path:
        return self.directory / "home"

    @property
    def project(self) -> Path:
        """Where the person's shell stands."""
        return self.directory / "standing here"

    @property
    def data(self) -> Path:
        return self.directory / "data of a server"

    @property
    def run_directory(self) -> Path:
        return self.directory / "run"

    @property
    def programs(self) -> Path:
        return self.directory / "programs"

    def program(self, name: str, script: str) -> Path:
        """A program on the person's PATH."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def shell(self, *lines: str) -> subprocess.CompletedProcess[str]:
        """These lines in one shell, as a person types them."""
        return subprocess.run(
            ["/bin/sh", "-c", "\n".join(lines)],
            cwd=self.project,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def examined(self, *arguments: str, after: str = "", index_url: str = "") -> "Examined":
        """What the doctor says in a shell in which the command `after` was run before."""
        words = ["purveyor", "doctor", "--json", "--index-url", index_url or self.index_url, *arguments]
        done = self.shell(*([f"{{ {after}\n}} >&2"] if after else []), shlex.join(words))
        assert done.returncode in (0, 1, 3), (done.stdout, done.stderr)
        return Examined(done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stderr)


@dataclass(frozen=True, slots=True)
class Examined:
    code: int
    document: Mapping[str, Any]
    err: str

    @property
    def codes(self) -> list[str]:
        return [finding["code"] for finding in self.document["findings"]]

    def __getitem__(self, code: str) -> "Seen":
        """The one finding with this code."""
        found = [finding for finding in self.document["findings"] if finding["code"] == code]
        assert len(found) == 1, self.document["findings"]
        assert found[0]["severity"] == "ok" or found[0]["why"], found[0]
        return Seen(found[0]["what"], found[0]["why"], found[0]["remedy"], found[0]["command"], found[0]["fixed"])

    def __contains__(self, code: str) -> bool:
        return code in self.codes


@dataclass(frozen=True, slots=True)
class Seen:
    what: str
    why: str
    remedy: str
    command: str
    fixed: str
