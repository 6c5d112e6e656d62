"""Core metadata (PyPUG "Core metadata"): parsed leniently, then validated where an installer would stumble."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from packaging.utils import canonicalize_name

from purveyor.errors import Refused
from purveyor.formats.inspection import shown
from purveyor.model.files import parse_version
from purveyor.model.names import NormalizedName, is_valid, normalize

if TYPE_CHECKING:
    from packaging.metadata import RawMetadata

# 2.0 was never accepted as a standard, but wheels of 2012 to 2018 state it.
_KNOWN = ("1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6")
_VERSION = re.compile(r"([12])\.([0-9]{1,3})\Z", re.ASCII)
_STATIC_FROM = (2, 2)
_LICENSE_FILES_FROM = (2, 4)
# What decides how a release is resolved; an sdist whose backend may still change one of them promises nothing.
_DECISIVE = frozenset({"requires-dist", "requires-python", "provides-extra"})

_FIELD = re.compile(rb"^([^:\s]+)[ \t]*:", re.MULTILINE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_REQUIRES_DIST = re.compile(rb"^Requires-Dist:[ \t]*([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_DEPENDENCY = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,199}(?![A-Za-z0-9._-])")
_LICENSE_FILE = re.compile(rb"^License-File:[ \t]*([^\r\n]*?)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_METADATA_VERSION = re.compile(rb"^Metadata-Version:[ \t]*2\.([0-9]{1,3})[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
# The parser looks for each name among all fields: without a limit, a small file costs minutes.
_FIELD_LIMIT = 10_000
_NAME_LIMIT = 200
# Nested parentheses are parsed by recursion, digits in quadratic time.
_VALUE_LIMIT = 4_000
_SINGLE = ("metadata-version", "name", "version", "requires-python", "license-expression")
_DECODED = (*_SINGLE, "requires-dist", "provides-extra", "dynamic", "license-file")


class CoreMetadata(Struct, frozen=True):
    """What the index uses of a file's metadata. `dynamic` is in lower case; the rest is as the file spells it."""

    metadata_version: str
    name: str
    version: str
    requires_python: str | None = None
    summary: str | None = None
    license_files: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()
    import_names: tuple[str, ...] = ()
    requires_dist: tuple[str, ...] = ()

    @property
    def is_static_for_resolution(self) -> bool:
        """Whether an sdist's PKG-INFO may be offered as its metadata: what resolvers ask for is final (PEP 643)."""
        return _version_pair(self.metadata_version) >= _STATIC_FROM and not _DECISIVE.intersection(self.dynamic)


def read_core_metadata(data: bytes) -> CoreMetadata:
    """Raises `Refused` with every complaint. Unknown fields and an unknown minor version are no complaint."""
    metadata, faults = read_old_core_metadata(data)
    if faults:
        raise Refused(faults)
    return metadata


def read_old_core_metadata(data: bytes) -> tuple[CoreMetadata, tuple[str, ...]]:
    """The same for a file that was published long ago and cannot be mended: raises `Refused` only where it is unclear which file it is.

    Every other complaint is returned. An invalid Requires-Python is left out of the result, as no client could use it.
    """
    _check_flood(data)
    raw, unparsed = _parse(data)
    if complaints := [*_repeated(unparsed), *_essential_faults(raw, unparsed)]:
        raise Refused(complaints)
    requires_python = None if any(_requires_python_faults(raw)) else raw.get("requires_python")
    return _core_metadata(raw, unparsed, requires_python=requires_python), tuple(_field_faults(raw))


def _core_metadata(raw: "RawMetadata", unparsed: dict[str, list[str]], *, requires_python: str | None) -> CoreMetadata:
    return CoreMetadata(
        metadata_version=raw["metadata_version"],
        name=raw["name"],
        version=raw["version"],
        requires_python=requires_python or None,
        summary=raw.get("summary"),
        license_files=tuple(raw.get("license_files", ())),
        dynamic=tuple(field.lower() for field in raw.get("dynamic", ())),
        # packaging knows this field since 26.0; before, it is among the unknown ones.
        import_names=tuple(raw.get("import_names", unparsed.get("import-name", ()))),
        requires_dist=tuple(raw.get("requires_dist", ())),
    )


def promised_license_files(data: bytes) -> list[str]:
    """The paths of License-File fields where they bind (2.4 and later); a quick look, before anything is validated."""
    head = _head(data)
    version = _METADATA_VERSION.search(head)
    if version is None or int(version[1]) < _LICENSE_FILES_FROM[1]:
        return []
    return [path.decode("utf-8", "replace") for path in _LICENSE_FILE.findall(head)]


