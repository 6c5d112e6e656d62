"""Why a Python installs no file of a project, or not the newest, and which Python would."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.utils import parse_wheel_filename

from purveyor.model.names import NormalizedName
from purveyor.workbench.diagnosis.findings import Finding
from purveyor.workbench.diagnosis.fitting import Fit, allows, is_wheel, tags_of
from purveyor.workbench.diagnosis.interpreters import Interpreter
from purveyor.workbench.diagnosis.wording import install, shown


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is to install what from where; `others` are further Pythons of the machine, oldest first."""

    url: str
    name: NormalizedName
    python: Interpreter
    others: Sequence[Interpreter]

    def unfit(self, fits: Sequence[Fit], choice: Fit | None) -> Iterator[Finding]:
        """Nothing if the newest final release fits; `fits` are all files that count, `choice` the one that is taken."""
        finals = [fit for fit in fits if not fit.version.is_prerelease] or list(fits)
        newest = max(fit.version for fit in finals)
        release = [fit for fit in finals if fit.version == newest]
        if choice is None:
            yield from self._nothing_fits(release)
        elif choice.version < newest:
            yield self._newer(release, choice)

    def _nothing_fits(self, release: list[Fit]) -> Iterator[Finding]:
        version = release[0].version
        remedy, command = self._other_python(release)
        if excluded := [fit for fit in release if not fit.allowed]:
            yield Finding(
                "project-requires-python",
                f"{self.name} {version} requires Python {_required(excluded)}; this is {self.python.version}.",
                f"Installers pass over files whose Requires-Python excludes the Python that installs: here {self.python.path}.",
                remedy or "Install such a Python, or publish a release that allows this one.",
                command or "purveyor publish",
            )
        if any(fit.allowed for fit in release):
            tags = shown(tags_of(fit.file for fit in release), 8)
            yield Finding(
                "project-no-file-fits",
                f"{self.name} {version} has no file for Python {self.python.version} on this platform: only wheels for {tags}, no sdist.",
                f"This Python takes {shown(_summary(self.python.tags), 8)}.",
                remedy or "Build a wheel on such a machine, or an sdist, and publish it.",
                command or "purveyor publish",
            )

    def _newer(self, release: list[Fit], choice: Fit) -> Finding:
        version = release[0].version
        remedy, command = self._other_python(release)
        required = _required([fit for fit in release if not fit.allowed])
        return Finding(
            "project-newer-does-not-fit",
            f"{self.name} {version} is there, but Python {self.python.version} gets {choice.version}.",
            f"{version} requires Python {required}."
            if required
            else f"{version} has wheels for {shown(tags_of(fit.file for fit in release))} only, and no sdist.",
            remedy or f"Publish {version} for this Python too, or ask for {choice.version}.",
            command or install(self.url, f"{self.name}=={choice.version}"),
        )

    def _other_python(self, release: Sequence[Fit]) -> tuple[str, str]:
        """The newest Python found here that could install a file of that release, in words and as a command."""
        better = next((python for python in reversed(self.others) if any(_would_fit(fit, python) for fit in release)), None)
        if better is None:
            return "", ""
        made = f"{shlex.quote(better.path)} -m venv .venv"
        requirement = f"{self.name}=={release[0].version}"
        return f"Use {better.shown}, which is here too.", f"{made} && .venv/bin/{install(self.url, requirement)}"


def _required(fits: Sequence[Fit]) -> str:
    return shown(dict.fromkeys(fit.file.requires_python or "" for fit in fits))


def _would_fit(fit: Fit, python: Interpreter) -> bool:
    if not allows(fit.file.requires_python, python):
        return False
    return not is_wheel(fit.file) or any(str(tag) in python.tags for tag in parse_wheel_filename(fit.file.filename)[3])


def _summary(tags: Sequence[str]) -> list[str]:
    """The tags people compare: this Python's own for the platform's newest names, and the one for every Python."""
    own = "-".join(tags[0].split("-")[:2])
    platforms = [platform for platform in dict.fromkeys(tag.split("-")[2] for tag in tags) if platform != "any"]
    return [*(f"{own}-{platform}" for platform in platforms[:4]), "py3-none-any"]
