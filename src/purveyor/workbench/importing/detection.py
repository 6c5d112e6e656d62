"""Which kind of source a directory or a URL is."""

import threading
from collections.abc import Sequence
from pathlib import Path

from purveyor.errors import Misconfigured
from purveyor.workbench.destination import Destination
from purveyor.workbench.importing.devpi import EXPORT, FILES, DevpiExport, DevpiServer
from purveyor.workbench.importing.folders import Folder
from purveyor.workbench.importing.offers import Source
from purveyor.workbench.importing.static_tree import StaticTree, simple_directory


def source_at(place: str, stop: threading.Event, *, devpi_indexes: Sequence[str] = (), everything: bool = False) -> Source:
    """The source at a path or URL. Raises `Misconfigured` where there is none, `IndexUnreachable` where no index answers."""
    if "://" in place:
        return _index(place, stop, everything=everything)
    root = Path(place)
    if not root.is_dir():
        raise Misconfigured(f"{place} is no directory.", "Name a directory, or a URL such as http://127.0.0.1:8080/simple/.")
    return _directory(root, devpi_indexes)


def _directory(root: Path, devpi_indexes: Sequence[str]) -> Source:
    if (root / EXPORT).is_file():
        return DevpiExport(root, devpi_indexes)
    if (root / FILES).is_dir():
        return DevpiServer(root, devpi_indexes)
    if devpi_indexes:
        raise Misconfigured(f"{root} is neither a devpi export nor a devpi server's directory.", "Leave --devpi-index out.")
    simple = simple_directory(root)
    return StaticTree(root, simple) if simple is not None else Folder(root)


def _index(place: str, stop: threading.Event, *, everything: bool) -> Source:
    from purveyor.workbench.importing.asking import netrc_credentials  # noqa: PLC0415 - directories need no HTTP
    from purveyor.workbench.importing.index import Index  # noqa: PLC0415 - likewise

    given = Destination.of(upload_url=place)
    url = f"{given.upload_url.rstrip('/')}/"
    return Index(url, given.credentials or netrc_credentials(url), stop, everything=everything)
