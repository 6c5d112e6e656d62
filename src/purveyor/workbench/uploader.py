"""Publishes files to any index: look first, refuse what cannot succeed, send what is missing, look again."""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

from purveyor.errors import CheckFailed, Conflict, Misconfigured, PurveyorError, Refused
from purveyor.formats.simple_reader import OfferedFile, ProjectPage
from purveyor.model.files import parse_filename
from purveyor.model.names import NormalizedName
from purveyor.workbench.candidate import Candidate
from purveyor.workbench.destination import Credentials, Destination
from purveyor.workbench.index_client import IndexClient
from purveyor.workbench.progress import Progress

_PATIENCE = 60.0
"""Seconds for an index to list what it has accepted; some rebuild their pages in the background."""

_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Published:
    """A file that the index lists with these bytes. `already`: it did so before anything was sent."""

    filename: str
    project: NormalizedName
    version: str
    size: int
    sha256: str
    url: str
    already: bool


def publish(paths: Sequence[Path], destination: Destination, credentials: Credentials | None, progress: Progress) -> tuple[Published, ...]:
    """Every file, wheels first, ends up on the index or nothing is sent.

    Raises `Conflict`, before anything is sent, if the index lists other bytes under one of the names; what the index
    refuses as the error it amounts to; and `CheckFailed` if it accepts a file but does not list it as it is.
    """
    candidates = [Candidate.read(path) for path in _ordered(paths)]
    with IndexClient(destination, credentials) as client:
        listed = _listed(client, candidates)
        _refuse_other_bytes(client, candidates, listed)
        for candidate in candidates:
            if candidate.filename not in listed:
                _send(client, candidate, progress)
        confirmed = _confirm(client, candidates, progress)
    return tuple(
        Published(
            candidate.filename,
            candidate.parsed.project,
            str(candidate.parsed.version),
            candidate.size,
            candidate.sha256,
            confirmed[candidate.filename].url,
            already=candidate.filename in listed,
        )
        for candidate in candidates
    )


def distribution_files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and the wheels and sdists in the directories named."""
    found: list[Path] = []
    for path in paths:
        found += sorted([*path.glob("*.whl"), *path.glob("*.tar.gz")]) if path.is_dir() else [path]
        if path.is_dir() and not found:
            raise Misconfigured(
                f"{path} holds neither a pyproject.toml nor a wheel or source distribution.",
                "Name a project's directory, or files that are built.",
            )
    return found


def _ordered(paths: Sequence[Path]) -> list[Path]:
    """Wheels first: whoever installs in between then need not build."""
    unique = {path.name: path for path in paths}
    if len(unique) != len(paths):
        raise Misconfigured("Two of the files have the same name.", "Name each file once.")
    return sorted(paths, key=lambda path: (path.suffix != ".whl", path.name))


def _listed(client: IndexClient, candidates: Sequence[Candidate]) -> dict[str, OfferedFile]:
    """What the index offers under the candidates' names, or under another spelling of them."""
    projects = {candidate.parsed.project for candidate in candidates}
    pages = {project: client.project(project) for project in projects}
    found = {candidate.filename: _find(candidate, pages[candidate.parsed.project]) for candidate in candidates}
    return {filename: file for filename, file in found.items() if file is not None}


def _find(candidate: Candidate, page: ProjectPage | None) -> OfferedFile | None:
    files = page.files if page else ()
    exact = (file for file in files if file.filename == candidate.filename)
    alike = (file for file in files if _identity(file.filename) == candidate.parsed.identity)
    return next(exact, None) or next(alike, None)


def _identity(filename: str) -> str | None:
    with suppress(Refused):
        return parse_filename(filename).identity
    return None


def _refuse_other_bytes(client: IndexClient, candidates: Sequence[Candidate], listed: dict[str, OfferedFile]) -> None:
    others = [
        f"{candidate.filename} is on the index with other content (there sha256 {theirs}, here {candidate.sha256})."
        for candidate in candidates
        if candidate.filename in listed and (theirs := client.sha256(listed[candidate.filename])) != candidate.sha256
    ]
    if others:
        raise Conflict(f"{' '.join(others)} Nothing was sent.", "Raise the project's version, build and publish again.")


def _send(client: IndexClient, candidate: Candidate, progress: Progress) -> None:
    try:
        with progress.transfer(f"Uploading {candidate.filename}", candidate.size) as advance:
            client.upload(candidate, advance)
    except PurveyorError:
        # The answer may be lost though the file arrived, or somebody else may have sent the same file meanwhile.
        if not _is_there(client, candidate):
            raise


def _is_there(client: IndexClient, candidate: Candidate) -> bool:
    with suppress(PurveyorError):
        file = _listed(client, [candidate]).get(candidate.filename)
        return file is not None and client.sha256(file) == candidate.sha256
    return False


def _confirm(client: IndexClient, candidates: Sequence[Candidate], progress: Progress) -> dict[str, OfferedFile]:
    """All of them as the index lists them now, with the digests they should have."""
    listed = _once_listed(client, candidates, progress)
    for candidate in candidates:
        theirs = client.sha256(listed[candidate.filename])
        if theirs != candidate.sha256:
            raise CheckFailed(
                f"The index lists {candidate.filename} with sha256 {theirs}, but {candidate.sha256} was sent.",
                "Tell whoever runs the index: what users would get is not what you published.",
            )
    return listed


def _once_listed(client: IndexClient, candidates: Sequence[Candidate], progress: Progress) -> dict[str, OfferedFile]:
    deadline = time.monotonic() + _PATIENCE
    for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
        listed = _listed(client, candidates)
        missing = [candidate.filename for candidate in candidates if candidate.filename not in listed]
        if not missing:
            return listed
        if time.monotonic() > deadline:
            break
        progress.say(f"Waiting for the index to list {', '.join(missing)}")
        time.sleep(pause)
    raise CheckFailed(
        f"The index took every file, but after {_PATIENCE:.0f} seconds still does not list all of them.",
        "Look again later with `purveyor verify`.",
    )
