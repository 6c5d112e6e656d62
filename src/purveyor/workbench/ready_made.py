"""The ready-made upstream: the index that clients on this machine install from when nobody tells them otherwise."""

import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType

# In the order in which they count; uv's older name goes last.
_VARIABLES = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
_CONSTANTS = "pip._internal.models.index"


def url(environ: Mapping[str, str] = os.environ) -> str | None:
    """As this machine's clients are set up, else as pip has it built in; None where neither says anything."""
    configured = next((environ[variable] for variable in _VARIABLES if environ.get(variable)), None)
    if configured is not None:
        # uv's variables may give the index a name: NAME=URL.
        return configured if "=" not in configured.partition("://")[0] else configured.partition("=")[2]
    return _built_in()


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
