"""How a case finds out what to send, and what the answer must be before anybody is measured on it."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from html import unescape
from urllib.parse import urljoin, urlsplit

from benchmarks import clients, sites
from benchmarks.clients import Answer
from benchmarks.loaders import NotOffered
from benchmarks.wheels import wheel

Requests = Callable[[int], list[bytes]]
Check = Callable[[Answer], None]

GZIP = "gzip, deflate"
IDENTITY = "identity"
_HREF = re.compile(rb'<a\s[^>]*?href="([^"]*)"', re.IGNORECASE)


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


def page(project: str, encoding: str) -> Requests:
    return lambda port: [clients.page_request(port, page_path(project), encoding=encoding)]


def project_list(encoding: str) -> Requests:
    return lambda port: [clients.page_request(port, "/simple/", encoding=encoding)]


def lists(count: int) -> Check:
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


def only_identity(check: Check) -> Check:
    def both(answer: Answer) -> None:
        _demand(answer.headers.get("content-encoding", "identity") == "identity", "compresses what was asked for as it is")
        check(answer)

    return both


def conditional(port: int) -> list[bytes]:
    path = page_path(sites.SMALL)
    etag = clients.exchange(port, clients.page_request(port, path)).headers.get("etag", "")
    _demand(bool(etag), "sends no ETag on pages")
    return [clients.page_request(port, path, etag=etag)]


def not_modified(answer: Answer) -> None:
    _demand(answer.status == 304 and not answer.body, f"answers {answer.status} to the current ETag")


def file(project: str) -> Requests:
    def requests(port: int) -> list[bytes]:
        path = page_path(project)
        answer = clients.exchange(port, clients.page_request(port, path))
        _demand(answer.status == 200, f"answers {answer.status} for the page of {project}")
        return [clients.file_request(port, links(answer, path)[0])]

    return requests


def is_wheel(project: str, size: int) -> Check:
    def check(answer: Answer) -> None:
        _demand(answer.status == 200, f"answers {answer.status}")
        _demand(hashlib.sha256(answer.body).hexdigest() == _sha256(project, size), "sends other bytes")

    return check


def _demand(condition: bool, otherwise: str) -> None:
    if not condition:
        raise NotOffered(otherwise)


@cache
def _sha256(project: str, size: int) -> str:
    return wheel(project, "1.0", size).sha256
