"""Real distribution files, downloaded once through whatever index this machine is set up to use and kept beside it."""

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.clients.tools import NEWEST_PIP, prepared

CACHE = Path(sys.prefix) / "distributions"


@dataclass(frozen=True, slots=True)
class Closure:
    """Files to fetch with `pip download`: by default a project and everything it needs on this machine."""

    name: str
    arguments: tuple[str, ...]


JUPYTERLAB = Closure("jupyterlab", ("--only-binary", ":all:", "jupyterlab"))
HTTPIE = Closure("httpie", ("--only-binary", ":all:", "httpie"))
BLACK = Closure("black", ("--only-binary", ":all:", "black"))
SDISTS = Closure("sdists", ("--no-deps", "--no-binary", ":all:", "packaging", "idna", "httpie"))
LARGE_WHEEL = Closure(
    "large-wheel",  # 188,654,414 bytes
    ("--no-deps", "--only-binary", ":all:", "--platform", "manylinux2014_x86_64", "nvidia-nccl-cu12==2.21.5"),
)


def downloaded(closure: Closure) -> list[Path]:
    """The files of a closure, fetched now or by an earlier run; delete the directory to fetch newer ones."""
    CACHE.mkdir(exist_ok=True)
    directory = CACHE / closure.name
    with (CACHE / f"{closure.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            _download(closure, directory)
    return sorted(directory.iterdir())


def _download(closure: Closure, directory: Path) -> None:
    unfinished = directory.with_suffix(".unfinished")
    unfinished.mkdir(exist_ok=True)
    pip = prepared(NEWEST_PIP).program
    subprocess.run([str(pip), "download", "--quiet", "-d", str(unfinished), *closure.arguments], check=True, env=os.environ)
    unfinished.rename(directory)
