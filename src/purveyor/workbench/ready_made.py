"""The ready-made upstream: the index that clients on this machine install from when nobody tells them otherwise."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

from purveyor.workbench.configuration.found import Surroundings
from purveyor.workbench.configuration.reading import default_indexes
from purveyor.workbench.destination import is_loopback

_CONSTANTS = "pip._internal.models.index"


def url(surroundings: Surroundings, port: int) -> str | None:
    """As this machine's clients are set up, else as pip has it built in; None where neither says anything.

    Clients that install from the server on this machine's `port` do not count: that is who wants to know.
    """
    configured = (url for url, _ in default_indexes(surroundings) if not _is_own(url, port))
    return next(configured, None) or _built_in()


def _is_own(url: str, port: int) -> bool:
    parts = urlsplit(url)
    return is_loopback(parts.hostname or "") and parts.port == port


def _built_in() -> str | None:
    """From pip, be it installed or the one that Python brings along for new environments."""
    for module in _modules():
        found = getattr(getattr(module, "PyPI", None), "simple_url", None)
        if isinstance(found, str):
            return found
    return None


def _modules() -> Iterator[ModuleType]:
    with suppress(ImportError):
        yield importlib.import_module(_CONSTANTS)
    for wheel in _bundled():
        sys.path.insert(0, str(wheel))
        try:
            with suppress(ImportError):
                yield importlib.import_module(_CONSTANTS)
        finally:
            sys.path.remove(str(wheel))


def _bundled() -> list[Path]:
    spec = importlib.util.find_spec("ensurepip")
    return sorted((Path(spec.origin).parent / "_bundled").glob("pip-*.whl")) if spec and spec.origin else []
