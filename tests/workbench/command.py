"""Runs `purveyor` as a person does: a process of its own, with nothing of this machine's index settings."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        document: dict[str, Any] = json.loads(self.out)
        return document


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PURVEYOR_", "PIP_", "UV_"))}
    return kept | {"NO_COLOR": "1", "COLUMNS": "200"} | variables


def purveyor(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "purveyor", *map(str, arguments)],
        env=environment(**variables),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
