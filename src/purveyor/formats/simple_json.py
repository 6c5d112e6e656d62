"""Writes the JSON form of the Simple API 1.4 (PyPUG "Simple repository API"; PEP 691, 700, 714, 740, 792)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quoted

from msgspec.json import Encoder

from purveyor.formats.links import links_on_page
from purveyor.formats.stated_files import Hashes, PulledFiles, StatedFile
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


_encoded = Encoder().encode


def write_detail(detail: ProjectDetail) -> bytes:
    files = _encoded(_stated(detail.files)) if detail.status.status.offers_files else b"[]"
    versions = _encoded(detail.versions)
    status = _status(detail.status)
    head = f'{{{_META},"name":{quoted(detail.name)},{status}"versions":'.encode()
    return b"".join((head, versions, b',"files":', files, b"}"))


def _stated(files: Sequence[DistributionFile]) -> Sequence[StatedFile]:
    if isinstance(files, PulledFiles):
        return files.stated
    return [
        StatedFile(
            filename=file.filename,
            url=link,
            hashes=Hashes(file.sha256),
            core_metadata=file.metadata_on_demand if file.metadata_sha256 is None else Hashes(file.metadata_sha256),
            # An empty string is yanked to uv and installable to pip; so no reason is written as true.
            yanked=False if file.yanked is None else file.yanked.reason or True,
            size=file.size or None,
            upload_time=file.uploaded_at,
            requires_python=file.requires_python,
            provenance=file.provenance_url,
        )
        for file, link in zip(files, links_on_page((file.sha256, file.filename) for file in files), strict=True)
    ]


def _status(status: ProjectStatus) -> str:
    if status.status is Status.ACTIVE:
        return ""  # absent means active (PEP 792)
    reason = f',"reason":{quoted(status.reason)}' if status.reason else ""
    return f'"project-status":{{"status":"{status.status}"{reason}}},'
