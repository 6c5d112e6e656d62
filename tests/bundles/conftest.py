"""An index with a small family of projects, and locks that uv made of them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from purveyor.testing.fake_index import FakeIndex
from tests.clients.tools import uv_program
from tests.distributions import sdist, wheel
from tests.importing.here import Here
from tests.workbench.command import Ran, environment, purveyor

FAMILY = (
    wheel("acme-app", "1.0", metadata=["Requires-Dist: acme-core>=1", 'Requires-Dist: winonly; sys_platform == "win32"']),
    sdist("acme-app", "1.0"),
    wheel("acme-core", "1.5", metadata=["Requires-Python: >=3.8"]),
    wheel("acme-core", "1.5", tag="cp311-cp311-manylinux_2_17_x86_64"),
    wheel("acme-core", "1.5", tag="cp313-cp313-manylinux_2_17_x86_64"),
    wheel("acme-core", "1.5", tag="cp313-cp313-macosx_11_0_arm64"),
    wheel("winonly", "3.0", tag="py3-none-win_amd64"),
)


@pytest.fixture
def index() -> Iterator[FakeIndex]:
    with FakeIndex() as running:
        for filename, content in FAMILY:
            running.add(filename, content)
        yield running


@pytest.fixture
def there(tmp_path: Path) -> Here:
    """Beyond the gap."""
    return Here(tmp_path / "there" / "data")


def create(*sources: str | Path, output: Path, index: str | None = None, options: tuple[str, ...] = (), **variables: str) -> Ran:
    where = ("--index-url", index) if index else ()
    home = output.parent
    return purveyor("bundle", "create", *sources, "--output", output, *where, *options, "--json", cwd=None, HOME=str(home), **variables)


def bring(bundle: Path, there: Here, *options: str) -> Ran:
    return purveyor("bundle", "import", bundle, "--data", there.data, *options, "--json", HOME=str(bundle.parent))


def files(ran: Ran) -> list[str]:
    assert ran.code == 0, ran.out + ran.err
    return sorted(file["filename"] for file in ran.document["files"])


def pylock(index: FakeIndex, folder: Path, *options: str) -> Path:
    """As `uv pip compile` makes it of acme-app, for this machine unless the options say otherwise."""
    path = folder / "pylock.toml"
    uv("pip", "compile", "-", "--format", "pylock.toml", "-o", str(path), "--default-index", index.url, *options, given="acme-app\n")
    return path


def uv_lock(index: FakeIndex, folder: Path) -> Path:
    """As `uv lock` makes it of a project that needs acme-app."""
    project = folder / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "mine"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["acme-app"]\n'
        f'[[tool.uv.index]]\nurl = "{index.url}"\ndefault = true\n'
    )
    uv("lock", "--project", str(project))
    return project / "uv.lock"


def uv(*arguments: str, given: str = "") -> None:
    command = [uv_program(), *arguments, "--no-cache"]
    done = subprocess.run(command, input=given, env=environment(NO_PROXY="*"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
