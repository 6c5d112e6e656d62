"""The upload form: what clients declare beside the file (the legacy upload API).

Only what decides where a file belongs counts, and only if filename and archive say the same. Every other field is
ignored: clients lose some, misspell some, and build others from a configuration that need not match the file.
"""

from collections.abc import Iterator, Mapping

from packaging.version import Version

from purveyor.errors import Refused
from purveyor.formats.core_metadata import CoreMetadata, metadata_version_fault
from purveyor.formats.inspection import shown
from purveyor.model.files import Kind, ParsedFilename, parse_version
from purveyor.model.names import NormalizedName, normalize

Form = Mapping[str, tuple[str, ...]]

_SINGLE = (":action", "protocol_version", "metadata_version", "name", "version", "filetype", "pyversion")
_SDIST_PYVERSION = "source"
_CALLED = {Kind.SDIST: "an sdist", Kind.WHEEL: "a wheel"}


def check_form(declared: Form, parsed: ParsedFilename) -> list[str]:
    """Every complaint that form and filename alone give rise to; an empty list for a good form."""
    return [
        *_contradictions(declared),
        *_protocol_faults(declared),
        *_identity_faults(declared, parsed),
        *_kind_faults(declared, parsed),
    ]


def check_agreement(declared: Form, parsed: ParsedFilename, metadata: CoreMetadata) -> list[str]:
    """Every disagreement between the archive's own metadata and what filename and form say of it."""
    complaints = []
    if _project(metadata.name) != parsed.project:
        complaints.append(
            f"The file's metadata names the project {shown(metadata.name)}, but the filename says {parsed.project!r}"
            f" and the form {shown(_value(declared, 'name'))}."
        )
    if _release(metadata.version) != parsed.version:
        complaints.append(
            f"The file's metadata has the version {shown(metadata.version)}, but the filename says"
            f" {str(parsed.version)!r} and the form {shown(_value(declared, 'version'))}."
        )
    return complaints


def _value(declared: Form, field: str) -> str:
    """The field's value; empty if it is absent, which clients also say with an empty string."""
    return next(filter(None, declared.get(field, ())), "")


def _contradictions(declared: Form) -> Iterator[str]:
    for field in _SINGLE:
        if len(set(filter(None, declared.get(field, ())))) > 1:
            yield f"The form has the field {field} more than once, with different values."


def _protocol_faults(declared: Form) -> Iterator[str]:
    action = _value(declared, ":action")
    if action != "file_upload":
        yield f"The form's :action is {shown(action)}; this index knows 'file_upload' only."
    protocol = _value(declared, "protocol_version")
    if protocol not in ("", "1"):
        yield f"The form's protocol_version is {shown(protocol)}; this index knows '1' only."
    metadata_version = _value(declared, "metadata_version")
    if not metadata_version:
        yield "The form lacks the field metadata_version."
    elif fault := metadata_version_fault(metadata_version):
        yield fault


def _identity_faults(declared: Form, parsed: ParsedFilename) -> Iterator[str]:
    try:
        if normalize(_required(declared, "name")) != parsed.project:
            yield f"The form's name is {shown(_value(declared, 'name'))}, but the filename says {parsed.project!r}."
    except Refused as fault:
        yield fault.detail
    try:
        if parse_version(_required(declared, "version")) != parsed.version:
            told = shown(_value(declared, "version"))
            yield f"The form's version is {told}, but the filename says {str(parsed.version)!r}."
    except Refused as fault:
        yield fault.detail


def _required(declared: Form, field: str) -> str:
    value = _value(declared, field)
    if not value:
        raise Refused(f"The form lacks the field {field}.")
    return value


def _kind_faults(declared: Form, parsed: ParsedFilename) -> Iterator[str]:
    filetype = _value(declared, "filetype")
    if filetype not in tuple(Kind):
        yield f"The form's filetype is {shown(filetype)}; it must be 'sdist' or 'bdist_wheel'."
    elif filetype != parsed.kind:
        yield f"The form's filetype is {filetype!r}, but {parsed.filename!r} is {_CALLED[parsed.kind]}."
    pyversion = _value(declared, "pyversion")
    if parsed.kind is Kind.WHEEL and not pyversion:
        yield "The form lacks the field pyversion, which a wheel needs: its Python tag."
    if parsed.kind is Kind.SDIST and pyversion not in ("", _SDIST_PYVERSION):
        yield f"The form's pyversion is {shown(pyversion)}; for an sdist it is 'source', or absent."


def _project(name: str) -> NormalizedName | None:
    try:
        return normalize(name)
    except Refused:
        return None


def _release(version: str) -> Version | None:
    try:
        return parse_version(version)
    except Refused:
        return None
