"""Lock files: `pylock.toml` (PyPUG "pylock.toml specification", PEP 751) and `uv.lock`, read as they stand, without a resolver."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock, PylockUnsupportedVersionError, PylockValidationError

from purveyor.errors import Misconfigured, Refused
from purveyor.workbench.bundling import uv_lock
from purveyor.workbench.bundling.targets import Targets
from purveyor.workbench.bundling.wanted import Wanted


def is_lock(path: Path) -> bool:
    return path.name == "uv.lock" or (path.suffix == ".toml" and path.name.startswith("pylock."))


def read_lock(path: Path, targets: Targets) -> tuple[list[Wanted], list[str]]:
    """The files that it names and that fit, and sentences about what is not among them. Raises `Misconfigured` or `Refused`."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"{path} is not TOML: {str(error).rstrip('.')}.", "Make the lock file anew.") from None
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}.", "Name a lock file.") from None
    if path.name == "uv.lock":
        return uv_lock.read(document, targets, str(path))
    return read_pylock(document, targets, str(path))


def read_pylock(document: Mapping[str, Any], targets: Targets, shown: str) -> tuple[list[Wanted], list[str]]:
    try:
        lock = Pylock.from_dict(document)
    except PylockUnsupportedVersionError as error:
        raise Misconfigured(
            f"{shown} is a pylock.toml of another version: {error}.", "Make it with a tool that writes version 1.0."
        ) from None
    except PylockValidationError as error:
        raise Misconfigured(f"{shown} is not a pylock.toml: {error}.", "Make the lock file anew.") from None
    wanted: list[Wanted] = []
    notes: list[str] = []
    for package in lock.packages:
        if not targets.meet(package.marker):
            continue
        if package.wheels is None and package.sdist is None:
            notes.append(_not_of_an_index(package))
            continue
        wanted += _files(package, targets)
    if not wanted:
        raise Refused(f"{shown} names no file that fits.", "Give other Pythons or platforms, or none to take all files.")
    return wanted, notes


def _files(package: Package, targets: Targets) -> Iterator[Wanted]:
    requires_python = str(package.requires_python) if package.requires_python else None
    files: list[PackageWheel | PackageSdist] = [*(package.wheels or ()), *([package.sdist] if package.sdist else ())]
    for file in files:
        filename = file.filename
        if targets.fit(filename, requires_python):
            yield Wanted(package.name, filename, file.hashes, file.url, package.index, file.size, file.upload_time)


def _not_of_an_index(package: Package) -> str:
    kind = "version control" if package.vcs else "a directory" if package.directory else "an archive that is no file of an index"
    return f"{package.name} comes from {kind}: it is not in the bundle."
