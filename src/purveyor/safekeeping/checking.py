"""`fsck`: every row has its blob, every blob its hash, the journal no gap, every page what the rows say."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby

from purveyor.interfaces import Audit, Catalog, NamedBlob, Originals, Role
from purveyor.model.indexes import IndexName
from purveyor.safekeeping.contents import State, metadata_in, state_of
from purveyor.safekeeping.findings import Code, Finding
from purveyor.safekeeping.page_check import page_faults

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Told what is looked at and how many there are, it gives what is told of each that is done."""

_MISSING = {Role.FILE: Code.FILE_MISSING, Role.METADATA: Code.METADATA_MISSING, Role.PROVENANCE: Code.PROVENANCE_MISSING}
_WRONG = {
    Role.FILE: Code.FILE_WRONG,
    Role.METADATA: Code.METADATA_WRONG,
    Role.PROVENANCE: Code.PROVENANCE_WRONG,
    Role.COPY: Code.COPY_WRONG,
}
_WHAT = {
    Role.FILE: "The content of {name}",
    Role.METADATA: "The metadata of {name}",
    Role.PROVENANCE: "The provenance of {name}",
    Role.COPY: "The copy of a file of an upstream",
}


def no_progress(_label: str, _size: int) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda _count: None)


class Checker:
    """Reads, and changes nothing. What looks wrong is looked at twice: a server may be writing meanwhile."""

    def __init__(self, audit: Audit, catalog: Catalog, originals: Originals, *, quick: bool = False) -> None:
        self._audit = audit
        self._catalog = catalog
        self._originals = originals
        self._quick = quick
        self.checked = 0
        """Blobs that rows name."""
        self.gone = 0
        """Contents of deleted files that are not there: those cannot be restored, only uploaded again."""

    def findings(self, progress: Progress = no_progress) -> Iterator[Finding]:
        for fault in self._audit.engine_faults(quick=self._quick):
            yield Finding(Code.DATABASE_DAMAGED, f"The database says of itself: {fault}.")
        yield from self._journal()
        yield from self._rows()
        yield from self._unsettled()
        yield from self._contents(progress)
        yield from self._pages(progress)

    def _journal(self) -> Iterator[Finding]:
        for first, last in self._audit.journal_gaps():
            entries = f"entry {first} is" if first == last else f"entries {first} to {last} are"
            yield Finding(Code.JOURNAL_GAP, f"The journal has a gap: {entries} not there.")

    def _rows(self) -> Iterator[Finding]:
        for wrong in self._audit.wrong_serials():
            what = f"{wrong.project} on {wrong.index} has the serial {wrong.serial}, but the newest entry about it is {wrong.newest}."
            yield Finding(Code.SERIAL_WRONG, what, wrong.index, wrong.project)
        for index, name in self._audit.homeless_files():
            yield Finding(Code.ROW_WITHOUT_OWNER, f"{name} belongs to a project or an index that is not there.", index, filename=name)

    def _unsettled(self) -> Iterator[Finding]:
        for sha256, content in self._audit.unsettled():
            if hashlib.sha256(content).hexdigest() != sha256:
                yield Finding(Code.UNSETTLED_WRONG, f"What waits to be settled as {sha256} has another hash.", sha256=sha256)

    def _contents(self, progress: Progress) -> Iterator[Finding]:
        with progress("Contents", self._audit.count_named()) as advance:
            for sha256, group in groupby(self._audit.named_blobs(), key=lambda named: named.sha256):
                names = list(group)
                self.checked += 1
                yield from self._content(sha256, names)
                advance(len(names))

    def _content(self, sha256: str, names: Sequence[NamedBlob]) -> Iterator[Finding]:
        # Rows that give one content two sizes cannot both be right.
        sizes = {named.size for named in names if named.size is not None}
        state = self._state(sha256, next(iter(sizes)) if len(sizes) == 1 else None)
        if len(sizes) > 1:
            state = State.WRONG
        if state is State.RIGHT:
            if not self._quick:
                yield from self._core_metadata(sha256, names)
            return
        there = set(self._audit.names_of(sha256))
        for named in names:
            if named not in there:
                continue
            if named.role is Role.DELETED:
                self.gone += 1
            elif state is State.WRONG or named.role is not Role.COPY:
                yield _finding(named, state)

    def _state(self, sha256: str, size: int | None) -> State:
        """From the store; else from the database, where it waits to be settled; and from the store if it was settled in between."""
        state = state_of(self._originals, sha256, size, quick=self._quick)
        if state is not State.MISSING:
            return state
        content = self._catalog.unsettled_blob(sha256)
        if content is None:
            return state_of(self._originals, sha256, size, quick=self._quick)
        return State.RIGHT if hashlib.sha256(content).hexdigest() == sha256 and size in (None, len(content)) else State.WRONG

    def _core_metadata(self, sha256: str, names: Sequence[NamedBlob]) -> Iterator[Finding]:
        files = [named for named in names if named.role is Role.FILE]
        if not files:
            return
        blob = self._originals.open(sha256)
        if blob is None:  # not settled yet: it was looked into a moment ago
            return
        with blob:
            metadata = metadata_in(blob, files[0].filename)
        if metadata is None:
            return
        right = hashlib.sha256(metadata).hexdigest()
        for named in files:
            file = self._catalog.file(named.filename, named.index)
            if file is not None and file.sha256 == sha256 and file.metadata_sha256 not in (None, right):
                what = f"The metadata that {named.index} offers for {named.filename} is not that in the file."
                yield Finding(Code.METADATA_DIFFERS, what, named.index, named.project, named.filename, sha256)

    def _pages(self, progress: Progress) -> Iterator[Finding]:
        projects = list(self._audit.projects())
        with progress("Pages", len(projects)) as advance:
            for index, name in projects:
                detail = self._catalog.project_detail(name, index)
                for fault in page_faults(detail) if detail is not None else ():
                    yield Finding(Code.PAGE_WRONG, f"The page of {name} on {index}: {fault}", index, name)
                advance(1)


def _finding(named: NamedBlob, state: State) -> Finding:
    what = _WHAT[named.role].format(name=f"{named.filename} on {named.index}")
    said = "is not in the store" if state is State.MISSING else "is not what it should be"
    code = (_MISSING if state is State.MISSING else _WRONG)[named.role]
    return Finding(code, f"{what} {said} (sha256 {named.sha256}).", named.index, named.project, named.filename, named.sha256)


def lost_uploads(ledger: Iterable[tuple[str, str]], catalog: Catalog, indexes: Sequence[IndexName]) -> Iterator[Finding]:
    """Of what was acknowledged, by filename and sha256: what no index offers with that hash, nor has deleted since."""
    for filename, sha256 in ledger:
        if not any(_has(catalog, index, filename, sha256) for index in indexes):
            yield Finding(Code.UPLOAD_LOST, f"{filename} was acknowledged with sha256 {sha256} and is not offered.", filename=filename)


def _has(catalog: Catalog, index: IndexName, filename: str, sha256: str) -> bool:
    file = catalog.file(filename, index)
    return file is not None and file.sha256 == sha256
