"""Follows a served folder: what is dropped into it is visible within a second, what is taken out of it is gone.

It asks each directory when it last changed, which any file system can say, and lists those that did. What leaves no trace there, such as
a file that is overwritten in place, is found by looking at everything now and then.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

from purveyor.errors import PurveyorError, StoreFailed
from purveyor.interfaces import Folder, FolderFile, FolderIndex, Listing
from purveyor.model.names import NormalizedName
from purveyor.publishing.folder_inspection import FolderInspection, path_for_log

log = logging.getLogger("purveyor")

# What the first requests have for themselves, in seconds.
_HEAD_START = 0.2
# Between two looks at the directories, in seconds; where looking takes long, so many times as long as that.
_PAUSE = 0.05
_LONGEST_PAUSE = 0.6
_PATIENCE = 20
_LISTING_PATIENCE = 2
# With more new files than this at once, the directory is looked at as a whole.
_FEW = 100
# The same for looking at every file.
_FULL_PAUSE = 10.0
_FULL_PATIENCE = 100
# How long two changes may bear the same time: a few milliseconds where nanoseconds are kept, two seconds at worst where they are not.
_TICK_NS = 20_000_000
_COARSE_NS = 2_000_000_000
_SECOND_NS = 1_000_000_000
_UNSURE = -1


class FolderWatch:
    """`lead` says whether this process is the one that follows the folder; the others hear of its changes as of any."""

    def __init__(
        self, folder: Folder, index: FolderIndex, inspection: FolderInspection, lead: Callable[[], bool], now: Callable[[], datetime]
    ) -> None:
        self.folder = folder
        self._index = index
        self._inspection = inspection
        self._lead = lead
        self._now = now
        # Each directory, and its last change that the listing is sure to have shown.
        self._known: dict[str, int] = {}
        self._first = threading.Lock()
        self._looked = False
        self._next_look = 0.0
        self._inspected = ""
        self._patience = _PATIENCE
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._troubles: frozenset[str] = frozenset()
        self._unreadable: set[str] = set()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="folder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def look_first(self, project: NormalizedName | None) -> None:
        """Return once what is known of the project is what lies in the folder, or was moments ago; None stands for the list of projects."""
        if project is None:
            self._look_first_at_all()
            return
        if not self._looked:
            # Its own files are found by their names, long before everything has been looked at.
            self._check_folder()
            self._index.take_in_project(project, self.folder.files_of(project), self._is_there, self._now())
        self._inspection.inspect_project(project)

    def _look_first_at_all(self) -> None:
        with self._first:
            if not self._looked:
                self._look_at_all()

    def _run(self) -> None:
        self._stopping.wait(_HEAD_START)
        while not self._stopping.is_set():
            began, leading = time.monotonic(), True
            try:
                self._look_first_at_all()
                if leading := self._lead():
                    self._follow()
                troubles = frozenset[str]()
            except (PurveyorError, OSError) as error:
                troubles = frozenset((str(error),))
                self._next_look = 0.0  # what had been listed may not have been taken in
            except Exception:
                log.exception("The folder could not be looked at; it is tried again.")
                troubles, self._next_look = frozenset(), time.monotonic() + _FULL_PAUSE
            self._report(troubles)
            self._stopping.wait(self._pause(time.monotonic() - began) if leading else _LONGEST_PAUSE)

    def _pause(self, cost: float) -> float:
        """In seconds; none while files wait to be inspected."""
        if self._inspected and not self._troubles:
            return 0
        return min(max(_PAUSE, self._patience * cost), _LONGEST_PAUSE)

    def _follow(self) -> None:
        """One look: at everything if it is time for that, else at what has changed."""
        self._patience = _PATIENCE
        if time.monotonic() >= self._next_look:
            self._look_at_all()
        elif stale := self._stale():
            self._patience = _LISTING_PATIENCE
            whole = [found for directory in stale for found in self._amend(directory)]
            for project in self._index.take_in(self._walk(whole), self._is_there, self._now()) if whole else ():
                self._inspection.inspect_project(project)
        self._inspection.look_again()
        self._inspected = self._inspection.inspect_next(self._inspected)

    def _amend(self, directory: str) -> list[str]:
        """Take in what is new in the directory or gone from it; directories are returned that must be looked at as a whole."""
        try:
            listing = self._list(directory, self._index.inodes(directory))
        except OSError as error:
            self._report_unreadable(directory, error)
            return []
        files = [*islice(listing.files, _FEW + 1)]
        if len(files) > _FEW:
            return [directory]
        below = f"{directory}/" if directory else ""
        gone = [below + name for name in {*listing.gone} - {file.filename for file in files}]
        self._check_folder()
        for project in self._index.amend(files, gone, self._now()):
            self._inspection.inspect_project(project)
        return [found for found in listing.directories if found not in self._known]

    def _look_at_all(self) -> None:
        began = time.monotonic()
        self._known.clear()
        self._index.take_in(self._walk_everything(), self._is_there, self._now())
        now = time.monotonic()
        self._next_look = now + max(_FULL_PAUSE, _FULL_PATIENCE * (now - began))
        self._looked = True

    def _is_there(self, path: str) -> bool:
        """A file that lands has another name first, and is passed over by whoever lists the directory at that moment."""
        return self.folder.look(path) is not None

    def _stale(self) -> list[str]:
        self._check_folder()
        return [directory for directory, change in self._known.items() if self._changed_at(directory) != change]

    def _walk_everything(self) -> Iterator[tuple[str, Iterable[FolderFile]]]:
        yield from self._walk([""])
        for directory in self._index.directories():
            if directory not in self._known and self._changed_at(directory) is None:
                yield directory, ()

    def _walk(self, directories: list[str]) -> Iterator[tuple[str, Iterable[FolderFile]]]:
        """Each directory's files, and those of directories below it that were not known."""
        while directories:
            directory = directories.pop()
            try:
                listing = self._list(directory, {})
            except OSError as error:
                # Whatever was there may be there still.
                self._report_unreadable(directory, error)
                continue
            self._unreadable.discard(directory)
            yield directory, listing.files
            directories += [below for below in listing.directories if below not in self._known]
        # What was seen to be gone may have gone with the whole folder: then nothing of this counts.
        self._check_folder()

    def _report_unreadable(self, directory: str, error: OSError) -> None:
        if directory not in self._unreadable:
            self._unreadable.add(directory)
            log.warning("The directory %s of the folder cannot be read: %s.", path_for_log(directory or "."), error.strerror)

    def _list(self, directory: str, known: Mapping[str, int]) -> Listing:
        change = self.folder.changed_at(directory)
        if change is None:
            self._known.pop(directory, None)
            return Listing((), (), known.keys())
        age = abs(time.time_ns() - change)
        sure = age > (_TICK_NS if change % _SECOND_NS else _COARSE_NS)
        self._known[directory] = change if sure else _UNSURE
        return self.folder.listing(directory, known)

    def _changed_at(self, directory: str) -> int | None:
        """As the folder says; what it refuses to say has not changed."""
        try:
            return self.folder.changed_at(directory)
        except OSError:
            return self._known.get(directory, _UNSURE)

    def _check_folder(self) -> None:
        if self.folder.changed_at("") is None:
            raise StoreFailed("The folder that is served is gone.", "Bring it back; the server goes on from there.")

    def _report(self, troubles: frozenset[str]) -> None:
        """Once, however long it lasts."""
        for trouble in troubles - self._troubles:
            log.error("%s", trouble)
        self._troubles = troubles
