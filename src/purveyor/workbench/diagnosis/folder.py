"""A served folder: the files in it that the server sets aside, and why."""

import os
import shlex
import stat
from collections.abc import Iterator
from heapq import nlargest
from pathlib import Path

from purveyor.errors import Refused
from purveyor.formats.archives import Limits
from purveyor.model.files import parse_filename
from purveyor.model.names import NormalizedName
from purveyor.publishing.inspecting import inspect_old
from purveyor.settings import Settings
from purveyor.workbench.diagnosis.findings import Finding

MOST_FILES = 200
"""Files that are looked at: those written last, where most faults are new."""


def look_at_folder(folder: Path, name: NormalizedName | None) -> Iterator[Finding]:
    """A finding for each wheel or sdist that cannot be served; of one project, or of all where `name` is None."""
    settings = Settings()
    limits = Limits(settings.max_unpacked_size, settings.max_entries, settings.max_ratio)
    for path in nlargest(MOST_FILES, _distributions(folder, name), key=_written):
        if fault := _fault(path, limits):
            yield Finding(
                "folder-file-broken",
                f"{path} is not served: {fault}",
                "It was copied only in part, or is broken; the index leaves it out until it is whole.",
                "Copy it again, or take it out of the way.",
                f"mv {shlex.quote(str(path))} {shlex.quote(f'{path}.broken')}",
            )


def _distributions(folder: Path, name: NormalizedName | None) -> Iterator[Path]:
    for above, folders, files in os.walk(folder):
        folders[:] = [one for one in folders if not one.startswith(".")]
        for file in files:
            if file.endswith((".whl", ".tar.gz")) and not file.startswith(".") and (name is None or _project_of(file) == name):
                yield Path(above, file)


def _project_of(filename: str) -> NormalizedName | None:
    try:
        return parse_filename(filename).project
    except Refused:
        return None


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _fault(path: Path, limits: Limits) -> str:
    """Why the server sets the file aside; empty if it does not, and for what vanishes meanwhile."""
    try:
        parsed = parse_filename(path.name)
        # O_NONBLOCK, because opening a fifo would wait for somebody to write to it.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as source:
            if stat.S_ISREG(os.fstat(source.fileno()).st_mode):
                inspect_old(source, parsed, limits)
    except Refused as refused:
        return refused.detail
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"It cannot be read: {error.strerror}."
    return ""
