"""The README's first run: short, and what it says works."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.docs.documents import ROOT, section

DOCUMENTED_URL = "http://127.0.0.1:8080/"
TIME_LIMIT = 120.0
"""Seconds after which a command is taken to hang; a bound, not a measurement."""

# A build backend inside the project: `publish` builds it in an isolated environment, as it does any, without asking an index.
_BACKEND = """
import io, pathlib, tarfile, zipfile

METADATA = "Metadata-Version: 2.4\\nName: acme-app\\nVersion: 0.1.0\\n"
WHEEL = "Wheel-Version: 1.0\\nGenerator: backend\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
NAMES = ("acme_app.py", "acme_app-0.1.0.dist-info/METADATA", "acme_app-0.1.0.dist-info/WHEEL")


def build_wheel(directory, config_settings=None, metadata_directory=None):
    import base64, hashlib
    files = dict(zip(NAMES, (pathlib.Path("acme_app.py").read_text(), METADATA, WHEEL)))
    lines = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(text.encode())}\\n")
    files["acme_app-0.1.0.dist-info/RECORD"] = "".join(lines) + "acme_app-0.1.0.dist-info/RECORD,,\\n"
    with zipfile.ZipFile(pathlib.Path(directory, "acme_app-0.1.0-py3-none-any.whl"), "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return "acme_app-0.1.0-py3-none-any.whl"


def build_sdist(directory, config_settings=None):
    with tarfile.open(pathlib.Path(directory, "acme_app-0.1.0.tar.gz"), "w:gz") as archive:
        for name in ("pyproject.toml", "backend.py", "acme_app.py"):
            archive.add(name, f"acme_app-0.1.0/{name}")
        entry = tarfile.TarInfo("acme_app-0.1.0/PKG-INFO")
        entry.size = len(METADATA)
        archive.addfile(entry, io.BytesIO(METADATA.encode()))
    return "acme_app-0.1.0.tar.gz"
"""


def first_run() -> str:
    return section((ROOT / "README.md").read_text(encoding="utf-8"), "## First run")


def documented_commands() -> list[list[str]]:
    return [shlex.split(line.removeprefix("$ ")) for line in first_run().splitlines() if line.startswith("$ ")]


def test_the_first_run_has_at_most_sixty_words_and_three_commands() -> None:
    assert len(first_run().split()) <= 60
    assert [command[:2] for command in documented_commands()] == [["purveyor", "serve"], ["purveyor", "publish"], ["pip", "install"]]


def test_the_first_run_works_as_it_is_written(tmp_path: Path, client_environment: Mapping[str, str]) -> None:
    project(tmp_path / "acme-app")
    serve, publish, install = documented_commands()
    environment = {**client_environment, "PURVEYOR_DATA": str(tmp_path / "data of the first run")}

    with served(serve, tmp_path, environment) as url:
        # The port of the text may be taken on this machine: these words alone are changed.
        publishing = done([*publish, "--index-url", f"{url}simple/"], tmp_path, environment)
        installing = done([word.replace(DOCUMENTED_URL, url) for word in install] + ["--target", "installed"], tmp_path, environment)

    assert publishing.returncode == 0, publishing.stdout
    assert installing.returncode == 0, installing.stdout
    assert (tmp_path / "installed" / "acme_app.py").read_text() == "name = 'acme'\n"


def project(directory: Path) -> None:
    directory.mkdir()
    (directory / "backend.py").write_text(_BACKEND)
    (directory / "acme_app.py").write_text("name = 'acme'\n")
    (directory / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n\n'
        '[project]\nname = "acme-app"\nversion = "0.1.0"\n'
    )


@contextmanager
def served(command: list[str], directory: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The documented command on a free port; its URL."""
    with subprocess.Popen(
        [*program(command), "--json"], cwd=directory, env={**environment, "PURVEYOR_PORT": "0"}, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            url: str = json.loads(server.stdout.readline())["url"]
            yield url
        finally:
            server.terminate()


def done(command: list[str], directory: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        program(command),
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )


def program(command: list[str]) -> list[str]:
    """The command with the Python that runs the tests, where its program is installed."""
    return [sys.executable, "-m", *command]
