"""pip and uv install from an export that `python -m http.server` offers, with hashes."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.installers import Installed, with_pip, with_uv
from tests.clients.tools import NEWEST_PIP, UV, Tool
from tests.distributions import wheel
from tests.exporting.index import Index
from tests.workbench.command import environment, purveyor

SHOP = wheel("shop", "1.0", {"shop.py": "from till import total\n"}, ["Requires-Dist: till>=1"])
TILL = wheel("till", "1.2+local", {"till.py": "def total():\n    return 42\n"})

Install = Callable[..., Installed]
pip_and_uv = pytest.mark.parametrize(("tool", "install"), [(NEWEST_PIP, with_pip), (UV, with_uv)], ids=["pip", "uv"])


def newest_python() -> str:
    """From 3.13 on http.server says more of its own about types; an older one is used only where there is no newer one."""
    for version in (14, 13):
        found = shutil.which(f"python3.{version}") or ""
        beside = (path / "bin" / "python3" for path in Path(sys.base_prefix).parent.glob(f"3.{version}.*"))
        for program in (found, *map(str, beside)):
            if program and subprocess.run([program, "-c", ""], capture_output=True, check=False).returncode == 0:
                return program
    return sys.executable


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The URL at which `python -m http.server` offers the directory."""
    command = [newest_python(), "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(directory)]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().split(" port ")[1].split()[0]
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.kill()


@pip_and_uv
def test_an_installer_that_demands_hashes_is_content_with_an_export(
    tool: Tool, install: Install, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    with Index(tmp_path / "data", SHOP, TILL) as index:
        assert purveyor("export", tmp_path / "www" / "python", "--data", index.data).code == 0
    pins = "".join(
        f"{name}=={version} --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
        for name, version, content in (("shop", "1.0", SHOP[1]), ("till", "1.2+local", TILL[1]))
    )
    (tmp_path / "pins.txt").write_text(pins)

    with served(tmp_path / "www") as url:
        installed = install(tool, f"{url}python/simple/", "--require-hashes -r pins.txt", tmp_path, client_environment)

    assert installed.done.returncode == 0, installed.done.stdout
    assert installed.says("m.total()", "shop") == "42"


@pip_and_uv
def test_a_name_in_another_spelling_and_its_dependency_are_found(
    tool: Tool, install: Install, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    with Index(tmp_path / "data", SHOP, TILL) as index:
        assert purveyor("export", tmp_path / "www", "--data", index.data).code == 0

    with served(tmp_path / "www") as url:
        installed = install(tool, f"{url}simple/", "Shop", tmp_path, client_environment)

    assert installed.done.returncode == 0, installed.done.stdout
    assert installed.says("m.total()", "shop") == "42"


def test_verify_misses_nothing_but_what_a_server_without_json_cannot_say(tmp_path: Path) -> None:
    with Index(tmp_path / "data", SHOP, TILL) as index:
        assert purveyor("export", tmp_path / "www", "--data", index.data).code == 0

    with served(tmp_path / "www") as url:
        seen = purveyor("verify", "till", "--index-url", f"{url}simple/", "--no-install", "--json")

    failed = [check["title"] for check in seen.document["checks"] if not check["passed"] and not check["skipped"]]
    assert failed == ["Versions and cooldown flags work"]
