"""An index's settings as a JSON document: in the catalog, over HTTP, and as `purveyor index show --json` prints them."""

from collections.abc import Mapping
from typing import Any

from purveyor.errors import Refused
from purveyor.formats.demands_document import read_demands, write_demands
from purveyor.formats.policy_document import read_policy, write_policy
from purveyor.model.indexes import DEFAULT, PYPI, Index, IndexName, ModeFor, upstream_name
from purveyor.model.patterns import NamePattern

_LISTS = ("upstreams", "reserved", "mixed", "modes")
_FLAGS = ("volatile",)
_OBJECTS = ("policy", "demands")


def write_index(index: Index) -> dict[str, Any]:
    return {
        "upstreams": list(index.upstreams),
        "reserved": [pattern.text for pattern in index.reserved],
        "mixed": [pattern.text for pattern in index.mixed],
        "modes": list(map(str, index.modes)),
        "volatile": index.volatile,
        "policy": write_policy(index.policy),
        "demands": write_demands(index.demands),
    }


def read_index(name: IndexName, document: Mapping[str, Any]) -> Index:
    """Raises `Refused` with every complaint; what the document does not mention is as in an index without settings."""
    complaints = [*_unknown(document), *_mistyped(document)]
    if complaints:
        raise Refused(complaints)
    return Index(
        name,
        upstreams=tuple(map(upstream_name, document.get("upstreams", (PYPI,) if name == DEFAULT else ()))),
        reserved=tuple(map(NamePattern, document.get("reserved", ()))),
        mixed=tuple(map(NamePattern, document.get("mixed", ()))),
        modes=tuple(map(ModeFor.read, document.get("modes", ()))),
        volatile=document.get("volatile", False),
        policy=read_policy(document.get("policy", {})),
        demands=read_demands(document.get("demands", {})),
    )


def _unknown(document: Mapping[str, Any]) -> list[str]:
    return [f"An index has no setting {key!r}." for key in document if key not in (*_LISTS, *_FLAGS, *_OBJECTS)]


def _mistyped(document: Mapping[str, Any]) -> list[str]:
    faults = [f"{key} must be a list of texts." for key in _LISTS if not _is_texts(document.get(key, []))]
    faults += [f"{key} must be an object." for key in _OBJECTS if not isinstance(document.get(key, {}), dict)]
    return faults + [f"{key} must be true or false." for key in _FLAGS if not isinstance(document.get(key, False), bool)]


def _is_texts(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)
