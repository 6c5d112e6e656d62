"""Writes the JSON form of the Simple API 1.4 (PyPUG "Simple repository API"; PEP 691, 700, 714, 740, 792)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quoted

from purveyor.formats.links import file_path
from purveyor.model.files import DistributionFile, Yanked
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


def write_detail(detail: ProjectDetail) -> bytes:
    files = ",".join([_file(file) for file in detail.files]) if detail.status.status.offers_files else ""
    versions = ",".join([quoted(version) for version in detail.versions])
    status = _status(detail.status)
    return f'{{{_META},"name":{quoted(detail.name)},{status}"versions":[{versions}],"files":[{files}]}}'.encode()


def upload_time(moment: datetime) -> str:
    """UTC with a Z and at most six digits of a second (PEP 700)."""
    # A third of what strftime takes; there is one in each file of a page.
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _file(file: DistributionFile) -> str:
    members = [
        f'"filename":{quoted(file.filename)}',
        f'"url":{quoted("../../" + file_path(file.sha256, file.filename))}',
        f'"hashes":{{"sha256":"{file.sha256}"}}',
    ]
    if file.size:
        members.append(f'"size":{file.size}')
    if file.uploaded_at is not None:
        members.append(f'"upload-time":"{upload_time(file.uploaded_at)}"')
    if file.requires_python is not None:
        members.append(f'"requires-python":{quoted(file.requires_python)}')
    # Never `dist-info-metadata` here: pip 22.3 to 23.1 stops at that key (PEP 714, Motivation).
    members.append(f'"core-metadata":{_metadata(file.metadata_sha256)},"yanked":{_yanked(file.yanked)}')
    if file.provenance_url is not None:
        members.append(f'"provenance":{quoted(file.provenance_url)}')
    return "{" + ",".join(members) + "}"


def _metadata(sha256: str | None) -> str:
    return "false" if sha256 is None else f'{{"sha256":"{sha256}"}}'


def _yanked(yanked: Yanked | None) -> str:
    # An empty string is yanked to uv and installable to pip; so no reason is written as true.
    if yanked is None:
        return "false"
    return quoted(yanked.reason) if yanked.reason else "true"


def _status(status: ProjectStatus) -> str:
    if status.status is Status.ACTIVE:
        return ""  # absent means active (PEP 792)
    reason = f',"reason":{quoted(status.reason)}' if status.reason else ""
    return f'"project-status":{{"status":"{status.status}"{reason}}},'
