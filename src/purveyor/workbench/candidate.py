"""A distribution file that is to be published: what it is, its digests, and the form that goes with it."""

import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.metadata import RawMetadata, parse_email

from purveyor.errors import Misconfigured, Refused
from purveyor.model.files import Kind, ParsedFilename, parse_filename

_CHUNK = 1 << 20
_METADATA_LIMIT = 16 << 20

# Where the form's name for a field is not that of the parsed metadata; twine's spelling, which every index knows.
_FORM_NAMES = {
    "platforms": "platform",
    "supported_platforms": "supported_platform",
    "license_files": "license_file",
    "import_names": "import_name",
    "import_namespaces": "import_namespace",
}

Form = dict[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Candidate:
    path: Path
    parsed: ParsedFilename
    size: int
    sha256: str
    form: Mapping[str, str | list[str]]

    @property
    def filename(self) -> str:
        return self.parsed.filename

    @classmethod
    def read(cls, path: Path) -> "Candidate":
        """Hash the file and read its metadata; raises `Refused` for what is no distribution file."""
        if not path.is_file():
            raise Misconfigured(f"{path} is not a file.", "Build it with `purveyor build`, or correct the path.")
        parsed = parse_filename(path.name)
        metadata = _metadata(path, parsed)
        sha256, blake2 = _digests(path)
        form = _form(metadata, parsed) | {"sha256_digest": sha256, "blake2_256_digest": blake2}
        return cls(path, parsed, path.stat().st_size, sha256, form)


def _metadata(path: Path, parsed: ParsedFilename) -> RawMetadata:
    try:
        raw, _ = parse_email(_from_wheel(path) if parsed.kind is Kind.WHEEL else _from_sdist(path))
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError, RuntimeError) as error:
        raise _unreadable(path, str(error) or type(error).__name__) from None
    missing = [field for field in ("metadata_version", "name", "version") if field not in raw]
    if missing:
        raise _unreadable(path, f"its metadata does not state {', '.join(missing)}")
    return raw


def _unreadable(path: Path, reason: str) -> Refused:
    return Refused(f"{path.name} cannot be published: {reason.rstrip('.')}.", "Build it again.")


def _from_wheel(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        found = [info for info in archive.infolist() if _is_metadata(info.filename)]
        if len(found) != 1:
            raise ValueError(f"it holds {len(found)} .dist-info/METADATA, not one")
        if found[0].file_size > _METADATA_LIMIT:
            raise ValueError("its METADATA is too large")
        return archive.read(found[0])


def _is_metadata(member: str) -> bool:
    folder, _, name = member.partition("/")
    return name == "METADATA" and folder.endswith(".dist-info")


def _from_sdist(path: Path) -> bytes:
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            if member.isfile() and member.name.count("/") == 1 and member.name.endswith("/PKG-INFO"):
                content = archive.extractfile(member)
                assert content is not None  # a regular file has content
                return content.read(_METADATA_LIMIT)
    raise ValueError("it holds no PKG-INFO in its top directory")


def _digests(path: Path) -> tuple[str, str]:
    sha256, blake2 = hashlib.sha256(), hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
            blake2.update(chunk)
    return sha256.hexdigest(), blake2.hexdigest()


def _form(metadata: RawMetadata, parsed: ParsedFilename) -> Form:
    """The legacy upload's fields: what the file says of itself, and what kind of file it is."""
    form: Form = {_FORM_NAMES.get(field, field): _value(field, value) for field, value in metadata.items()}
    form |= {
        ":action": "file_upload",
        "protocol_version": "1",
        "filetype": parsed.kind.value,
        "pyversion": parsed.pyversion,
    }
    return form


def _value(field: str, value: object) -> str | list[str]:
    if isinstance(value, dict):
        return [f"{label}, {url}" for label, url in value.items()]
    if isinstance(value, list):
        return ", ".join(value) if field == "keywords" else value
    return str(value)
