"""The GET cases: what is asked of each server, with what answer, over how many connections."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin, urlsplit

from benchmarks import clients, sites
from benchmarks.clients import Answer
from benchmarks.loaders import NotOffered
from benchmarks.sites import Site
from benchmarks.wheels import wheel

_HREF = re.compile(rb'<a\s[^>]*?href="([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True)
class Case:
    """`requests` finds out what to send, asking the server where files lie; `check` raises `NotOffered` unless the answer is the right one."""

    key: str
    title: str
    site: Callable[[], Site]
    requests: Callable[[int], list[bytes]]
    check: Callable[[Answer], None]
    connections: int = 16
    longer: float = 1.0


def page_path(project: str) -> str:
    return f"/simple/{project}/"


def links(answer: Answer, path: str) -> list[str]:
    """The paths that a project page links to, in either format."""
    body = answer.content()
    if "json" in answer.headers.get("content-type", ""):
        found = [file["url"] for file in json.loads(body).get("files", ())]
    else:
        found = [unescape(link.decode()) for link in _HREF.findall(body)]
    return [urlsplit(urljoin(path, link)).path for link in found]


def _page(project: str, encoding: str) -> Callable[[int], list[bytes]]:
    return lambda port: [clients.page_request(port, page_path(project), encoding=encoding)]


def _list(encoding: str) -> Callable[[int], list[bytes]]:
    return lambda port: [clients.page_request(port, "/simple/", encoding=encoding)]


def _lists(count: int) -> Callable[[Answer], None]:
    def check(answer: Answer) -> None:
        _demand(answer.status == 200, f"answers {answer.status}")
        body = answer.content()
        if "json" in answer.headers.get("content-type", ""):
            document = json.loads(body)
            found = len(document["files"] if "files" in document else document["projects"])
        else:
            found = len(_HREF.findall(body))
        _demand(found == count, f"lists {found} of {count}")

    return check


def _only_identity(check: Callable[[Answer], None]) -> Callable[[Answer], None]:
    def both(answer: Answer) -> None:
        _demand(
            answer.headers.get("content-encoding", "identity") == "identity", "compresses what was asked for as it is"
        )
        check(answer)

    return both


def _conditional(port: int) -> list[bytes]:
    path = page_path(sites.SMALL)
    etag = clients.exchange(port, clients.page_request(port, path)).headers.get("etag", "")
    _demand(bool(etag), "sends no ETag on pages")
    return [clients.page_request(port, path, etag=etag)]


def _not_modified(answer: Answer) -> None:
    _demand(answer.status == 304 and not answer.body, f"answers {answer.status} to the current ETag")


def _file(project: str) -> Callable[[int], list[bytes]]:
    def requests(port: int) -> list[bytes]:
        path = page_path(project)
        answer = clients.exchange(port, clients.page_request(port, path))
        _demand(answer.status == 200, f"answers {answer.status} for the page of {project}")
        return [clients.file_request(port, links(answer, path)[0])]

    return requests


def _is_wheel(project: str, size: int) -> Callable[[Answer], None]:
    def check(answer: Answer) -> None:
        _demand(answer.status == 200, f"answers {answer.status}")
        _demand(hashlib.sha256(answer.body).hexdigest() == wheel(project, "1.0", size).sha256, "sends other bytes")

    return check


def _demand(condition: bool, otherwise: str) -> None:
    if not condition:
        raise NotOffered(otherwise)


def cases() -> Sequence[Case]:
    gzip = "gzip, deflate"
    small, small_page = page_path(sites.SMALL), _lists(1)
    return (
        Case("small", "small project page, as pip asks (gzip accepted)", sites.everyday, _page(sites.SMALL, gzip), small_page),
        Case("small-identity", "small project page, identity", sites.everyday, _page(sites.SMALL, "identity"), _only_identity(small_page)),
        Case("small-uv", "small project page, as uv asks (gzip and zstd accepted)", sites.everyday, lambda port: [clients.uv_page_request(port, small)], small_page),
        Case("small-varied", "small project page, 64 different User-Agents in turn", sites.everyday, lambda port: clients.varied_page_requests(port, small), small_page),
        Case("small-alone", "small project page, one connection", sites.everyday, _page(sites.SMALL, gzip), small_page, connections=1),
        Case("304", "small project page, If-None-Match with the current ETag", sites.everyday, _conditional, _not_modified),
        Case("many", "page of 3,000 files, as pip asks (gzip accepted)", sites.everyday, _page(sites.MANY, gzip), _lists(sites.MANY_FILES)),
        Case("many-identity", "page of 3,000 files, identity", sites.everyday, _page(sites.MANY, "identity"), _only_identity(_lists(sites.MANY_FILES))),
        Case("list-200", "list of 200 projects, as pip asks", sites.everyday, _list(gzip), _lists(sites.PROJECTS)),
        Case("file-64k", "file of 64 KB", sites.everyday, _file(sites.MEDIUM), _is_wheel(sites.MEDIUM, sites.MEDIUM_SIZE)),
        Case("file-50m", "file of 50 MB, one connection", sites.everyday, _file(sites.LARGE), _is_wheel(sites.LARGE, sites.LARGE_SIZE), connections=1, longer=1.5),
        Case("list-880k", "list of 880,000 projects, as pip asks (gzip accepted), four connections", sites.all_names, _list(gzip), _lists(sites.ALL_PROJECTS), connections=4, longer=1.5),
        Case("list-880k-identity", "list of 880,000 projects, identity, four connections", sites.all_names, _list("identity"), _only_identity(_lists(sites.ALL_PROJECTS)), connections=4, longer=1.5),
    )  # fmt: skip
