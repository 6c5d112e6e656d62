"""Why an index does not have a project: it never had it, or has it under another name."""

import shlex
from difflib import get_close_matches
from urllib.parse import quote

from packaging.utils import canonicalize_name

from purveyor.model.names import NormalizedName, is_valid
from purveyor.workbench.diagnosis.findings import Finding
from purveyor.workbench.diagnosis.wording import install, shown

MOST_NAMES = 20_000
"""A list longer than this is a public one; to compare with each of its names would take seconds and suggest strangers."""


def absent(url: str, name: NormalizedName, names: tuple[str, ...] | None) -> Finding:
    """The finding for a page that is not there; `names` is the index's list, None where it was not read whole."""
    # What is no name is not repeated: the commands below are for a shell.
    names = tuple(filter(is_valid, names)) if names is not None and len(names) <= MOST_NAMES else ()
    for other in names:
        if canonicalize_name(other) == name:
            return _not_normalized(url, name, other)
    for other in names:
        if _letters(other) == _letters(name):
            return _named_otherwise(url, name, other)
    near = get_close_matches(name, [canonicalize_name(other) for other in names], n=3, cutoff=0.75)
    return Finding(
        "project-missing",
        f"{url} has no project {name}.",
        f"There is {shown(near)}: perhaps that is meant." if near else "It was not published to this index, or its name is another.",
        f"Install {near[0]}, or publish {name} from its directory." if near else f"Publish {name} from its directory.",
        install(url, near[0]) if near else f"purveyor publish --index-url {shlex.quote(url)}",
    )


def _not_normalized(url: str, name: NormalizedName, other: str) -> Finding:
    return Finding(
        "project-not-normalized",
        f"{url} lists {other}, but has no page {name}/.",
        f"Installers ask for the normalized name, and this server knows only the directory {quote(other)}/.",
        f"Rename that directory to {name}, or serve the files with an index, which knows every spelling.",
        f"mv {shlex.quote(other)} {name}",
    )


def _named_otherwise(url: str, name: NormalizedName, other: str) -> Finding:
    return Finding(
        "project-name-differs",
        f"{url} has no project {name}, but it has {other}.",
        "Case, and which of '-', '_' and '.' separates two words, do not count in a name; whether anything does, counts.",
        f"Write {other}.",
        install(url, other),
    )


def _letters(name: str) -> str:
    return canonicalize_name(name).replace("-", "")
