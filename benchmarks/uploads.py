"""Uploads as twine sends them: in sequence, eight at once, and how long until a reader sees the file."""

import base64
import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Iterator, Sequence

from benchmarks import clients
from benchmarks.answers import links, page_path
from benchmarks.clients import Answer
from benchmarks.machine import LOAD_CORE, cpu_seconds, pinned_to, settle
from benchmarks.programs import UploadPoint
from benchmarks.servers import Server
from benchmarks.wheels import Wheel, wheel

WHEEL_SIZE = 100 * 1000
AT_ONCE = 8
_BOUNDARY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
_VISIBLE_PATIENCE = 20.0
_TWINE_AGENT = "twine/7.0.0 CPython/3.11.7"


class UploadFailed(Exception):
    """An upload was not answered with 200, or never appeared."""


def wheels(stem: str, count: int) -> list[Wheel]:
    """Each a project of its own."""
    return [wheel(f"{stem}-{number:04d}", "1.0", WHEEL_SIZE) for number in range(count)]


def upload_all(server: Server, point: UploadPoint, files: Sequence[Wheel], at_once: int) -> dict[str, float]:
    """Upload them over `at_once` kept connections; CPU is the server's, in microseconds for one upload, and so are the times."""
    requests = [upload_request(server.port, point, file) for file in files]
    settle(server.pid)
    before = cpu_seconds(server.pid)
    with pinned_to(LOAD_CORE):
        began = time.perf_counter()
        times = _send_all(server.port, requests, at_once)
        seconds = time.perf_counter() - began
    # A server may have put work off until after its answer; it belongs to the upload.
    settle(server.pid)
    cpu = cpu_seconds(server.pid) - before
    for file in files:
        _await_file(server.port, file)
    times.sort()
    count = len(times)
    return {
        "cpu": cpu * 1e6 / count,
        "rate": count / seconds,
        "p50": times[count // 2] * 1e6,
        "p99": times[count * 99 // 100] * 1e6,
        "requests": count,
    }


def visible(server: Server, point: UploadPoint, project: str, count: int) -> dict[str, float]:
    """From the answer to an upload until the project's page, read before and asked again and again, lists the file; microseconds."""
    times = []
    for number in range(count):
        file = wheel(project, f"2.{number}", WHEEL_SIZE)
        request = upload_request(server.port, point, file)
        clients.exchange(server.port, clients.page_request(server.port, page_path(project)))
        _accepted(clients.exchange(server.port, request))
        times.append(_await_file(server.port, file))
    times.sort()
    return {"p50": times[len(times) // 2] * 1e6, "max": times[-1] * 1e6, "requests": count}


def _send_all(port: int, requests: Sequence[bytes], at_once: int) -> list[float]:
    times: list[float] = []
    failures: list[Exception] = []

    def work(share: Sequence[bytes]) -> None:
        try:
            times.extend(_send_each(port, share))
        except Exception as error:  # noqa: BLE001 - raised again below, where the run can see it
            failures.append(error)

    threads = [threading.Thread(target=work, args=(requests[number::at_once],)) for number in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise UploadFailed(str(failures[0]))
    return times


def _send_each(port: int, requests: Sequence[bytes]) -> Iterator[float]:
    with contextlib.ExitStack() as stack:
        connection: socket.socket | None = None
        for request in requests:
            began = time.perf_counter()
            if connection is None:
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
            answer = clients.send(connection, request)
            yield time.perf_counter() - began
            _accepted(answer)
            if answer.headers.get("connection", "").lower() == "close":
                connection = None


def _accepted(answer: Answer) -> None:
    if answer.status != 200:
        raise UploadFailed(f"an upload was answered with {answer.status}: {answer.body[:120]!r}")


def _await_file(port: int, file: Wheel) -> float:
    path = page_path(file.project)
    request = clients.page_request(port, path)
    began = time.perf_counter()
    while time.perf_counter() - began < _VISIBLE_PATIENCE:
        answer = clients.exchange(port, request)
        if answer.status == 200 and any(link.endswith(file.filename) for link in links(answer, path)):
            return time.perf_counter() - began
    raise UploadFailed(f"{file.filename} was accepted and is not on its page {_VISIBLE_PATIENCE:.0f} s later")


def upload_request(port: int, point: UploadPoint, file: Wheel) -> bytes:
    body = _form(file)
    credentials = base64.b64encode(f"{point.user}:{point.password}".encode()).decode()
    head = (
        f"POST {point.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {_TWINE_AGENT}\r\n"
        f"Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\nContent-Length: {len(body)}\r\n"
        f"Authorization: Basic {credentials}\r\n\r\n"
    )
    return head.encode() + body


def _form(file: Wheel) -> bytes:
    """The fields in twine's order: metadata first, the file last."""
    fields = {
        "metadata_version": "2.1",
        "name": file.project,
        "version": file.version,
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "summary": "Made for measuring",
        "requires_python": ">=3.9",
        "sha256_digest": file.sha256,
        "blake2_256_digest": hashlib.blake2b(file.content, digest_size=32).hexdigest(),
        ":action": "file_upload",
        "protocol_version": "1",
    }
    parts = [f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    content = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{file.filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return "".join([*parts, content]).encode() + file.content + f"\r\n--{_BOUNDARY}--\r\n".encode()
