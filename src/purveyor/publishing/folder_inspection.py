"""Files of a served folder become files of the index, or are set aside with the reason."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import BinaryIO

from purveyor.errors import Refused
from purveyor.formats.archives import Limits
from purveyor.interfaces import Folder, FolderFile, FolderIndex, NewFile, Verdict
from purveyor.model.files import ParsedFilename, parse_filename, project_named_by
from purveyor.model.names import NormalizedName
from purveyor.publishing.inspecting import inspect_old

log = logging.getLogger("purveyor")

ACTOR = "folder"
"""Who the journal names."""

# What nothing was written to for so long, in seconds, is no longer being copied.
STILL = 2.0
# Files inspected for one commit; up to this size one is read once, for its digest and its content.
_AT_ONCE = 100
_SMALL = 4 << 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MICROSECOND = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


class FolderInspection:
    """Inspects what waits: all of it in the background, a project's part of it at once when somebody asks for the project."""

    def __init__(self, folder: Folder, index: FolderIndex, limits: Limits, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._index = index
        self._limits = limits
        self._now = now
        self._turn = threading.Lock()
        # Files that were no good when they were inspected, but may still be on their way: since when they have been as they are.
        self._unfinished: dict[FolderFile, float] = {}

    def inspect_next(self, after: str) -> str:
        """Inspect some of the files that wait, from beyond the path `after`; the last of them, or "" where there were none."""
        files = self._index.waiting(None, after, _AT_ONCE)
        self._inspect(files)
        return files[-1].path if files else ""

    def inspect_project(self, name: NormalizedName) -> None:
        after = ""
        while files := self._index.waiting(name, after, _AT_ONCE):
            after = files[-1].path
            self._inspect(files)

    def look_again(self) -> None:
        """Look at the files that seemed unfinished, whatever their directories say."""
        for file in [*self._unfinished]:
            now = self._folder.look(file.path)
            if now != file:
                self._unfinished.pop(file, None)
            if now is not None:
                self._index.revise(now)
                self.inspect_project(project_named_by(now.filename))

    def _inspect(self, files: Sequence[FolderFile]) -> None:
        at = self._now()
        verdicts = [verdict for file in files if self._is_due(file) and (verdict := self._verdict(file, at))]
        for path, fault in self._index.settle(verdicts, at) if verdicts else ():
            log.log(logging.WARNING if _is_named(path) else logging.INFO, "%s is not served: %s", path_for_log(path), fault)

    def _is_due(self, file: FolderFile) -> bool:
        """Whether to inspect it: not if it was found unfinished and nothing has changed since, until it must be finished."""
        since = self._unfinished.get(file)
        return since is None or time.monotonic() - since >= STILL

    def _verdict(self, file: FolderFile, at: datetime) -> Verdict | None:
        """None where the file is still being written, or is gone."""
        try:
            parsed = parse_filename(file.filename)
            source, now = self._folder.open(file.path)
        except Refused as refused:
            return Verdict(file, None, fault=refused.detail)
        except FileNotFoundError:
            return None
        except OSError as error:
            return Verdict(file, None, fault=f"It cannot be read: {error.strerror}.", again=True)
        with source:
            verdict = self._judge(file, parsed, source, at) if now == file else None
        if verdict is None or self._folder.look(file.path) != file:
            return None
        if verdict.fault and self._may_be_unfinished(file, at):
            self._index.withdraw(file, at)
            return None
        self._unfinished.pop(file, None)
        return verdict

    def _judge(self, file: FolderFile, parsed: ParsedFilename, source: BinaryIO, at: datetime) -> Verdict:
        try:
            content = BytesIO(source.read()) if file.size <= _SMALL else source
            inspected = inspect_old(content, parsed, self._limits)
            sha256 = _digest(content)
        except Refused as refused:
            return Verdict(file, None, fault=refused.detail)
        except OSError as error:
            return Verdict(file, None, fault=f"It cannot be read: {error.strerror}.", again=True)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one file, the others must not wait for it
            return Verdict(file, None, fault=f"It cannot be inspected ({type(error).__name__}: {error}).")
        described = inspected.described(size=file.size, sha256=sha256, uploaded_at=min(_moment(file), at), uploaded_by=None)
        new = NewFile(described, inspected.metadata.name, parsed.identity, ACTOR, at)
        return Verdict(file, new, inspected.raw if inspected.offered else None)

    def _may_be_unfinished(self, file: FolderFile, at: datetime) -> bool:
        """A file is finished once it has been still for a while; a file system's clock need not be ours, so a future time says nothing."""
        if timedelta(seconds=STILL) < at - _moment(file):
            return False
        with self._turn:
            return time.monotonic() - self._unfinished.setdefault(file, time.monotonic()) < STILL


def _digest(content: BinaryIO) -> str:
    digest = hashlib.sha256(usedforsecurity=False)
    content.seek(0)
    while piece := content.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def path_for_log(path: str) -> str:
    """The path; in ASCII where it has something in it that could begin another line of the log, or steer a terminal."""
    return path if path.isprintable() else ascii(path)


def _is_named(path: str) -> bool:
    """Whether the file has a distribution's name: with another, it may lie here for its own reasons."""
    try:
        parse_filename(path.rpartition("/")[2])
    except Refused:
        return False
    return True


def _moment(file: FolderFile) -> datetime:
    """When it was last written to; file systems hold times that a calendar does not."""
    return _EPOCH + timedelta(microseconds=min(max(file.mtime_ns // 1000, 0), _LAST_MICROSECOND))
