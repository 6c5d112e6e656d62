"""Reads Simple API pages, HTML or JSON, from any index: whatever can be understood is, and every fault is collected.

Source: PyPUG "Simple repository API" up to version 1.4. What a page states is repeated here, not believed.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urljoin

from msgspec import Struct, field

from purveyor.formats import simple_html_reader as html
from purveyor.model.files import Yanked
from purveyor.model.projects import ProjectStatus, Status

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "application/vnd.pypi.simple.v1+html"
HTML_TYPES = ("text/html", HTML_TYPE)

_UPLOAD_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z\Z", re.ASCII)


class Key(StrEnum):
    """What a fault is about: the JSON key, or the part of an HTML page."""

    BODY = "body"
    DOCTYPE = "doctype"
    API_VERSION = "api-version"
    NAME = "name"
    STATUS = "project-status"
    VERSIONS = "versions"
    FILES = "files"
    URL = "url"
    HASHES = "hashes"
    SIZE = "size"
    UPLOAD_TIME = "upload-time"
    REQUIRES_PYTHON = "requires-python"
    CORE_METADATA = "core-metadata"
    YANKED = "yanked"
    PROVENANCE = "provenance"


class Fault(Struct, frozen=True):
    """One way in which a page breaks the standard, as a sentence; `filename` is empty for the page as a whole."""

    key: Key
    detail: str
    filename: str = ""


class OfferedFile(Struct, frozen=True):
    """A file as a page states it; None and empty where it does not say. `url` is absolute, `href` as written."""

    filename: str
    url: str
    href: str
    hashes: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None
    uploaded_at: datetime | None = None
    requires_python: str | None = None
    yanked: Yanked | None = None
    metadata_offered: bool = False
    metadata_hashes: Mapping[str, str] = field(default_factory=dict)
    provenance: str | None = None

    @property
    def metadata_url(self) -> str:
        """Where the core metadata must be when it is offered: beside the file."""
        return f"{self.url}.metadata"


class ProjectPage(Struct, frozen=True):
    """`versions` is None where the page does not list them (HTML, or JSON before 1.1)."""

    name: str | None
    api_version: str | None
    status: ProjectStatus
    versions: tuple[str, ...] | None
    files: tuple[OfferedFile, ...]
    faults: tuple[Fault, ...]


class ListedProject(Struct, frozen=True):
    """A name in a project list, and the page it links to (None in JSON, where the URL follows from the name)."""

    name: str
    url: str | None = None


class ListPage(Struct, frozen=True):
    api_version: str | None
    projects: tuple[ListedProject, ...]
    faults: tuple[Fault, ...]


def media_type(content_type: str) -> str:
    """The type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def read_list(body: bytes, content_type: str, url: str) -> ListPage:
    """A project list; read as HTML unless the type says JSON. A body cut short gives the projects before the cut."""
    faults: list[Fault] = []
    if media_type(content_type).endswith("json"):
        document = _document(body, faults)
        projects = tuple(_listed(document.get("projects"), faults))
        return ListPage(_api_version(document, faults), projects, tuple(faults))
    page = html.read(body)
    _check_html(page, faults)
    base = _joined(url, page.base or "")
    links = tuple(ListedProject(anchor.text, _joined(base, anchor.href)) for anchor in page.anchors)
    return ListPage(page.meta.get("pypi:repository-version"), links, tuple(faults))


def read_project(body: bytes, content_type: str, url: str) -> ProjectPage:
    """A project page; read as HTML unless the type says JSON. `url` is the page's own, after redirects."""
    faults: list[Fault] = []
    if media_type(content_type).endswith("json"):
        return _json_project(_document(body, faults), url, faults)
    page = html.read(body)
    _check_html(page, faults)
    base = _joined(url, page.base or "")
    files = tuple(_from_anchor(anchor, base, faults) for anchor in page.anchors)
    status = _status(page.meta.get("pypi:project-status"), page.meta.get("pypi:project-status-reason"), faults)
    return ProjectPage(None, page.meta.get("pypi:repository-version"), status, None, files, tuple(faults))


