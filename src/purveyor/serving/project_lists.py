"""Project lists, each made of the one before: only stretches of names in which something has changed are read and written again.

So a new project costs the next request for the list of a large index hardly more than sending it.
"""

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from purveyor.formats import simple_html, simple_json
from purveyor.formats.project_list import ListForm, Name, stretches
from purveyor.formats.representation import JSON
from purveyor.interfaces import Catalog
from purveyor.model.indexes import IndexName
from purveyor.model.journal import Changes
from purveyor.serving.bodies import Body, collect, part, pieces
from purveyor.serving.following import Follower
from purveyor.serving.offers import Offers

# Lists that are remembered; they lie in files, or are short.
_STANDING = 16


class Stretch(Struct, frozen=True):
    """Entries from the name `first` on, until the next stretch begins: where they stand in the list."""

    first: str
    offset: int
    length: int


class Standing(Struct):
    """A list as it was made, with all changes up to `serial` and perhaps later ones; the names in `changed` are not what they were."""

    changed: set[str]
    serial: int = 0
    body: Body = b""
    stretches: tuple[Stretch, ...] = ()


class ProjectLists:
    """Unless `journaled`, where a list may change without an entry in the journal, each is made whole every time."""

    def __init__(self, catalog: Catalog, offers: Offers, follower: Follower, folder: Path, *, journaled: bool = True) -> None:
        self._catalog = catalog
        self._offers = offers
        self._follower = follower
        self._folder = folder
        self._journaled = journaled
        self._standing: OrderedDict[tuple[IndexName, bool], Standing] = OrderedDict()
        self._noted = 0
        self._turn = threading.Lock()
        follower.tell(self._note)

    def make(self, index: IndexName, media_type: str) -> tuple[Body, str, int]:
        """The list as it is now, a digest of it, and a serial up to which it has every change."""
        key = (index, media_type == JSON)
        form: ListForm = simple_json if media_type == JSON else simple_html
        with self._turn:
            new = Standing(set(), self._catalog.serial())
            before = self._exchange(key, new)
            made: list[Stretch] = []
            try:
                new.body, digest = collect(self._written(index, form, before, made), self._folder)
            except BaseException:
                self._exchange(key, None)
                raise
            new.stretches = tuple(made)
        return new.body, digest, new.serial

    def _exchange(self, key: tuple[IndexName, bool], new: Standing | None) -> Standing | None:
        """The new one in place of the one before: what is noted from here on is for the next time, as rows are read only now."""
        with self._follower.turn:
            before = self._standing.pop(key, None)
            if new is not None and before is not None:
                new.serial = max(before.serial, self._noted)
            if new is not None and self._journaled:
                self._standing[key] = new
                if len(self._standing) > _STANDING:
                    self._standing.popitem(last=False)
        return before

    def _note(self, changes: Changes) -> None:
        """Called under the follower's turn."""
        self._noted = max(self._noted, changes.serial)
        if changes.everything:
            self._standing.clear()
        for standing in self._standing.values() if changes.listed else ():
            standing.changed |= changes.listed

    def _written(self, index: IndexName, form: ListForm, before: Standing | None, made: list[Stretch]) -> Iterator[bytes]:
        yield form.LIST_BEGIN
        offset = len(form.LIST_BEGIN)
        for first, length, content in self._contents(index, form, before):
            if made:
                yield form.LIST_SEPARATOR
                offset += len(form.LIST_SEPARATOR)
            made.append(Stretch(first, offset, length))
            offset += length
            yield from content
        yield form.LIST_END

    def _contents(self, index: IndexName, form: ListForm, before: Standing | None) -> Iterator[tuple[str, int, Iterable[bytes]]]:
        """Every stretch: where it begins, its length, and its bytes, copied or written anew."""
        if before is None or not before.stretches:
            yield from _new(form, self._offers.names(index))
            return
        old = before.stretches
        firsts = [stretch.first for stretch in old]
        touched = {max(0, bisect_right(firsts, name) - 1) for name in before.changed}
        for number, stretch in enumerate(old):
            if number in touched:
                until = firsts[number + 1] if number + 1 < len(old) else None
                yield from _new(form, self._offers.names_between(index, stretch.first if number else "", until))
            else:
                yield stretch.first, stretch.length, pieces(part(before.body, stretch.offset, stretch.length))


def _new(form: ListForm, names: Iterable[Name]) -> Iterator[tuple[str, int, Iterable[bytes]]]:
    for stretch in stretches(names):
        written = form.write_names(stretch)
        yield stretch[0][0], len(written), (written,)
