"""Which of an index's files an installer would take for a Python, and why it passes over the others."""

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from purveyor.formats.simple_reader import OfferedFile
from purveyor.model.files import Kind
from purveyor.workbench.diagnosis.interpreters import Interpreter
from purveyor.workbench.verification.offer import Offer


@dataclass(frozen=True, slots=True)
class Fit:
    """One file and one Python. `rank` orders the files of a release: the smaller, the sooner an installer takes it."""

    file: OfferedFile
    version: Version
    allowed: bool
    tagged: bool
    rank: int

    @property
    def fits(self) -> bool:
        return self.allowed and self.tagged


def fits_of(offer: Offer, files: Iterable[OfferedFile], python: Interpreter) -> list[Fit]:
    """Every file of the offer that is a wheel or sdist of the project."""
    ranks = {tag: rank for rank, tag in enumerate(python.tags)}
    return [_fit(file, offer, python, ranks) for file in files if file.filename in offer.parsed]


def chosen(fits: Iterable[Fit]) -> Fit | None:
    """The file that pip takes: the newest final release that fits, else the newest pre-release; its best wheel, else its sdist."""
    fitting = [fit for fit in fits if fit.fits]
    return max(fitting, key=lambda fit: (not fit.version.is_prerelease, fit.version, -fit.rank), default=None)


def tags_of(files: Iterable[OfferedFile]) -> list[str]:
    """The tags of wheels as their filenames write them, each once."""
    return list(dict.fromkeys("-".join(file.filename.removesuffix(".whl").split("-")[-3:]) for file in files if is_wheel(file)))


def is_wheel(file: OfferedFile) -> bool:
    return file.filename.endswith(".whl")


def allows(requires_python: str | None, python: Interpreter) -> bool:
    """As installers read it: what is no specifier excludes nothing."""
    try:
        return not requires_python or SpecifierSet(requires_python).contains(python.version, prereleases=True)
    except InvalidSpecifier:
        return True


def _fit(file: OfferedFile, offer: Offer, python: Interpreter, ranks: dict[str, int]) -> Fit:
    parsed = offer.parsed[file.filename]
    last = len(ranks)
    if parsed.kind is Kind.SDIST:
        return Fit(file, parsed.version, allows(file.requires_python, python), tagged=True, rank=last)
    rank = min((ranks[str(tag)] for tag in parse_wheel_filename(file.filename)[3] if str(tag) in ranks), default=-1)
    return Fit(file, parsed.version, allows(file.requires_python, python), tagged=rank >= 0, rank=rank)