def _check_html(page: html.HtmlPage, faults: list[Fault]) -> None:
    if not page.has_doctype:
        faults.append(Fault(Key.DOCTYPE, "The HTML does not begin with <!DOCTYPE html>."))


def _from_anchor(anchor: html.Anchor, base: str, faults: list[Fault]) -> OfferedFile:
    href, _, fragment = anchor.href.partition("#")
    filename = html.last_segment(href)
    if anchor.text != filename:
        faults.append(Fault(Key.URL, f"The link's text {anchor.text!r} is not the filename {filename!r} of its URL.", filename))
    attributes = anchor.attributes
    stated = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    return OfferedFile(
        filename=filename,
        url=_joined(base, href),
        href=href,
        hashes=html.hash_of(fragment),
        requires_python=attributes.get("data-requires-python") or None,
        yanked=Yanked(attributes["data-yanked"]) if "data-yanked" in attributes else None,
        metadata_offered=stated not in (None, "", "false"),
        metadata_hashes=html.hash_of(stated or ""),
        provenance=attributes.get("data-provenance") or None,
    )


def _document(body: bytes, faults: list[Fault]) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        faults.append(Fault(Key.BODY, f"The body is not JSON ({str(error)[:120]})."))
        return {}
    if not isinstance(document, dict):
        faults.append(Fault(Key.BODY, "The body is JSON, but not an object."))
        return {}
    return document


def _api_version(document: Mapping[str, Any], faults: list[Fault]) -> str | None:
    meta = document.get("meta")
    version = meta.get("api-version") if isinstance(meta, dict) else None
    if isinstance(version, str) and re.fullmatch(r"\d{1,9}\.\d{1,9}", version, re.ASCII):
        return version
    if document:
        faults.append(Fault(Key.API_VERSION, f"meta.api-version is {_shown(version)}, not a string such as '1.4'."))
    return None


def _listed(projects: Any, faults: list[Fault]) -> list[ListedProject]:
    if not isinstance(projects, list):
        faults.append(Fault(Key.FILES, f"projects is {_shown(projects)}, not an array."))
        return []
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in projects]
    if strange := sum(not isinstance(name, str) for name in names):
        faults.append(Fault(Key.NAME, f"{strange} entries of projects have no name."))
    return [ListedProject(name) for name in names if isinstance(name, str)]


def _json_project(document: Mapping[str, Any], url: str, faults: list[Fault]) -> ProjectPage:
    api_version = _api_version(document, faults)
    name, files = document.get("name"), document.get("files")
    if document and not isinstance(name, str):
        faults.append(Fault(Key.NAME, f"name is {_shown(name)}, not a string."))
    if document and not isinstance(files, list):
        faults.append(Fault(Key.FILES, f"files is {_shown(files)}, not an array."))
    entries = files if isinstance(files, list) else []
    return ProjectPage(
        name=name if isinstance(name, str) else None,
        api_version=api_version,
        status=_json_status(document.get("project-status"), faults),
        versions=_versions(document.get("versions"), faults),
        files=tuple(file for entry in entries if (file := _json_file(entry, url, faults))),
        faults=tuple(faults),
    )


def _versions(versions: Any, faults: list[Fault]) -> tuple[str, ...] | None:
    if versions is None:
        return None
    if not isinstance(versions, list) or not all(isinstance(version, str) for version in versions):
        faults.append(Fault(Key.VERSIONS, "versions is not an array of strings."))
        return None
    if len(set(versions)) != len(versions):
        faults.append(Fault(Key.VERSIONS, "versions names a version twice."))
    return tuple(versions)


def _json_status(stated: Any, faults: list[Fault]) -> ProjectStatus:
    if stated is None:
        return ProjectStatus()
    if not isinstance(stated, dict):
        faults.append(Fault(Key.STATUS, f"project-status is {_shown(stated)}, not an object; uv rejects the page."))
        return ProjectStatus()
    return _status(stated.get("status"), stated.get("reason"), faults)


