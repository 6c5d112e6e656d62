"""A page of a remote index as a project that can be offered here: what is no use to any client is left out, what is no page is refused."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from purveyor.errors import Refused
from purveyor.formats.pulled_filenames import project_of, version_of
from purveyor.formats.pulled_json import read_plain
from purveyor.formats.simple_reader import JSON_TYPE, Key, OfferedFile, ProjectPage, media_type, read_project
from purveyor.model.files import SIZE_LIMIT, DistributionFile, Kind
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_MAJOR_VERSION = "1"


def read_detail(body: bytes, content_type: str, url: str, name: NormalizedName) -> tuple[ProjectDetail, int]:
    """The project, and how many of its files had to be left out; raises `Refused` for what is no page of the project.

    Left out is what has no sha256, because then nobody could tell whether its bytes are right, and what neither pip nor uv would install:
    eggs, installers, names and versions that break today's rules.
    """
    if media_type(content_type) == JSON_TYPE and (plain := read_plain(body, url, name)) is not None:
        return plain
    page = read_project(body, content_type, url)
    _check(page, content_type, name)
    files = tuple(file for offered in page.files if (file := _file(offered, name)))
    distinct = {file.filename: file for file in reversed(files)}
    ordered = tuple(file for file in files if distinct.get(file.filename) is file)
    return ProjectDetail(name, page.name or name, page.status, ordered), len(page.files) - len(ordered)


def _check(page: ProjectPage, content_type: str, name: NormalizedName) -> None:
    if fault := next((fault for fault in page.faults if fault.key is Key.BODY), None):
        raise Refused(fault.detail)
    if page.api_version is not None and page.api_version.partition(".")[0] != _MAJOR_VERSION:
        raise Refused(f"The page has version {page.api_version} of the Simple API, which is not known here.")
    if media_type(content_type).endswith("json"):
        if page.name is None or canonicalize_name(page.name) != name:
            raise Refused(f"The page is not that of {name}.")
    elif page.api_version is None and not any(project_of(file.filename) for file in page.files):
        raise Refused("The page is HTML, but not one that lists files.")


def _file(offered: OfferedFile, name: NormalizedName) -> DistributionFile | None:
    sha256 = offered.hashes.get("sha256", "")
    if not _SHA256.match(sha256) or project_of(offered.filename) != name or not _fetchable(offered.url):
        return None
    version = version_of(offered.filename)
    if version is None:
        return None
    stated = offered.metadata_hashes.get("sha256", "")
    metadata_sha256 = stated if _SHA256.match(stated) else None
    wheel = offered.filename.endswith(".whl")
    return DistributionFile(
        filename=offered.filename,
        project=name,
        version=version,
        kind=Kind.WHEEL if wheel else Kind.SDIST,
        size=offered.size if offered.size and 0 < offered.size <= SIZE_LIMIT else 0,
        sha256=sha256,
        uploaded_at=offered.uploaded_at,
        metadata_sha256=metadata_sha256,
        requires_python=offered.requires_python,
        yanked=offered.yanked,
        origin=offered.url,
        # Only such links lead where they say from any page (PyPUG "Simple repository API", provenance).
        provenance_url=offered.provenance if (offered.provenance or "").startswith("https://") else None,
        metadata_on_demand=wheel and metadata_sha256 is None,
    )


def _fetchable(url: str) -> bool:
    return _is_web("/".join(url.split("/", 3)[:3]))


@lru_cache(maxsize=1024)
def _is_web(url: str) -> bool:
    """Scheme and authority are enough to tell, and most files of a page have these in common."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
