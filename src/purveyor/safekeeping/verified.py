"""Which contents were found right at their new place: a file that a run which goes on reads again."""

import fcntl
from pathlib import Path
from types import TracebackType
from typing import Self

from purveyor.errors import Misconfigured

_LENGTH = 64


class VerifiedFile:
    """A digest a line. One that a crash has lost is looked at once more, and no harm done."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[str] = set()

    def __enter__(self) -> Self:
        self._path.parent.mkdir(exist_ok=True, mode=0o700)
        self._file = self._path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise Misconfigured("Another process is moving this index at this moment.", "Wait for it.") from None
        self._file.seek(0)
        self._known = {line[:-1] for line in self._file if len(line) == _LENGTH + 1}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        self._file.close()

    def __contains__(self, sha256: object, /) -> bool:
        return sha256 in self._known

    def add(self, sha256: str, /) -> None:
        self._known.add(sha256)
        self._file.write(f"{sha256}\n")

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)
