"""A scriptable fake index on a real port: right until a fault is planted in it.

    with FakeIndex(prefix="/team") as index:
        file = index.add("acme_app-1.0-py3-none-any.whl", wheel_bytes)
        file.sha256 = "0" * 64                                   # pages now state a wrong hash
        index.answer("/simple/acme-app/", Answer(status=503))    # that path now answers so
        subprocess.run(["pip", "install", "--index-url", index.url, "acme-app"])
        print(index.requests)                                    # what the client really asked for

It knows nothing of how Purveyor writes pages, so that a client tested here is not tested against its own mistakes.
Standard library only; loopback only; safe to use from several threads.
"""

import hashlib
import html
import io
import json
import re
import threading
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.parser import BytesHeaderParser
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote

JSON_TYPE = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. `delay` is in seconds before the head; `cut_after` bytes of the body, the connection breaks."""

    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut_after: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class FakeFile:
    """A file and all that the pages state of it. Change an attribute to plant a fault; None leaves a statement out."""

    filename: str
    data: bytes
    project: str
    version: str
    sha256: str | None
    size: int | None
    href: str
    upload_time: str | None = "2026-01-02T03:04:05.678901Z"
    requires_python: str | None = None
    yanked: bool | str = False
    metadata: bytes | None = None
    metadata_sha256: str | None = None
    in_html: bool = True
    in_json: bool = True

    @property
    def path(self) -> str:
        """Where the index really serves the file, below its prefix."""
        return f"/files/{quote(self.filename)}"


class FakeIndex:
    """An index of the files that were added, at `url`; entered, it listens on a free port of 127.0.0.1.

    Attributes to change at will: `html_type` and `json_type` (the Content-Type of pages), `json_served`, `doctype`,
    `api_version`, `versions` (per project; default: those of its files), `status` (per project), `json_api` (whether
    /pypi/NAME/json answers), `hidden_from_list` (names that the project list leaves out), `html_pages` (per project: an
    answer in place of the HTML form, so that it and the JSON form disagree), `unknown` (the answer for unknown projects), `parts` (whether
    a range of a file is given when one is asked for).
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix.rstrip("/")
        self.files: list[FakeFile] = []
        self.requests: list[Request] = []
        self.html_type = "text/html; charset=utf-8"
        self.json_type = JSON_TYPE
        self.json_served = True
        self.doctype = True
        self.api_version = "1.4"
        self.versions: dict[str, list[str]] = {}
        self.status: dict[str, str] = {}
        self.json_api = False
        self.parts = False
        self.hidden_from_list: set[str] = set()
        self.unknown = _not_found()
        self.html_pages: dict[str, Answer] = {}
        self._answers: dict[str, Answer] = {}
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        server.daemon_threads = True
        server.block_on_close = False  # a client's idle connection must not hold up the end of a test
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self._server = server
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def root_url(self) -> str:
        """Scheme, host, port and prefix, without a slash at the end."""
        if self._server is None:
            raise RuntimeError("The fake index listens only inside its `with` block.")
        return f"http://127.0.0.1:{self._server.server_port}{self.prefix}"

    @property
    def url(self) -> str:
        """The index URL that clients are given."""
        return f"{self.root_url}/simple/"

    def add(self, filename: str, data: bytes) -> FakeFile:
        """Offer a file, described truthfully; change the result's attributes to describe it otherwise."""
        project, version = _name_and_version(filename)
        metadata = _metadata(filename, data)
        file = FakeFile(
            filename=filename,
            data=data,
            project=project,
            version=version,
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            href=f"../../files/{quote(filename)}",
            requires_python=BytesHeaderParser().parsebytes(metadata or b"").get("Requires-Python"),
            metadata=metadata,
            metadata_sha256=hashlib.sha256(metadata).hexdigest() if metadata is not None else None,
        )
        self.files.append(file)
        return file

    def answer(self, path: str, answer: Answer) -> None:
        """Give this answer to every request for `path` (below the prefix, decoded), whatever else would be right."""
        self._answers[path] = answer

    def respond(self, path: str, accept: str) -> Answer:
        """The answer to a GET of `path`."""
        if not path.startswith(f"{self.prefix}/"):
            return _not_found()
        path = path.removeprefix(self.prefix)
        return self._answers.get(path) or self._route(path, accept)

    def _route(self, path: str, accept: str) -> Answer:
        if path == "/":
            return Answer(body=b"<!DOCTYPE html><title>A fake index</title><a href='simple/'>simple</a>")
        if path == "/simple/":
            return self._page(accept, self._list_html(), self._list_json())
        if match := re.fullmatch(r"/simple/([^/]+)/", path):
            return self._project(match[1], accept)
        if match := re.fullmatch(r"/pypi/([^/]+)/json", path):
            return self._legacy_json(match[1])
        return self._file(path)

    def _page(self, accept: str, as_html: str, as_json: Mapping[str, Any]) -> Answer:
        vary = {"Vary": "Accept"}
        if self.json_served and "+json" in accept:
            return Answer(content_type=self.json_type, body=json.dumps(as_json).encode(), headers=vary)
        return Answer(content_type=self.html_type, body=as_html.encode(), headers=vary)

    def _projects(self) -> list[str]:
        return sorted({file.project for file in self.files} - self.hidden_from_list)

    def _list_html(self) -> str:
        return self._html("".join(f'<a href="{name}/">{name}</a><br>\n' for name in self._projects()))

    def _list_json(self) -> dict[str, Any]:
        names = [{"name": name} for name in self._projects()]
        return {"meta": {"api-version": self.api_version}, "projects": names}

    def _html(self, anchors: str, meta: str = "") -> str:
        doctype = "<!DOCTYPE html>\n" if self.doctype else ""
        version = f'<meta name="pypi:repository-version" content="{self.api_version}">'
        return f"{doctype}<html><head>{version}{meta}<title>Simple index</title></head><body>\n{anchors}</body></html>\n"

    def _project(self, name: str, accept: str) -> Answer:
        files = [file for file in self.files if file.project == name]
        if not files and name not in self.versions:
            return self.unknown
        status = self.status.get(name)
        meta = f'<meta name="pypi:project-status" content="{status}">' if status else ""
        page: dict[str, Any] = {
            "meta": {"api-version": self.api_version},
            "name": name,
            "versions": self.versions.get(name, sorted({file.version for file in files})),
            "files": [_as_json(file) for file in files if file.in_json],
        }
        if status:
            page["project-status"] = {"status": status}
        if name in self.html_pages and not (self.json_served and "+json" in accept):
            return self.html_pages[name]
        return self._page(accept, self._html("".join(_as_html(f) for f in files if f.in_html), meta), page)

    def _legacy_json(self, name: str) -> Answer:
        files = [file for file in self.files if file.project == name]
        if not self.json_api or not files:
            return _not_found()
        releases = {f.version: [_as_legacy(g) for g in files if g.version == f.version] for f in files}
        body = json.dumps({"info": {"name": name}, "releases": releases})
        return Answer(content_type="application/json", body=body.encode())

    def _file(self, path: str) -> Answer:
        for file in self.files:
            if path == unquote(file.path):
                return Answer(content_type="application/octet-stream", body=file.data)
            if path == f"{unquote(file.path)}.metadata" and file.metadata is not None:
                return Answer(content_type="application/octet-stream", body=file.metadata)
        return _not_found()


