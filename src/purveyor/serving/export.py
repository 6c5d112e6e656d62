"""The index as plain files: the pages of the live server byte for byte, and the files where their links lead.

A reader who is at it while we export never finds a page that names a file which is not there: what is new comes in the order files, their
project's pages, list; what is gone goes the other way round. Whatever kills us, the next round completes.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, nullcontext, suppress
from itertools import count
from pathlib import Path
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from purveyor.errors import Misconfigured, Refused, StoreFailed
from purveyor.formats import simple_html, simple_json
from purveyor.formats.links import METADATA_SUFFIX, FileLink, file_path, read_file_path
from purveyor.formats.project_list import write_list
from purveyor.interfaces import BlobStore, Catalog
from purveyor.model.files import DistributionFile, parse_filename
from purveyor.model.names import NormalizedName, is_normalized
from purveyor.model.projects import ProjectDetail
from purveyor.serving.following import Follower
from purveyor.serving.static_tree import Standing, StaticTree

_FORMS = {"index.html": simple_html, "index.json": simple_json}
_TO_ROOT = "../../"  # how the links of a project's page begin
_POLL_SECONDS = 0.2
_LOOK_FOR_THE_DEAD = 25  # polls

Advance = Callable[[int], None]
Progress = Callable[[int], AbstractContextManager[Advance]]
"""Told how many projects are to be looked at, it gives what is told of each that is done."""


class Round(Struct):
    """What one round changed; nothing if the tree was there already."""

    serial: int
    projects: int = 0
    """Of which a page is another one."""
    projects_removed: int = 0
    files: int = 0
    bytes: int = 0
    files_removed: int = 0
    list: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.projects or self.projects_removed or self.files or self.files_removed or self.list)


class Exporter:
    """Brings `tree` to where the catalog stands. `data` is the data directory they come from, by which the tree knows whose it is."""

    def __init__(self, catalog: Catalog, blobs: BlobStore, tree: StaticTree, data: Path) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._tree = tree
        self._source = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:16]

    def round(self, progress: Progress = lambda _: nullcontext(lambda _: None)) -> Round:
        standing = self._standing()
        changes = self._catalog.changes_since(standing.serial)
        done = Round(changes.serial)
        if not changes.projects and not standing.under_way:
            return done
        self._tree.note(replace(standing, under_way=True))
        gone = set(self._strays()) if standing.under_way else set()
        with progress(len(changes.projects)) as advance:
            for name in sorted(changes.projects):
                if not self._bring(name, done, check=standing.under_way):
                    gone.add(name)
                advance(1)
        if changes.list_changed or standing.under_way:
            done.list = self._write_list(gone)
        for name in sorted(gone):
            self._forget(name, done)
        if standing.under_way:
            self._sweep(done)
        self._tree.note(Standing(self._source, changes.serial, self._catalog.fingerprint(changes.serial), under_way=False))
        return done

    def _standing(self) -> Standing:
        """Where to go on from: the beginning, if the journal is not the one that the tree has followed."""
        standing = self._tree.standing() or Standing(self._source)
        followed = standing.serial > 0 and self._catalog.fingerprint(standing.serial) == standing.entry
        if followed:
            return replace(standing, source=self._source)
        if standing.source != self._source:
            raise Misconfigured(
                f"{self._tree.root} is an export of another index; nothing was changed.",
                "Name that index's data directory with --data, or another directory to export to.",
            )
        # Nothing was finished yet, or an older state of the database was put back.
        return Standing(self._source)

    def _bring(self, name: NormalizedName, done: Round, *, check: bool) -> bool:
        """Files first, then the pages that name them, and then away with what these no longer name; False if there is no such project."""
        while (detail := self._catalog.project_detail(name)) is not None:
            wanted = _wanted(detail)
            if all(self._bring_file(path, wanted[path], done, check=check) for path in wanted):
                former = self._named(name)
                written = [self._tree.write(f"simple/{name}/{page}", [form.write_detail(detail)]) for page, form in _FORMS.items()]
                done.projects += any(written)
                self._remove(former - wanted.keys(), done)
                return True
        return False

    def _bring_file(self, path: str, file: DistributionFile, done: Round, *, check: bool) -> bool:
        """True once it is there; False if the file was removed from the index meanwhile."""
        metadata = path.endswith(METADATA_SUFFIX)
        sha256 = (metadata and file.metadata_sha256) or file.sha256
        if self._is_there(path, sha256, None if metadata else file.size, check=check):
            return True
        if self._tree.take(path, lambda target: self._copy(sha256, target)):
            done.files += not metadata
            done.bytes += 0 if metadata else file.size
            return True
        if self._catalog.file(file.filename) == file:
            raise StoreFailed(f"The content with sha256 {sha256} is missing.", "Restore the data directory from a backup.")
        return False

    def _is_there(self, path: str, sha256: str, size: int | None, *, check: bool) -> bool:
        """After a round that was cut short, by a power cut too, a file may be there without its content."""
        found = self._tree.size(path)
        if found is None or size is not None:
            return found == size and found is not None
        return not check or self._tree.sha256(path) == sha256

    def _copy(self, sha256: str, target: Path) -> bool:
        """From the store; from the database's log where it waits to be settled; and from the store if it was settled in between."""
        if self._blobs.copy_to(sha256, target):
            return True
        content = self._catalog.unsettled_blob(sha256)
        if content is None:
            return self._blobs.copy_to(sha256, target)
        target.write_bytes(content)
        return True

    def _write_list(self, gone: AbstractSet[NormalizedName]) -> bool:
        written = [self._tree.write(f"simple/{page}", write_list(form, self._listed(gone))) for page, form in _FORMS.items()]
        return any(written)

    def _listed(self, gone: AbstractSet[NormalizedName]) -> Iterator[tuple[NormalizedName, str]]:
        """Only what has its page and keeps it: a project that came, or came again, this very moment is the next round's."""
        for name, display_name in self._catalog.project_names():
            if name not in gone and self._tree.size(f"simple/{name}/index.json") is not None:
                yield name, display_name

    def _forget(self, name: NormalizedName, done: Round) -> None:
        named = self._named(name)
        removed = [self._tree.remove(f"simple/{name}/{page}") for page in _FORMS]
        done.projects_removed += any(removed)
        self._remove(named, done)

    def _remove(self, paths: set[str], done: Round) -> None:
        for path in sorted(paths):
            removed = self._tree.remove(path)
            done.files_removed += removed and not path.endswith(METADATA_SUFFIX)

    def _named(self, name: NormalizedName) -> set[str]:
        """The paths of the files that the project's page names; none if it cannot be read."""
        with suppress(ValueError, LookupError, TypeError):
            page = json.loads(self._tree.read(f"simple/{name}/index.json") or b"{}")
            paths = [unquote(file["url"]).removeprefix(_TO_ROOT) for file in page.get("files", ())]
            return {path + suffix for path in paths if read_file_path(path) for suffix in ("", METADATA_SUFFIX)}
        return set()

    def _strays(self) -> Iterator[NormalizedName]:
        """Projects that have pages in the tree and are none of the index's."""
        for name in self._tree.names("simple"):
            if is_normalized(name) and self._catalog.project_detail(name) is None:
                yield name

    def _sweep(self, done: Round) -> None:
        """Away with the files that a round which was cut short did not come to remove, and those that an older state of the index lacks."""
        for path in self._tree.files("packages"):
            link = read_file_path(path)
            # What was removed from the index a moment ago is named by a page that we wrote before: that is the next round's to change.
            if link and not self._offers(link) and path not in self._named(_project(link)):
                self._remove({path}, done)

    def _offers(self, link: FileLink) -> bool:
        file = self._catalog.file(link.filename)
        return file is not None and file.sha256 == link.sha256 and not (link.metadata and file.metadata_sha256 is None)


def _project(link: FileLink) -> NormalizedName:
    """Where a name is no distribution file's, any spelling will do: no page names it."""
    try:
        return parse_filename(link.filename).project
    except Refused:
        return canonicalize_name(link.filename)


def _wanted(detail: ProjectDetail) -> Mapping[str, DistributionFile]:
    """Every path that the project's pages lead to, percent-decoded as a web server does it, and the file that it belongs to."""
    wanted = {}
    for file in detail.files if detail.status.status.offers_files else ():
        path = unquote(file_path(file.sha256, file.filename))
        wanted[path] = file
        if file.metadata_sha256 is not None:
            wanted[path + METADATA_SUFFIX] = file
    return wanted


def wait_for_change(follower: Follower, mark: int) -> None:
    """Return once anything was committed after the follower stood at `mark`."""
    for poll in count(1):
        if follower.mark() != mark:
            return
        if poll % _LOOK_FOR_THE_DEAD == 0:
            follower.listen_for_the_dead()
        time.sleep(_POLL_SECONDS)