def certain_dependencies(data: bytes) -> list[NormalizedName]:
    """Projects that are needed in every environment, without any extra, and from an index; a quick look, before anything is validated."""
    stated = (line for line in _REQUIRES_DIST.findall(_head(data)) if len(line) <= _VALUE_LIMIT and b";" not in line and b"@" not in line)
    names = (match[0].decode() for line in stated if (match := _DEPENDENCY.match(line)))
    return [canonicalize_name(name) for name in names if is_valid(name)]


def metadata_version_fault(text: str) -> str | None:
    """PyPUG "Metadata-Version": a greater major version is refused, a greater minor one is read all the same."""
    if text in _KNOWN or ((match := _VERSION.match(text)) and match[1] == "2"):
        return None
    return f"The metadata version {shown(text)} is not known; the newest is {_KNOWN[-1]}."


def _version_pair(text: str) -> tuple[int, int]:
    match = _VERSION.match(text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _head(data: bytes) -> bytes:
    blank = _BLANK_LINE.search(data)
    return data[: blank.start()] if blank else data


def _check_flood(data: bytes) -> None:
    names = _FIELD.findall(_head(data))
    if len(names) > _FIELD_LIMIT or len(set(names)) > _NAME_LIMIT:
        raise Refused(f"The core metadata has more than {_FIELD_LIMIT} fields, or more than {_NAME_LIMIT} different ones.")


def _parse(data: bytes) -> "tuple[RawMetadata, dict[str, list[str]]]":
    from packaging.metadata import parse_email  # noqa: PLC0415 - costs 100 ms, which starting a server does not have

    try:
        return parse_email(data)
    except (ValueError, LookupError, RecursionError, AttributeError, TypeError):
        raise Refused("The core metadata cannot be read as e-mail headers in UTF-8.") from None


def _repeated(unparsed: dict[str, list[str]]) -> Iterator[str]:
    for field in _DECODED:
        if field in unparsed:
            yield f"The core metadata has the field {field.title()} twice, or not in UTF-8."


def _essential_faults(raw: "RawMetadata", unparsed: dict[str, list[str]]) -> Iterator[str]:
    checks: tuple[tuple[str, Callable[[str], Any]], ...] = (
        ("metadata_version", _check_metadata_version),
        ("name", normalize),
        ("version", parse_version),
    )
    for key, check in checks:
        field = key.replace("_", "-")
        if field in unparsed:
            continue
        try:
            check(raw.get(key) or _missing(field))  # type: ignore[arg-type]
        except Refused as fault:
            yield f"Core metadata: {fault.detail}"


def _check_metadata_version(text: str) -> None:
    if fault := metadata_version_fault(text):
        raise Refused(fault)


def _missing(field: str) -> str:
    raise Refused(f"the field {field.title()} is missing.")


def _field_faults(raw: "RawMetadata") -> Iterator[str]:
    from packaging.requirements import Requirement  # noqa: PLC0415 - see above

    yield from _requires_python_faults(raw)
    for requirement in raw.get("requires_dist", ()):
        yield from _fault("Requires-Dist", requirement, Requirement)
    yield from _license_faults(raw)
    for field in raw.get("dynamic", ()):
        if field.lower() in ("metadata-version", "name", "version"):
            yield f"The core metadata declares {field.title()} as Dynamic, which is not allowed."


def _requires_python_faults(raw: "RawMetadata") -> Iterator[str]:
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - see above

    if requires_python := raw.get("requires_python"):
        yield from _fault("Requires-Python", requires_python, SpecifierSet)


def _license_faults(raw: "RawMetadata") -> Iterator[str]:
    from packaging.licenses import canonicalize_license_expression  # noqa: PLC0415

    if _version_pair(raw["metadata_version"]) < _LICENSE_FILES_FROM:
        return
    expression = raw.get("license_expression")
    if expression and raw.get("license"):
        yield "The core metadata has both License and License-Expression; only the latter may be given (PEP 639)."
    if expression:
        yield from _fault("License-Expression", expression, canonicalize_license_expression)
    for path in raw.get("license_files", ()):
        if path.startswith("/") or "\\" in path or ".." in path.split("/"):
            yield f"The core metadata has a License-File {shown(path)}, which is not a path inside the archive."


def _fault(field: str, value: str, read: Callable[[str], Any]) -> Iterator[str]:
    if len(value) > _VALUE_LIMIT:
        yield f"The core metadata has a {field} of more than {_VALUE_LIMIT} characters."
        return
    try:
        read(value)
    except (ValueError, RecursionError, MemoryError, SyntaxError):
        yield f"The core metadata has an invalid {field}: {shown(value)}."
