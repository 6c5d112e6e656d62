"""Uploads as they travel: multipart bodies built by hand, so that a test can break them."""

import base64
import hashlib
from collections.abc import Mapping

from packaging.utils import parse_sdist_filename, parse_wheel_filename

from tests.api.wire import Answer, Wire
from tests.live_server import LiveServer

BOUNDARY = "a-boundary-of-the-tests"


def fields_of(filename: str, content: bytes) -> dict[str, str]:
    """What a right form says of the file."""
    wheel = filename.endswith(".whl")
    name, version = (parse_wheel_filename(filename) if wheel else parse_sdist_filename(filename))[:2]
    return {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.4",
        "name": name,
        "version": str(version),
        "filetype": "bdist_wheel" if wheel else "sdist",
        "pyversion": "py3" if wheel else "source",
        "sha256_digest": hashlib.sha256(content).hexdigest(),
    }


def body(filename: str, content: bytes, changes: Mapping[str, str | None] | None = None) -> bytes:
    """The form of an upload; `changes` replaces fields, and leaves out those that are None."""
    fields = {**fields_of(filename, content), **(changes or {})}
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
        if value is not None
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'
    return "".join([*parts, head]).encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def basic(token: str, user: str = "__token__") -> str:
    return f"Authorization: Basic {base64.b64encode(f'{user}:{token}'.encode()).decode()}"


def head(server: LiveServer, *more: str, authorization: str | None = "right") -> bytes:
    """The head of an upload, without any framing of its body; the empty line is the last of `more`'s."""
    lines = ["POST /legacy/ HTTP/1.1", "Host: index.example", f"Content-Type: multipart/form-data; boundary={BOUNDARY}", *more]
    if authorization is not None:
        lines.append(basic(server.token) if authorization == "right" else authorization)
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def post(server: LiveServer, content: bytes, *more: str, authorization: str | None = "right") -> Answer:
    """The answer to an upload with this body."""
    with Wire(server.url) as wire:
        wire.send(head(server, f"Content-Length: {len(content)}", *more, authorization=authorization) + content)
        return wire.answer()