def _part(answer: Answer, wanted: str) -> Answer:
    """One range of the answer (RFC 9110 14.2), if that is what is wanted."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted)
    if match is None or answer.status != HTTPStatus.OK:
        return answer
    size = len(answer.body)
    start = int(match[1]) if match[1] else max(0, size - int(match[2]))
    end = min(int(match[2]) + 1, size) if match[1] and match[2] else size
    headers = {**answer.headers, "Content-Range": f"bytes {start}-{end - 1}/{size}"}
    return replace(answer, status=HTTPStatus.PARTIAL_CONTENT, body=answer.body[start:end], headers=headers)


def _not_found() -> Answer:
    return Answer(status=404, content_type="text/plain; charset=utf-8", body=b"404 Not Found")


def _name_and_version(filename: str) -> tuple[str, str]:
    if filename.endswith(".whl"):
        name, version = filename.split("-")[:2]
    else:
        name, _, version = filename.removesuffix(".tar.gz").removesuffix(".zip").rpartition("-")
    return re.sub(r"[-_.]+", "-", name).lower(), version


def _metadata(filename: str, data: bytes) -> bytes | None:
    """A wheel's METADATA; None for anything else, and for bytes that are no zip archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            return archive.read(names[0]) if filename.endswith(".whl") and names else None
    except zipfile.BadZipFile:
        return None


def _as_html(file: FakeFile) -> str:
    attributes = ""
    if file.requires_python is not None:
        attributes += f' data-requires-python="{html.escape(file.requires_python)}"'
    if file.metadata_sha256 is not None:
        attributes += f' data-core-metadata="sha256={file.metadata_sha256}"'
    if file.yanked is not False:
        attributes += f' data-yanked="{html.escape("" if file.yanked is True else file.yanked)}"'
    fragment = f"#sha256={file.sha256}" if file.sha256 is not None else ""
    return f'<a href="{html.escape(file.href)}{fragment}"{attributes}>{html.escape(file.filename)}</a><br>\n'


def _as_json(file: FakeFile) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "filename": file.filename,
        "url": file.href,
        "hashes": {"sha256": file.sha256} if file.sha256 is not None else {},
        "size": file.size,
        "upload-time": file.upload_time,
        "requires-python": file.requires_python,
        "core-metadata": {"sha256": file.metadata_sha256} if file.metadata_sha256 is not None else None,
        "yanked": file.yanked,
    }
    return {key: value for key, value in entry.items() if value is not None}


def _as_legacy(file: FakeFile) -> dict[str, Any]:
    return {
        "filename": file.filename,
        "digests": {"sha256": file.sha256},
        "size": file.size,
        "yanked": bool(file.yanked),
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, index: FakeIndex, *connection: Any) -> None:
        self.index = index
        super().__init__(*connection)

    def handle(self) -> None:
        with suppress(ConnectionError):  # a client may leave whenever it has seen enough
            super().handle()

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0])
        self.index.requests.append(Request(self.command, path, dict(self.headers)))
        answer = self.index.respond(path, self.headers.get("Accept", "*/*"))
        self._send(_part(answer, self.headers.get("Range", "")) if self.index.parts else answer)

    do_HEAD = do_GET  # noqa: N815 - the name http.server calls

    def _send(self, answer: Answer) -> None:
        time.sleep(answer.delay)
        self.send_response(answer.status)
        headers = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body)), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(answer.body[: answer.cut_after])
            self.close_connection |= answer.cut_after is not None

    def log_message(self, *_args: object) -> None:
        """Say nothing: `FakeIndex.requests` has it all."""
