"""Remote indexes with each request to them counted by what came of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from purveyor.interfaces import Around, FetchedPage, FilePart, RemoteFile, Unchanged, Upstream, Validators, unwatched
from purveyor.model.names import NormalizedName
from purveyor.model.tally import Tally


class CountedUpstream:
    """As `upstream`; counts `page` as changed, unchanged, absent or failed, `file` as fetched or failed, `part` also as refused."""

    def __init__(self, upstream: Upstream, tally: Tally, around: Around = unwatched) -> None:
        self._upstream = upstream
        self._tally = tally
        self._around = around

    def page(self, index_url: str, name: NormalizedName, known: Validators) -> FetchedPage | Unchanged | None:
        outcome = "failed"
        try:
            with self._around("upstream page"):
                answer = self._upstream.page(index_url, name, known)
            outcome = _outcome(answer)
        finally:
            self._tally.add("upstream", "page", outcome)
        return answer

    @contextmanager
    def file(self, index_url: str, url: str) -> Iterator[RemoteFile]:
        """Failed is also what was given up halfway, by whichever side."""
        outcome = "failed"
        try:
            with self._around("upstream file"), self._upstream.file(index_url, url) as remote:
                yield remote
            outcome = "fetched"
        finally:
            self._tally.add("upstream", "file", outcome)

    def part(self, index_url: str, url: str, start: int, length: int) -> FilePart | None:
        outcome = "failed"
        try:
            with self._around("upstream part"):
                part = self._upstream.part(index_url, url, start, length)
            outcome = "fetched" if part is not None else "refused"
        finally:
            self._tally.add("upstream", "part", outcome)
        return part

    def close(self) -> None:
        self._upstream.close()


def _outcome(answer: FetchedPage | Unchanged | None) -> str:
    if answer is None:
        return "absent"
    return "unchanged" if isinstance(answer, Unchanged) else "changed"
