"""A project list in either form: its beginning, entries in stretches, its end; so that a million never stand in memory as one text."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

from purveyor.model.names import NormalizedName

Name = tuple[NormalizedName, str]
"""A project's normalised and display name."""

_NAMES_A_STRETCH = 512


class ListForm(Protocol):
    """What `simple_json` and `simple_html` have for it."""

    LIST_BEGIN: bytes
    LIST_SEPARATOR: bytes
    LIST_END: bytes

    def write_names(self, projects: Iterable[Name]) -> bytes: ...


def write_list(form: ListForm, projects: Iterable[Name]) -> Iterator[bytes]:
    """The whole list in pieces."""
    yield form.LIST_BEGIN
    separator = b""
    for stretch in stretches(projects):
        yield separator + form.write_names(stretch)
        separator = form.LIST_SEPARATOR
    yield form.LIST_END


def stretches(projects: Iterable[Name]) -> Iterator[list[Name]]:
    """The names, a stretch at a time; the last is up to twice as long, so that none is short where there are more."""
    names = iter(projects)
    stretch = list(islice(names, 2 * _NAMES_A_STRETCH))
    while len(stretch) == 2 * _NAMES_A_STRETCH:
        yield stretch[:_NAMES_A_STRETCH]
        stretch = stretch[_NAMES_A_STRETCH:] + list(islice(names, _NAMES_A_STRETCH))
    if stretch:
        yield stretch
