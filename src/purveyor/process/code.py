"""Which code a server runs: to tell whether what is installed has changed since it started."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from msgspec import Struct


class Code(Struct, frozen=True):
    """A directory of modules, and a fingerprint of their names, sizes and times."""

    directory: Path
    fingerprint: str

    @property
    def has_changed(self) -> bool:
        """Whether a server that runs this code would run other code if it were started again."""
        return code_in(self.directory).fingerprint != self.fingerprint


def own_code() -> Code:
    return code_in(Path(__file__).parents[1])


def code_in(directory: Path) -> Code:
    lines = sorted(_modules(directory))
    return Code(directory, sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:16])


def _modules(directory: Path) -> Iterator[str]:
    for above, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(above, name)  # noqa: PTH118 - a hundred files at each start: Path costs twice as much
                try:
                    found = os.stat(path)  # noqa: PTH116 - as above
                except OSError:
                    continue
                yield f"{path[len(str(directory)) :]} {found.st_size} {found.st_mtime_ns}"
