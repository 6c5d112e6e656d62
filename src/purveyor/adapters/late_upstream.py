"""An upstream that is made when it is first asked."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from purveyor.interfaces import FetchedPage, FilePart, RemoteFile, Unchanged, Upstream, Validators
from purveyor.model.names import NormalizedName


class LateUpstream:
    def __init__(self, make: Callable[[], Upstream]) -> None:
        self._make = make
        self._made: Upstream | None = None
        self._turn = threading.Lock()

    def page(self, index_url: str, name: NormalizedName, known: Validators) -> FetchedPage | Unchanged | None:
        return self._there().page(index_url, name, known)

    def file(self, index_url: str, url: str) -> AbstractContextManager[RemoteFile]:
        return self._there().file(index_url, url)

    def part(self, index_url: str, url: str, start: int, length: int) -> FilePart | None:
        return self._there().part(index_url, url, start, length)

    def close(self) -> None:
        if self._made is not None:
            self._made.close()

    def _there(self) -> Upstream:
        with self._turn:
            if self._made is None:
                self._made = self._make()
            return self._made
