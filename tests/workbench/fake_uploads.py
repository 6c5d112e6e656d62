"""An index on a real port that takes uploads, right or odd, and remembers what it was sent."""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    content_type: str = "text/plain"
    body: bytes = b""
    reason: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class UploadIndex:
    """`reply` answers uploads, which are kept if it is a success or `keeps`; `unknown` answers for a project not there.

    `digests` says whether pages state them; the first `hidden_reads` reads after an upload do not show it yet; an index
    that `corrupts` keeps other bytes than it was sent.
    """

    def __init__(
        self,
        reply: Reply | None = None,
        *,
        unknown: Reply | None = None,
        digests: bool = True,
        hidden_reads: int = 0,
        keeps: bool = False,
        corrupts: bool = False,
    ) -> None:
        self.reply = reply or Reply()
        self.unknown = unknown or Reply(404)
        self.digests = digests
        self.hidden_reads = hidden_reads
        self.keeps = keeps or self.reply.status == 200
        self.corrupts = corrupts
        self.files: dict[str, bytes] = {}
        self.forms: list[dict[str, list[str]]] = []
        self.authorizations: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple/"
        self.upload_url = f"http://127.0.0.1:{self._server.server_port}/legacy/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def page(self) -> str | None:
        """The one project's page, in HTML, as the plainest of indexes have it."""
        if not self.files:
            return None
        if self.hidden_reads:
            self.hidden_reads -= 1
            return None
        links = [f'<a href="/files/{name}{self._fragment(data)}">{name}</a>' for name, data in self.files.items()]
        return "<!DOCTYPE html><html><body>" + "<br>".join(links) + "</body></html>"

    def _fragment(self, data: bytes) -> str:
        return f"#sha256={hashlib.sha256(data).hexdigest()}" if self.digests else ""


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, index: UploadIndex, *arguments: object) -> None:
        self.index = index
        super().__init__(*arguments)  # type: ignore[arg-type]  # the server passes what the base class takes

    def do_GET(self) -> None:
        self._remember()
        if self.path.startswith("/files/"):
            self._answer(Reply(200, "application/octet-stream", self.index.files[self.path.removeprefix("/files/")]))
            return
        page = self.index.page()
        self._answer(self.index.unknown if page is None else Reply(200, "text/html", page.encode()))

    def do_POST(self) -> None:
        self._remember()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message = message_from_bytes(b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + body)
        form: dict[str, list[str]] = {}
        for part in message.walk():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if name == "content" and isinstance(content, bytes) and self.index.keeps:
                self.index.files[part.get_filename() or ""] = content + (b"!" if self.index.corrupts else b"")
            elif isinstance(name, str) and name != "content" and isinstance(content, bytes):
                form.setdefault(name, []).append(content.decode())
        self.index.forms.append(form)
        self._answer(self.index.reply)

    def _remember(self) -> None:
        if "Authorization" in self.headers:
            self.index.authorizations.append(self.headers["Authorization"])

    def _answer(self, reply: Reply) -> None:
        self.send_response(reply.status, reply.reason)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass
