"""Writes the JSON form of the Simple API 1.4 (PyPUG "Simple repository API"; PEP 691, 700, 714, 740, 792)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quoted

from msgspec import Struct
from msgspec.json import Encoder

from purveyor.formats.links import file_path
from purveyor.model.files import DistributionFile
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail, ProjectStatus, Status

MEDIA_TYPE = "application/vnd.pypi.simple.v1+json"
API_VERSION = "1.4"

_META = f'"meta":{{"api-version":"{API_VERSION}"}}'
LIST_BEGIN = f'{{{_META},"projects":['.encode()
LIST_SEPARATOR = b","
LIST_END = b"]}"


def write_names(projects: Iterable[tuple[NormalizedName, str]]) -> bytes:
    """Some of a project list's entries, from normalised and display names; `LIST_SEPARATOR` stands between any two."""
    return ",".join([f'{{"name":{quoted(name)}}}' for _, name in projects]).encode()


def upload_time(moment: datetime) -> str:
    """UTC with a Z and six digits of a second, as everything but a page writes it."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


class _Hashes(Struct, gc=False):
    sha256: str


class _File(Struct, gc=False, rename="kebab", omit_defaults=True):
    """In this order on the page. Never `dist-info-metadata`: pip 22.3 to 23.1 stops at that key (PEP 714, Motivation)."""

    filename: str
    url: str
    hashes: _Hashes
    core_metadata: _Hashes | bool
    yanked: bool | str
    size: int = 0
    upload_time: datetime | None = None
    requires_python: str | None = None
    provenance: str | None = None


_encoded = Encoder().encode


def write_detail(detail: ProjectDetail) -> bytes:
    files = _encoded(_files(detail.files)) if detail.status.status.offers_files else b"[]"
    versions = _encoded(detail.versions)
    status = _status(detail.status)
    head = f'{{{_META},"name":{quoted(detail.name)},{status}"versions":'.encode()
    return b"".join((head, versions, b',"files":', files, b"}"))


def _files(files: Iterable[DistributionFile]) -> list[_File]:
    """One loop without calls of ours: popular projects have thousands of files."""
    stated = []
    for file in files:
        sha256, metadata, yanked = file.sha256, file.metadata_sha256, file.yanked
        stated.append(
            _File(
                file.filename,
                "../../" + file_path(sha256, file.filename),
                _Hashes(sha256),
                file.metadata_on_demand if metadata is None else _Hashes(metadata),
                # An empty string is yanked to uv and installable to pip; so no reason is written as true.
                False if yanked is None else yanked.reason or True,
                file.size,
                # msgspec writes UTC with a Z and as many digits of a second as there are, at most six (PEP 700).
                file.uploaded_at,
                file.requires_python,
                file.provenance_url,
            )
        )
    return stated


def _status(status: ProjectStatus) -> str:
    if status.status is Status.ACTIVE:
        return ""  # absent means active (PEP 792)
    reason = f',"reason":{quoted(status.reason)}' if status.reason else ""
    return f'"project-status":{{"status":"{status.status}"{reason}}},'
