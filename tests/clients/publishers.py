"""Six clients that publish: what each builds with, how each is called, and what of a refusal each shows to a person."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.clients.tools import FLIT, HATCH, PDM, POETRY, TWINE, UV, Tool, prepared

TIME_LIMIT = 120.0
"""Seconds after which a client is taken to hang; a bound, not a measurement."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """One client; in its commands and settings `{url}`, `{token}` and `{files}` stand for what a test gives."""

    tool: Tool
    requires: str
    backend: str
    build: tuple[str, ...]
    publish: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    shows_refusals: bool = True

    def __str__(self) -> str:
        return self.tool.name

    @property
    def project(self) -> str:
        """The name of the project that this client builds."""
        return f"made-by-{self.tool.name}"


PUBLISHERS = (
    Publisher(
        TWINE,
        "setuptools",
        "setuptools.build_meta",
        build=("python", "-m", "build", "--no-isolation"),
        publish=(
            "twine",
            "upload",
            "--non-interactive",
            "--disable-progress-bar",
            "--repository-url",
            "{url}",
            "{files}",
        ),
        settings={"TWINE_USERNAME": "__token__", "TWINE_PASSWORD": "{token}"},
    ),
    Publisher(
        UV,
        "uv_build",
        "uv_build",
        build=("uv", "build"),
        publish=(
            "uv",
            "publish",
            "--trusted-publishing",
            "never",
            "--publish-url",
            "{url}",
            "--token",
            "{token}",
            "{files}",
        ),
    ),
    Publisher(
        POETRY,
        "poetry-core",
        "poetry.core.masonry.api",
        build=("poetry", "build"),
        publish=("poetry", "publish", "-r", "here", "--username", "__token__", "--password", "{token}"),
        settings={"POETRY_REPOSITORIES_HERE_URL": "{url}"},
    ),
    Publisher(
        PDM,
        "pdm-backend",
        "pdm.backend",
        build=("pdm", "build", "--no-isolation"),
        publish=("pdm", "publish", "--no-build", "-r", "{url}", "-u", "__token__", "-P", "{token}"),
        shows_refusals=False,  # it prints its own text for the status code, neither the reason phrase nor the body
    ),
    Publisher(
        HATCH,
        "hatchling",
        "hatchling.build",
        build=(
            "python",
            "-m",
            "hatchling",
            "build",
        ),  # what `hatch build` calls in an environment that it would download
        publish=("hatch", "publish", "--no-prompt", "-r", "{url}", "-u", "__token__", "-a", "{token}", "{files}"),
    ),
    Publisher(
        FLIT,
        "flit_core",
        "flit_core.buildapi",
        build=("flit", "build"),
        publish=("flit", "publish"),  # always builds again; equal sources give equal files
        settings={"FLIT_INDEX_URL": "{url}", "FLIT_USERNAME": "__token__", "FLIT_PASSWORD": "{token}"},
    ),
)


def built(publisher: Publisher, directory: Path, environment: Mapping[str, str]) -> Path:
    """A small project in `directory`, with the wheel and the sdist that the client's backend made of it in `dist`."""
    module = directory / "src" / publisher.project.replace("-", "_")
    module.mkdir(parents=True)
    (module / "__init__.py").write_text('"""A small project."""\n\n__version__ = "1.0"\n')
    (directory / "README.md").write_text(f"# {publisher.project}\n")
    (directory / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["{publisher.requires}"]\nbuild-backend = "{publisher.backend}"\n\n'
        f'[project]\nname = "{publisher.project}"\nversion = "1.0"\ndescription = "A small project."\n'
        'readme = "README.md"\nrequires-python = ">=3.8"\nkeywords = ["small", "project"]\n'
        'authors = [{ name = "Ada", email = "ada@example.org" }]\n'
        'urls = { Documentation = "https://example.org/docs" }\n'
    )
    # pdm looks for the backend in the active virtual environment; without one it would make its own.
    active = {**environment, "VIRTUAL_ENV": str(publisher.tool.directory)}
    done = called(publisher.tool, publisher.build, directory, active)
    assert done.returncode == 0, done.stdout
    return directory


def distribution_files(project: Path) -> dict[str, bytes]:
    """The wheel and the sdist that were built: filename to bytes."""
    return {path.name: path.read_bytes() for path in sorted((project / "dist").iterdir()) if path.suffix in (".whl", ".gz")}


def published(
    publisher: Publisher, project: Path, url: str, token: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """The client's answer to being told to publish `dist` at `url`; both its outputs are in `stdout`."""
    files = [str(Path("dist", name)) for name in distribution_files(project)]
    words = [word for part in publisher.publish for word in (files if part == "{files}" else [_filled(part, url, token)])]
    settings = {key: _filled(value, url, token) for key, value in publisher.settings.items()}
    return called(publisher.tool, words, project, {**environment, **settings})


def called(
    tool: Tool, command: tuple[str, ...] | list[str], directory: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a program of the tool's environment in `directory`; its standard output and error come back together."""
    prepared(tool)
    return subprocess.run(
        [str(tool.directory / "bin" / command[0]), *command[1:]],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )


def _filled(text: str, url: str, token: str) -> str:
    return text.replace("{url}", url).replace("{token}", token)
