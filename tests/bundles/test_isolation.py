"""A bundle made from a lock file is enough to install from, where there is no network at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from purveyor.testing.fake_index import FakeIndex
from tests.bundles.conftest import create, uv, uv_lock
from tests.bundles.isolated import run_isolated
from tests.clients.tools import NEWEST_PIP, UV, Tool, prepared

_EVALUATE = "import sys; sys.path.insert(0, sys.argv[1]); import acme_app, acme_core; print(acme_app.__version__, acme_core.__version__)"


def install_with(tool: Tool, requirements: Path, target: Path) -> list[str]:
    hashed = ["--require-hashes", "--requirement", str(requirements), "--target", str(target)]
    if tool is UV:
        return [str(tool.program), "pip", "install", "--no-cache", "--python", sys.executable, "--default-index", "{url}", *hashed]
    return [str(tool.python), "-m", "pip", "install", "--no-cache-dir", "--index-url", "{url}", *hashed]


@pytest.mark.parametrize("tool", [NEWEST_PIP, UV], ids=lambda tool: tool.label)
def test_what_a_lock_file_names_installs_without_any_network(
    tool: Tool, index: FakeIndex, tmp_path: Path, client_environment: dict[str, str]
) -> None:
    prepared(tool)
    lock = uv_lock(index, tmp_path)
    requirements, bundle = tmp_path / "requirements.txt", tmp_path / "acme.tar"
    uv("export", "--project", str(lock.parent), "--frozen", "--no-emit-project", "--output-file", str(requirements))
    assert create(lock, output=bundle).code == 0
    asked = len(index.requests)

    client = install_with(tool, requirements, tmp_path / "installed")
    gap = [sys.executable, "-m", "tests.bundles.across_the_gap", str(bundle), str(tmp_path / "there" / "data"), *client]
    done = run_isolated(gap, client_environment, tmp_path)

    assert done.returncode == 0, done.stdout
    assert len(index.requests) == asked
    said = subprocess.run([sys.executable, "-I", "-S", "-c", _EVALUATE, tmp_path / "installed"], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["1.0", "1.5"]


def test_the_isolation_is_one(index: FakeIndex, tmp_path: Path, client_environment: dict[str, str]) -> None:
    """What listens outside cannot be reached from inside."""
    fetch = f"import urllib.request; urllib.request.urlopen({index.url!r}, timeout=5)"

    done = run_isolated([sys.executable, "-c", fetch], client_environment, tmp_path)

    assert done.returncode != 0
    assert "Connection refused" in done.stdout
