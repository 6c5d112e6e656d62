"""Installs as a person makes them: one locked set, into an empty folder, with nothing cached by the client."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.loaders import NotOffered
from benchmarks.machine import search_path

CLIENTS = ("uv", "pip")
_LONGEST = 900.0


@dataclass(frozen=True)
class Installed:
    """Seconds on the clock, and of the client's own CPU time."""

    wall: float
    cpu: float


class Installer:
    """uv, and a virtual environment with the newest pip, both deaf to how this machine is set up, but for the index they are told.

    They install into memory where there is a place for it: a client's time should not be that of the disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{search_path()}") or "uv"
        self._target = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else folder, prefix="purveyor-installs-"))
        self._python = folder / "client" / "bin" / "python"
        self.lock = folder / "lock.txt"

    def prepare(self, names: list[str], lock: Path | None, url: str) -> int:
        """Resolve once, with hashes, or take the given lock; how many distributions that makes."""
        index = ("--default-index", url)
        self._run([self._uv, "venv", "--quiet", "--no-config", "--seed", *index, str(self._python.parents[1])])
        if lock is None:
            wanted = self._folder / "wanted.txt"
            wanted.write_text("\n".join(names) + "\n")
            how = ("--quiet", "--no-config", "--no-header", "--generate-hashes", "--only-binary", ":all:", *index)
            self._run([self._uv, "pip", "compile", *how, "--python", str(self._python), "-o", str(self.lock), str(wanted)])
        else:
            shutil.copy(lock, self.lock)
        return self.count()

    def count(self) -> int:
        return sum("==" in line and not line.lstrip().startswith("#") for line in self.lock.read_text().splitlines())

    def install(self, client: str, url: str) -> Installed:
        """Raises `NotOffered` with the end of what the client said when it fails."""
        target = self._target / "target"
        before, began = os.times(), time.perf_counter()
        self._run(
            [*self._command(client, url), "--target", str(target), "--require-hashes", "--only-binary", ":all:", "-r", str(self.lock)]
        )
        wall, after = time.perf_counter() - began, os.times()
        if (found := len(list(target.glob("*.dist-info")))) != self.count():
            raise NotOffered(f"{client} installed {found} of {self.count()}")
        shutil.rmtree(target)
        return Installed(wall, after.children_user + after.children_system - before.children_user - before.children_system)

    def close(self) -> None:
        shutil.rmtree(self._target)

    def download(self, url: str, into: Path) -> None:
        """The files that clients here choose, as pip stores them."""
        how = ("download", "--quiet", "--no-cache-dir", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--index-url", url)
        self._run([str(self._python), "-m", "pip", "--isolated", *how, "-d", str(into), "-r", str(self.lock)])

    def _command(self, client: str, url: str) -> list[str]:
        if client == "uv":
            return [
                self._uv,
                "pip",
                "install",
                "--quiet",
                "--no-config",
                "--no-cache",
                "--python",
                str(self._python),
                "--default-index",
                url,
            ]
        # Compiling is the client's own work, and most of its time.
        quiet = ("--quiet", "--no-cache-dir", "--no-compile", "--disable-pip-version-check", "--index-url", url)
        return [str(self._python), "-m", "pip", "--isolated", "install", *quiet]

    def _run(self, command: list[str]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "PYTHON"))}
        environment |= {"PIP_CONFIG_FILE": os.devnull, "TMPDIR": str(self._target)}
        if "PIP_CERT" in os.environ:
            environment["PIP_CERT"] = os.environ["PIP_CERT"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=_LONGEST)
        if done.returncode:
            raise NotOffered(" / ".join((done.stderr + done.stdout).strip().splitlines()[-2:])[:300])