def _status(status: Any, reason: Any, faults: list[Fault]) -> ProjectStatus:
    if status is None:
        return ProjectStatus()
    if status not in list(Status):
        faults.append(Fault(Key.STATUS, f"The project's status is {_shown(status)}, which the standard does not know."))
        return ProjectStatus()
    return ProjectStatus(Status(status), reason if isinstance(reason, str) else "")


def _json_file(entry: Any, base: str, faults: list[Fault]) -> OfferedFile | None:
    filename, url = (entry.get("filename"), entry.get("url")) if isinstance(entry, dict) else (None, None)
    if not isinstance(filename, str) or not isinstance(url, str):
        faults.append(Fault(Key.FILES, f"An entry of files lacks its filename or url: {_shown(entry)}."))
        return None
    entry = _Entry(filename, entry, faults)
    offered, metadata_hashes = entry.core_metadata()
    return OfferedFile(
        filename=filename,
        url=_joined(base, url),
        href=url,
        hashes=entry.hashes(),
        size=entry.size(),
        uploaded_at=entry.upload_time(),
        requires_python=entry.text(Key.REQUIRES_PYTHON),
        yanked=entry.yanked(),
        metadata_offered=offered,
        metadata_hashes=metadata_hashes,
        provenance=entry.text(Key.PROVENANCE),
    )


class _Entry(Struct):
    """One entry of `files`, key by key."""

    filename: str
    values: Mapping[str, Any]
    faults: list[Fault]

    def fault(self, key: Key, detail: str) -> None:
        self.faults.append(Fault(key, detail, self.filename))

    def text(self, key: Key) -> str | None:
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            self.fault(key, f"{key} is {_shown(value)}, not a string.")
        return value if isinstance(value, str) and value else None

    def hashes(self) -> Mapping[str, str]:
        stated = self.values.get(Key.HASHES)
        if not isinstance(stated, dict):
            self.fault(Key.HASHES, "hashes is missing, which uv rejects." if stated is None else "hashes is not an object.")
            return {}
        return _hashes(stated)

    def size(self) -> int | None:
        value = self.values.get(Key.SIZE)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self.fault(Key.SIZE, f"size is {_shown(value)}, not a number of bytes.")
        return None

    def upload_time(self) -> datetime | None:
        value = self.values.get(Key.UPLOAD_TIME)
        if value is None:
            return None
        moment = _moment(value)
        if moment is None or not _UPLOAD_TIME.match(value):
            self.fault(Key.UPLOAD_TIME, f"upload-time is {_shown(value)}, not such as '2026-08-01T10:00:00.123456Z'.")
        return moment

    def yanked(self) -> Yanked | None:
        value = self.values.get(Key.YANKED, False)
        if value == "" and isinstance(value, str):
            self.fault(Key.YANKED, 'yanked is "", which means yanked to uv and not yanked to pip.')
        elif not isinstance(value, bool | str):
            self.fault(Key.YANKED, f"yanked is {_shown(value)}, neither a boolean nor a reason.")
        return Yanked(value if isinstance(value, str) else "") if value else None

    def core_metadata(self) -> tuple[bool, Mapping[str, str]]:
        value = self.values.get(Key.CORE_METADATA, self.values.get("dist-info-metadata"))
        if isinstance(value, dict):
            return True, _hashes(value)
        if value is not None and not isinstance(value, bool):
            self.fault(Key.CORE_METADATA, f"core-metadata is {_shown(value)}, neither a boolean nor hashes.")
        return value is True, {}


def _moment(value: Any) -> datetime | None:
    """Any form of ISO 8601; without a zone it is taken for UTC."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _hashes(stated: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): digest.lower() for name, digest in stated.items() if isinstance(digest, str)}


def _joined(base: str, href: str) -> str:
    """The absolute URL, or `href` itself where it is no URL at all."""
    if href.startswith(("https://", "http://")):  # as on most indexes, many thousand times on a page
        return href
    try:
        return urljoin(base, href)
    except ValueError:
        return href


def _shown(value: Any) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - as much of a strange value as fits a line
