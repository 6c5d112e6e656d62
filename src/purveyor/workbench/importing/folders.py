"""A directory of wheels and sdists, such as the packages of a pypiserver; and what all directories have in common."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from purveyor.errors import Refused
from purveyor.model.names import NormalizedName
from purveyor.workbench.importing.offers import Batch, Content, Missing, Offer, OnDisk, is_distribution, project_of

_CHUNK = 1 << 20


class Folder(OnDisk):
    """Every distribution file below a directory; hidden directories, and directories behind links, are left alone."""

    kind = "a directory of distribution files"

    def __init__(self, root: Path) -> None:
        self.shown = str(root)
        self._batches = grouped(*distribution_files(root))

    def projects(self, wanted: Sequence[NormalizedName]) -> Sequence[str]:
        return chosen(self._batches, wanted)

    def batch(self, project: str) -> Batch:
        return self._batches.get(project) or absent(project)


def distribution_files(root: Path) -> tuple[list[Path], list[Missing]]:
    """The distribution files below `root` in a fixed order, and the directories that cannot be read."""
    found: list[Path] = []
    unread: list[Missing] = []

    def note(error: OSError) -> None:
        unread.append(Missing(str(error.filename), f"The directory cannot be read: {error.strerror}."))

    for folder, folders, files in os.walk(root, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(folder, name) for name in sorted(files) if is_distribution(name) and not name.startswith(".")]
    return found, unread


def grouped(paths: Sequence[Path], unread: Sequence[Missing], offer: Callable[[Path], Offer] | None = None) -> dict[str, Batch]:
    """By project, in the order of names; a directory that cannot be read is a batch of its own."""
    offers: dict[str, list[Offer]] = {}
    for path in paths:
        offers.setdefault(project_of(path.name), []).append((offer or offered)(path))
    batches = {project: Batch(project, tuple(files)) for project, files in sorted(offers.items())}
    return batches | {missing.name: Batch(missing.name, missing=(missing,)) for missing in unread}


def chosen(batches: dict[str, Batch], wanted: Sequence[NormalizedName]) -> Sequence[str]:
    return wanted or list(batches)


def absent(project: str) -> Batch:
    return Batch(project, missing=(Missing(project, "The source has no project of that name."),))


def offered(path: Path) -> Offer:
    """The file, of which nothing is known but where it lies."""
    return Offer(filename=path.name, origin=str(path), open=lambda: opened(path))


@contextmanager
def opened(path: Path) -> Iterator[Content]:
    """A regular file's content and date; `Refused` where it cannot be read."""
    try:
        # Not to wait for ever at a named pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused(f"{path} is no regular file.")
        yield Content(_chunks(file.read, path), _date(status.st_mtime))


def _date(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # some file systems know dates that Python does not
        return None


def _chunks(read: Callable[[int], bytes], path: Path) -> Iterator[bytes]:
    while True:
        try:
            chunk = read(_CHUNK)
        except OSError as error:
            raise Refused(f"{path} cannot be read: {error.strerror}.") from None
        if not chunk:
            return
        yield chunk


def inside(root: Path, path: Path) -> Path | None:
    """The path with its links resolved, if it then lies below `root`: what a page or an export names may be anything."""
    try:
        resolved = path.resolve()
        return resolved if resolved.is_relative_to(root.resolve()) and resolved.is_file() else None
    except (OSError, ValueError):
        return None
