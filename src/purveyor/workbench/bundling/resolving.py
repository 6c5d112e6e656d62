"""The closure of requirements: uv's resolver for any Python and platform, else pip's for this machine's. Neither installs anything."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from purveyor.errors import CheckFailed, Misconfigured
from purveyor.model.names import normalize
from purveyor.workbench.bundling.locks import read_pylock
from purveyor.workbench.bundling.targets import Target, Targets, chosen, uv_platform
from purveyor.workbench.bundling.wanted import Wanted, filename_of
from purveyor.workbench.destination import is_loopback

# What a person has set up for other occasions must not change what is in a bundle; the address of the index holds its credentials,
# so it goes where no list of processes shows it.
_KEPT = ("UV_CACHE_DIR", "UV_PYTHON", "UV_PYTHON_INSTALL_DIR", "PIP_CACHE_DIR")
_LAST_LINES = 20


def closure(
    names: Sequence[str], files: Sequence[Path], index_url: str, targets: Sequence[Target], say: Callable[[str], None]
) -> tuple[list[Wanted], list[str]]:
    """Every file of what the requirements need, for each target. Raises `CheckFailed` where they cannot be met, or `Misconfigured`."""
    uv = shutil.which("uv", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))))
    if uv is None:
        return _by_pip(names, files, index_url, targets, say), []
    wanted: list[Wanted] = []
    notes: list[str] = []
    for target in targets:
        say(f"uv resolves for Python {target.python} on {target.platform}.")
        found, more = _by_uv(uv, names, files, index_url, target)
        wanted += found
        notes += more
    return wanted, notes


def _by_uv(uv: str, names: Sequence[str], files: Sequence[Path], index_url: str, target: Target) -> tuple[list[Wanted], list[str]]:
    platform = uv_platform(target.platform)
    command = [uv, "pip", "compile", "--quiet", "--no-config", "--no-header", "--format", "pylock.toml", "--python-version", target.python]
    command += ["--python-platform", platform] if platform else []
    command += [*map(str, files), *(["-"] if names else [])]
    variables = {"UV_DEFAULT_INDEX": index_url, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_CONFIG": "1", **_around_proxies(index_url)}
    answer = _run(command, variables, "\n".join(names))
    shown = f"What uv resolved for Python {target.python} on {target.platform}"
    return read_pylock(tomllib.loads(answer), Targets([target]), shown)


def _by_pip(
    names: Sequence[str], files: Sequence[Path], index_url: str, targets: Sequence[Target], say: Callable[[str], None]
) -> list[Wanted]:
    if list(targets) != chosen((), ()):
        raise Misconfigured(
            "Without uv, requirements are resolved for this Python and this platform only.",
            "Install uv, or leave out --python and --platform, or give a lock file.",
        )
    say("uv is not installed; pip resolves, for this Python and this platform only.")
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    command += [*(argument for file in files for argument in ("--requirement", str(file))), *names]
    variables = {"PIP_INDEX_URL": index_url, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INPUT": "1", **_around_proxies(index_url)}
    answer = _run(command, variables, "")
    return [_reported(entry) for entry in json.loads(answer)["install"]]


def _reported(entry: dict[str, dict[str, object]]) -> Wanted:
    """One entry of pip's installation report."""
    url, archive = str(entry["download_info"]["url"]), entry["download_info"].get("archive_info")
    hashes = archive.get("hashes", {}) if isinstance(archive, dict) else {}
    return Wanted(normalize(str(entry["metadata"]["name"])), filename_of(url), hashes, url)


def _around_proxies(index_url: str) -> dict[str, str]:
    """A server on this machine is never behind a proxy."""
    host = urlsplit(index_url).hostname or ""
    if not is_loopback(host):
        return {}
    exceptions = os.environ.get("NO_PROXY", os.environ.get("no_proxy", ""))
    return dict.fromkeys(("NO_PROXY", "no_proxy"), f"{exceptions},{host}".lstrip(","))


def _run(command: Sequence[str], variables: dict[str, str], given: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_")) or name in _KEPT}
    done = subprocess.run(command, input=given, env=environment | variables, capture_output=True, text=True, check=False)
    if done.returncode:
        program = Path(command[0]).name
        said = "\n".join(done.stderr.strip().splitlines()[-_LAST_LINES:])
        raise CheckFailed(
            f"{program} finds no releases that meet the requirements:\n{said}", "Correct the requirements, or name another index."
        )
    return done.stdout
