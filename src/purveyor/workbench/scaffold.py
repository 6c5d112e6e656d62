"""A new project: the fewest files with which it builds, installs and passes its test at once."""

import keyword
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from purveyor.errors import Conflict, Misconfigured, Refused
from purveyor.model import names

VERSION = "0.1.0"
PRIVATE_LICENSE = "LicenseRef-Proprietary"

# Directories that a project or its tools make beside the import package.
_TAKEN = frozenset({"tests", "src", "dist", "build", "docs"})


class Layout(StrEnum):
    SRC = "src"
    FLAT = "flat"


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project that has been written; `files` are relative to `directory`."""

    name: str
    import_name: str
    directory: Path
    files: tuple[str, ...]


def create(name: str, directory: Path, layout: Layout = Layout.SRC, license_expression: str = "") -> NewProject:
    """Write the project `name` into `directory`, which must not exist or hold nothing but a `.git`.

    `license_expression` is an SPDX expression; without one the project is marked as private.
    Raises `Misconfigured` for a name or licence that cannot be used and `Conflict` for a directory in use.
    """
    import_name = import_name_of(name)
    files = _files(name, import_name, layout, _license(license_expression))
    _refuse_in_use(directory)
    for path, text in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    return NewProject(name, import_name, directory, tuple(files))


def import_name_of(name: str) -> str:
    """What the project will be imported as; raises `Misconfigured` if it could or should not be."""
    try:
        import_name = names.normalize(name).replace("-", "_")
    except Refused as error:
        raise Misconfigured(str(error), "Choose another name; PATH, after it, says where the project goes.") from None
    reason = _why_not(import_name)
    if reason:
        raise Misconfigured(f"The project {name!r} would be imported as {import_name!r}, {reason}.", "Choose another name.")
    return import_name


def _why_not(import_name: str) -> str:
    if not import_name.isidentifier():
        return "which is no name in Python because it begins with a digit"
    if keyword.iskeyword(import_name):
        return "which is a keyword of Python"
    if import_name in sys.stdlib_module_names:
        return "which is a module of the standard library and would hide it or be hidden by it"
    if import_name in _TAKEN:
        return "which is a directory that projects use for something else"
    return ""


def _license(expression: str) -> str:
    try:
        return canonicalize_license_expression(expression or PRIVATE_LICENSE)
    except InvalidLicenseExpression as error:
        raise Misconfigured(
            f"{expression!r} is not an SPDX license expression ({str(error).rstrip('.')}).",
            "Give one such as MIT, Apache-2.0 or LicenseRef-Proprietary.",
        ) from None


def _refuse_in_use(directory: Path) -> None:
    remedy = "Choose another directory: `purveyor new NAME PATH`."
    if directory.exists() and not directory.is_dir():
        raise Conflict(f"{directory} exists and is not a directory.", remedy)
    if directory.is_dir() and (inside := sorted(path.name for path in directory.iterdir() if path.name != ".git")):
        raise Conflict(f"{directory} is not empty: it has {inside[0]} in it; nothing was written.", remedy)


def _files(name: str, import_name: str, layout: Layout, license_expression: str) -> dict[str, str]:
    root = "src/" if layout is Layout.SRC else ""
    return {
        "pyproject.toml": _pyproject(name, import_name, layout, license_expression),
        "README.md": _README.format(name=name, import_name=import_name),
        ".gitignore": "/dist/\n/.venv/\n__pycache__/\n",
        f"{root}{import_name}/__init__.py": _MODULE.format(name=name, version=VERSION),
        f"{root}{import_name}/py.typed": "",
        f"tests/test_{import_name}.py": _TEST.format(import_name=import_name),
    }


def _pyproject(name: str, import_name: str, layout: Layout, license_expression: str) -> str:
    return _PYPROJECT.format(
        name=name,
        import_name=import_name,
        script=names.normalize(name),
        path="src" if layout is Layout.SRC else ".",
        license_expression=license_expression,
        classifiers=_PRIVATE if license_expression == PRIVATE_LICENSE else "",
    )


# flit_core has no dependencies of its own: where builds get their backend from a closed index, one small wheel will do.
_PYPROJECT = """\
[build-system]
requires = ["flit_core>=3.12"]
build-backend = "flit_core.buildapi"

[project]
name = "{name}"
description = "What {name} is for, in one sentence."
readme = "README.md"
requires-python = ">=3.11"
license = "{license_expression}"
{classifiers}dependencies = []
dynamic = ["version"]  # it stands in {import_name}/__init__.py, once

[project.scripts]
{script} = "{import_name}:main"

[dependency-groups]
test = ["pytest"]

[tool.flit.module]
name = "{import_name}"

[tool.flit.sdist]
include = ["tests/"]

[tool.pytest.ini_options]
pythonpath = ["{path}"]
testpaths = ["tests"]
"""

_PRIVATE = 'classifiers = ["Private :: Do Not Upload"]  # the public index refuses it, should it ever get there\n'

_README = """\
# {name}

What {name} is for, in one sentence.

```python
import {import_name}

print({import_name}.greeting())
```
"""

_MODULE = '''\
"""What {name} is for, in one sentence."""

__version__ = "{version}"


def greeting() -> str:
    return f"Hello from {name} {{__version__}}"


def main() -> None:
    """The command of the same name."""
    print(greeting())
'''

_TEST = """\
import {import_name}


def test_the_greeting_names_the_version() -> None:
    assert {import_name}.__version__ in {import_name}.greeting()
"""
