"""Real applications with all they need: published, read back, installed by hash and resolved, from this index alone."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.clients.installers import with_pip, with_uv
from tests.clients.prefix_proxy import proxied
from tests.clients.publishers import called
from tests.clients.tools import NEWEST_PIP, TWINE, UV, Tool
from tests.live_server import LiveServer
from tests.network.real_distributions import BLACK, HTTPIE, JUPYTERLAB, LARGE_WHEEL, SDISTS, Closure, downloaded

pytestmark = pytest.mark.network

APPLICATIONS = (JUPYTERLAB, HTTPIE, BLACK)
MODULES = {"jupyterlab": "jupyterlab", "httpie": "httpie", "black": "black"}

each_application = pytest.mark.parametrize("application", APPLICATIONS, ids=lambda closure: closure.name)


def with_twine(files: list[Path], server: LiveServer, environment: Mapping[str, str]) -> None:
    command = ["twine", "upload", "--non-interactive", "--disable-progress-bar", "--repository-url", server.upload_url]
    credentials = {"TWINE_USERNAME": "__token__", "TWINE_PASSWORD": server.token}
    done = called(TWINE, [*command, *map(str, files)], server.data.parent, {**environment, **credentials})
    assert done.returncode == 0, done.stdout


def with_uv_publish(files: list[Path], server: LiveServer, environment: Mapping[str, str]) -> None:
    command = ["uv", "publish", "--trusted-publishing", "never", "--publish-url", server.upload_url]
    token = {"UV_PUBLISH_TOKEN": server.token}
    done = called(UV, [*command, *map(str, files)], server.data.parent, {**environment, **token})
    assert done.returncode == 0, done.stdout


def with_purveyor(files: list[Path], server: LiveServer) -> None:
    target = ["--upload-url", server.upload_url, "--token-file", str(server.data / "upload-token")]
    command = [sys.executable, "-m", "purveyor", "publish", *target, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The three applications, each published by another client."""
    with LiveServer(tmp_path_factory.mktemp("real") / "data") as server:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(server.data.parent), "UV_NO_CONFIG": "1"}
        with_uv_publish(downloaded(JUPYTERLAB), server, environment)
        with_twine(downloaded(HTTPIE), server, environment)
        with_purveyor(downloaded(BLACK), server)
        yield server


@pytest.mark.parametrize("closure", APPLICATIONS, ids=lambda closure: closure.name)
def test_every_file_of_an_application_comes_back_byte_for_byte(closure: Closure, index: LiveServer) -> None:
    for path in downloaded(closure):
        assert came_back(path, index)


def test_real_sdists_come_back_byte_for_byte(server: LiveServer, client_environment: Mapping[str, str]) -> None:
    files = downloaded(SDISTS)

    with_twine(files, server, client_environment)

    assert {path.suffix for path in files} == {".gz"}
    assert all(came_back(path, server) for path in files)


def test_a_wheel_of_more_than_150_mb_comes_back_byte_for_byte(server: LiveServer, client_environment: Mapping[str, str]) -> None:
    (large,) = downloaded(LARGE_WHEEL)

    with_uv_publish([large], server, client_environment)

    assert large.stat().st_size > 150_000_000
    assert came_back(large, server)


@each_application
@pytest.mark.parametrize("tool", [NEWEST_PIP, UV], ids=lambda tool: tool.name)
def test_an_application_is_installed_by_hash_from_this_index_alone(
    tool: Tool, application: Closure, index: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    (tmp_path / "requirements.txt").write_text("".join(map(pinned, downloaded(application))))

    install = {"pip": with_pip, "uv": with_uv}[tool.name]
    requirement = "-r requirements.txt"
    installed = install(tool, index.simple_url, requirement, tmp_path, client_environment, "--require-hashes")

    assert installed.done.returncode == 0, installed.done.stdout
    assert installed.says("m.__name__", MODULES[application.name]) == MODULES[application.name]


def test_jupyterlab_is_resolved_by_downloading_metadata_only(
    index: LiveServer, tmp_path: Path, client_environment: Mapping[str, str]
) -> None:
    (tmp_path / "requirements.in").write_text("jupyterlab\n")

    with proxied(index.url, "") as proxy:
        command = ["uv", "pip", "compile", "--quiet", "--default-index", f"{proxy.url}simple/", "--python", sys.executable]
        done = called(UV, [*command, "requirements.in", "-o", "requirements.txt"], tmp_path, client_environment)

    assert done.returncode == 0, done.stdout
    resolved = {line.partition("==")[0] for line in (tmp_path / "requirements.txt").read_text().splitlines() if "==" in line}
    assert resolved == {project(path) for path in downloaded(JUPYTERLAB)}
    asked = [path for _, path, _ in proxy.asked]
    pages = [path for path in asked if path.startswith("/simple/")]
    metadata = [path for path in asked if path.endswith(".metadata")]
    total = sum(size for _, _, size in proxy.asked)
    print(f"{len(resolved)} projects: {len(pages)} pages, {len(metadata)} metadata files, {total:,} bytes in all")
    assert len(pages) + len(metadata) == len(asked)
    assert (len(pages), len(metadata)) == (len(set(pages)), len(set(metadata)))


def came_back(path: Path, server: LiveServer) -> bool:
    (entry,) = (entry for entry in server.entries(project(path)) if entry["filename"] == path.name)
    with server.http.stream("GET", entry["url"]) as answer:
        digest = hashlib.sha256()
        for chunk in answer.raise_for_status().iter_bytes():
            digest.update(chunk)
    return bool(digest.hexdigest() == entry["hashes"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest())


def pinned(path: Path) -> str:
    """A line of requirements.txt for a wheel."""
    name, version, *_ = path.name.split("-")
    return f"{canonicalize_name(name)}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def project(path: Path) -> str:
    return canonicalize_name(path.name.partition("-")[0])
