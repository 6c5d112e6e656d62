"""pip (old and new), uv, poetry and pdm, each as a person calls it, with a live server as their only index."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.clients.installers import INSTALLERS, Installed, Installer, with_pdm, with_pip, with_uv
from tests.clients.prefix_proxy import proxied
from tests.clients.publishers import called
from tests.clients.tools import NEWEST_PIP, PDM, PIPS, UV, Tool
from tests.distributions import sdist, wheel
from tests.live_server import LiveServer

SHOP = wheel("shop", "1.0", {"shop.py": "from till import total\n"}, ["Requires-Dist: till>=1"])
TILL = wheel("till", "1.2", {"till.py": "def total():\n    return 42\n"})
OLDER_TILL = wheel("till", "0.9", {"till.py": "def total():\n    return 0\n"})
LATER_TILL = wheel("till", "2.0", {"till.py": "def total():\n    return 2\n"}, ["Requires-Python: >=4"])

LONG_AGO = "2001-01-01T00:00:00Z"
NOT_YET = "2999-01-01T00:00:00Z"

each_installer = pytest.mark.parametrize("installer", INSTALLERS, ids=str)
Install = Callable[..., Installed]
pips_and_uv = pytest.mark.parametrize(
    ("tool", "install"),
    [*((pip, with_pip) for pip in PIPS), (UV, with_uv)],
    ids=lambda value: getattr(value, "label", ""),
)
with_a_cut_off = pytest.mark.parametrize(
    "install",
    [
        lambda *arguments: with_pip(NEWEST_PIP, *arguments[:-1], "--uploaded-prior-to", arguments[-1]),
        lambda *arguments: with_uv(UV, *arguments[:-1], "--exclude-newer", arguments[-1]),
        lambda *arguments: with_pdm(PDM, *arguments[:-1], "--exclude-newer", arguments[-1]),
    ],
    ids=["pip", "uv", "pdm"],
)


def sha256(distribution: tuple[str, bytes]) -> str:
    return hashlib.sha256(distribution[1]).hexdigest()


@each_installer
def test_a_project_and_its_dependency_are_installed_from_this_index_alone(
    installer: Installer, server: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    server.host(SHOP, OLDER_TILL, TILL)

    installed = installer.install(installer.tool, server.simple_url, "shop", tmp_path, client_environment)

    assert installed.done.returncode == 0, installed.done.stdout
    assert installed.says("m.total()", "shop") == "42"


@each_installer
def test_a_version_for_another_python_is_passed_over(
    installer: Installer, server: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    server.host(TILL, LATER_TILL)

    installed = installer.install(installer.tool, server.simple_url, "till>1", tmp_path, client_environment)

    assert installed.done.returncode == 0, installed.done.stdout
    assert installed.says("m.total()", "till") == "42"


@each_installer
def test_a_project_that_only_other_indexes_have_is_not_found(
    installer: Installer, server: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    installed = installer.install(installer.tool, server.simple_url, "six", tmp_path, client_environment)

    assert installed.done.returncode != 0
    assert "six" in installed.done.stdout


@pips_and_uv
def test_files_are_installed_by_hash(
    tool: Tool, install: Install, server: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    server.host(SHOP, TILL)
    (tmp_path / "requirements.txt").write_text(f"shop==1.0 --hash=sha256:{sha256(SHOP)}\ntill==1.2 --hash=sha256:{sha256(TILL)}\n")

    installed = install(tool, server.simple_url, "-r requirements.txt", tmp_path, client_environment, "--require-hashes")

    assert installed.done.returncode == 0, installed.done.stdout
    assert installed.says("m.total()", "shop") == "42"


@pytest.mark.parametrize("name", ["poetry", "pdm"])
def test_a_lock_file_records_the_true_hashes_of_wheel_and_sdist(
    name: str, server: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    installer = next(installer for installer in INSTALLERS if installer.tool.name == name)
    source = sdist("till", "1.2")
    server.host(TILL, source)

    installer.install(installer.tool, server.simple_url, "till", tmp_path, client_environment)

    lock = (tmp_path / f"{name}.lock").read_text()
    assert f"sha256:{sha256(TILL)}" in lock
    assert f"sha256:{sha256(source)}" in lock


@with_a_cut_off
def test_a_cut_off_before_the_upload_leaves_nothing_to_install(
    install: Install, server: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    server.host(SHOP, TILL)

    installed = install(server.simple_url, "shop", tmp_path, client_environment, LONG_AGO)

    assert installed.done.returncode != 0
    assert "shop" in installed.done.stdout
    assert not (installed.modules / "shop.py").exists()


@with_a_cut_off
def test_a_cut_off_after_the_upload_installs_it(
    install: Install, server: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    server.host(SHOP, TILL)

    installed = install(server.simple_url, "shop", tmp_path, client_environment, NOT_YET)

    assert installed.done.returncode == 0, installed.done.stdout
    assert installed.says("m.total()", "shop") == "42"


@each_installer
def test_a_name_is_found_however_it_is_spelled(
    installer: Installer, server: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    server.host(wheel("Corner.Shop", "1.0", {"corner_shop.py": "name = 'corner'\n"}))

    installed = installer.install(installer.tool, server.simple_url, "CORNER__shop", tmp_path, client_environment)

    assert installed.done.returncode == 0, installed.done.stdout
    assert installed.says("m.name", "corner_shop") == "corner"


@pips_and_uv
def test_a_project_whose_import_name_differs_is_installed(
    tool: Tool, install: Install, server: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    server.host(wheel("beautiful-shop", "4.0", {"bs/__init__.py": "name = 'bs'\n"}))

    installed = install(tool, server.simple_url, "beautiful-shop", tmp_path, client_environment)

    assert installed.done.returncode == 0, installed.done.stdout
    assert installed.says("m.name", "bs") == "bs"


@pips_and_uv
def test_an_index_behind_a_prefix_it_knows_nothing_of_still_installs(
    tool: Tool, install: Install, server: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    server.host(SHOP, TILL)

    with proxied(server.url) as proxy:
        installed = install(tool, f"{proxy.url}simple/", "shop", tmp_path, client_environment)

    assert installed.done.returncode == 0, installed.done.stdout
    assert installed.says("m.total()", "shop") == "42"


def test_a_name_that_is_redirected_behind_a_prefix_still_installs(
    server: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    server.host(TILL)

    with proxied(server.url) as proxy:
        found = called(
            NEWEST_PIP,
            [
                "pip",
                "download",
                "--no-deps",
                "--no-cache-dir",
                "--no-index",
                "--find-links",
                f"{proxy.url}simple/TILL",
                "till",
            ],
            tmp_path,
            client_environment,
        )

    assert found.returncode == 0, found.stdout
    assert (tmp_path / TILL[0]).read_bytes() == TILL[1]


@pytest.mark.parametrize("tool", [UV, NEWEST_PIP], ids=str)
def test_a_resolution_asks_for_metadata_and_never_for_a_wheel(
    tool: Tool, server: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    server.host(SHOP, TILL)
    (tmp_path / "requirements.in").write_text("shop\n")

    with proxied(server.url, "") as proxy:
        index = f"{proxy.url}simple/"
        command = {
            "uv": ["uv", "pip", "compile", "--default-index", index, "requirements.in"],
            "pip": ["pip", "install", "--dry-run", "--no-cache-dir", "--index-url", index, "shop"],
        }[tool.name]
        done = called(tool, command, tmp_path, client_environment)

    assert done.returncode == 0, done.stdout
    asked = {path.rpartition("/")[2] for _, path, _ in proxy.asked}
    assert {f"{SHOP[0]}.metadata", f"{TILL[0]}.metadata"} <= asked
    assert asked.isdisjoint({SHOP[0], TILL[0]})
