"""Writes the HTML form of the Simple API, frozen at 1.4 (PyPUG "Simple repository API"; PEP 503, 592, 629, 714, 792, 833).

The bytes are dull on purpose: one anchor a line, one space between attributes. Parsers in the field have broken on less.
"""

from collections.abc import Iterable
from html import escape

from purveyor.formats.links import file_path
from purveyor.model.files import DistributionFile
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail, ProjectStatus, Status

MEDIA_TYPE = "application/vnd.pypi.simple.v1+html"
LEGACY_MEDIA_TYPE = "text/html"
API_VERSION = "1.4"

_END = "  </body>\n</html>\n"


def write_names(projects: Iterable[tuple[NormalizedName, str]]) -> bytes:
    """Some of a project list's entries, from normalised and display names; `LIST_SEPARATOR` stands between any two."""
    return "".join([f'    <a href="{normalized}/">{escape(name)}</a><br>\n' for normalized, name in projects]).encode()


def write_detail(detail: ProjectDetail) -> bytes:
    title = f"Links for {escape(detail.display_name)}"
    files = [_anchor(file) for file in detail.files] if detail.status.status.offers_files else []
    return "".join([_head(title, detail.status), f"    <h1>{title}</h1>\n", *files, _END]).encode()


def _head(title: str, status: ProjectStatus | None = None) -> str:
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n'
        "  <head>\n"
        '    <meta charset="utf-8">\n'
        f'    <meta name="pypi:repository-version" content="{API_VERSION}">\n'
        f"{_status(status) if status else ''}"
        f"    <title>{title}</title>\n"
        "  </head>\n"
        "  <body>\n"
    )


def _status(status: ProjectStatus) -> str:
    if status.status is Status.ACTIVE:
        return ""  # absent means active (PEP 792)
    reason = f'    <meta name="pypi:project-status-reason" content="{escape(status.reason)}">\n' if status.reason else ""
    return f'    <meta name="pypi:project-status" content="{status.status}">\n{reason}'


def _anchor(file: DistributionFile) -> str:
    attributes = f'href="../../{file_path(file.sha256, file.filename)}#sha256={file.sha256}"'
    if file.requires_python is not None:
        attributes += f' data-requires-python="{escape(file.requires_python)}"'
    if file.metadata_sha256 is not None:
        # Both spellings, and equal: older clients read only the second (PEP 714, Servers).
        attributes += f' data-core-metadata="sha256={file.metadata_sha256}"'
        attributes += f' data-dist-info-metadata="sha256={file.metadata_sha256}"'
    elif file.metadata_on_demand:
        attributes += ' data-core-metadata="true" data-dist-info-metadata="true"'
    if file.yanked is not None:
        attributes += f' data-yanked="{escape(file.yanked.reason)}"'
    if file.provenance_url is not None:
        attributes += f' data-provenance="{escape(file.provenance_url)}"'
    return f"    <a {attributes}>{escape(file.filename)}</a><br>\n"


LIST_BEGIN = _head("Simple index").encode()
LIST_SEPARATOR = b""
LIST_END = _END.encode()
