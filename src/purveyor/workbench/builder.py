"""From a project directory to its source distribution and wheel, through the project's own build backend."""

import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from build import BuildBackendException, BuildException, FailedProcessError, ProjectBuilder
from build.env import DefaultIsolatedEnv

from purveyor.errors import BuildFailed, Misconfigured
from purveyor.workbench.progress import Progress

Installer = Literal["pip", "uv"]
_SHOWN_LINES = 25


@dataclass(frozen=True, slots=True)
class BuiltFile:
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Way:
    """How to build: in a fresh environment filled by `installer`, or with what is installed beside Purveyor."""

    isolated: bool = True
    installer: Installer = "pip"


class _Output:
    """What the backend and the installer print, kept for the case that they fail."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def run(self, cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
        done = subprocess.run(
            cmd,
            cwd=cwd,
            env={**os.environ, **(extra_environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.add(done.stdout)
        done.check_returncode()

    def add(self, text: bytes | str | None) -> None:
        shown = text.decode(errors="replace") if isinstance(text, bytes) else text or ""
        self.lines += [line.rstrip() for line in shown.splitlines() if line.strip()]

    @property
    def end(self) -> str:
        return "\n".join(f"    {line}" for line in self.lines[-_SHOWN_LINES:])


def is_project(path: Path) -> bool:
    return (path / "pyproject.toml").is_file() or (path / "setup.py").is_file()


def build(project: Path, into: Path, way: Way, progress: Progress) -> tuple[BuiltFile, BuiltFile]:
    """Build the source distribution and, from that alone, as its users would, the wheel; both then lie in `into`.

    Raises `BuildFailed` with the end of what the backend printed; then nothing new lies in `into`.
    """
    if not is_project(project):
        raise Misconfigured(
            f"{project} is not a Python project: it has no pyproject.toml.",
            "Name the directory that holds one, or make a project with `purveyor new`.",
        )
    output = _Output()
    with TemporaryDirectory(prefix="purveyor-build-") as scratch, _explained(project, way, output):
        built = [Path(path) for path in _both(project, Path(scratch), way, output, progress)]
        sdist, wheel = [_moved(path, into) for path in built]
    return sdist, wheel


def _both(project: Path, scratch: Path, way: Way, output: _Output, progress: Progress) -> tuple[str, str]:
    with _builders(way, output, progress) as builder_of:
        source = builder_of(project, "sdist")
        progress.say("Building the source distribution")
        sdist = source.build("sdist", scratch / "dist")
        unpacked = _unpacked(Path(sdist), scratch / "source")
        from_sdist = builder_of(unpacked, "wheel")
        progress.say("Building the wheel from it")
        return sdist, from_sdist.build("wheel", scratch / "dist")


BuilderOf = Callable[[Path, Literal["sdist", "wheel"]], ProjectBuilder]


@contextmanager
def _builders(way: Way, output: _Output, progress: Progress) -> Iterator[BuilderOf]:
    """A function that gives the builder of a source tree, with everything that tree needs to build such a file."""
    if not way.isolated:
        yield lambda tree, _kind: ProjectBuilder(tree, runner=output.run)
        return
    progress.say(f"Preparing a build environment with {way.installer}")
    with DefaultIsolatedEnv(installer=way.installer) as environment:
        # One environment for both files: to make a second costs seconds, and what a wheel needs does not hurt an sdist.
        installed: set[str] = set()

        def isolated(tree: Path, kind: Literal["sdist", "wheel"]) -> ProjectBuilder:
            builder = ProjectBuilder.from_isolated_env(environment, tree, runner=output.run)
            environment.install(builder.build_system_requires - installed)
            installed.update(builder.build_system_requires)
            environment.install(builder.get_requires_for_build(kind) - installed)
            return builder

        yield isolated


def _unpacked(sdist: Path, into: Path) -> Path:
    with tarfile.open(sdist) as archive:
        # Python 3.11.4 brought the filters; without one an sdist unpacks as trustingly as the backend that just wrote it deserves.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(into)  # noqa: S202 - the line above
    return into / sdist.name.removesuffix(".tar.gz")


def _moved(built: Path, into: Path) -> BuiltFile:
    """The file at its place, complete from the first moment it is seen there."""
    into.mkdir(parents=True, exist_ok=True)
    partial, target = into / f".{built.name}.partial", into / built.name
    shutil.copyfile(built, partial)  # `into` may be on another file system, where a file cannot just be renamed to
    partial.replace(target)
    with target.open("rb") as file:
        return BuiltFile(target, target.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


@contextmanager
def _explained(project: Path, way: Way, output: _Output) -> Iterator[None]:
    """Every way in which a build can fail, as one sentence and the lines that say why."""
    try:
        yield
    except subprocess.CalledProcessError as error:
        output.add(error.stdout)
        output.add(error.stderr)
        raise _failed(f"What {project} needs to be built could not be installed.", output, _requirements(way)) from None
    except FailedProcessError as error:
        output.add(error.exception.stderr)
        raise _failed(f"No build environment for {project} could be made: {error}", output, _requirements(way)) from None
    except BuildBackendException as error:
        raise _failed(f"{project} could not be built: {str(error).rstrip('.')}.", output, _backend(way)) from None
    except RuntimeError as error:  # how the frontend says that it found no uv
        raise _failed(f"{project} could not be built: {error}.", output, "Install uv, or use --installer pip.") from None
    except (BuildException, tarfile.TarError) as error:
        remedy = "Correct [build-system] in pyproject.toml."
        raise _failed(f"{project} could not be built: {str(error).rstrip('.')}.", output, remedy) from None


def _failed(sentence: str, output: _Output, remedy: str) -> BuildFailed:
    return BuildFailed(f"{sentence}\n{output.end}" if output.lines else sentence, remedy)


def _requirements(way: Way) -> str:
    return (
        f"Check that {way.installer} can reach an index with [build-system].requires of pyproject.toml"
        " (PIP_INDEX_URL or UV_DEFAULT_INDEX), or install them beside Purveyor and add --no-isolation."
    )


def _backend(way: Way) -> str:
    if way.isolated:
        return "Correct what the lines above name; the first error among them is usually the cause."
    return "Install what is missing beside Purveyor, or build without --no-isolation."
