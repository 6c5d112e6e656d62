"""What real clients send, byte for byte, and a plain exchange of one request for one answer."""

import gzip
import http.client
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# As pip 26.3 and uv 0.13.9 send them on Linux: order, case and length included, because parsing them is part of a server's work.
_PIP_AGENT = (
    'pip/26.3 {"ci":null,"cpu":"x86_64","distro":{"id":"bookworm","libc":{"lib":"glibc","version":"2.36"},"name":"Debian GNU/Linux",'
    '"version":"12"},"implementation":{"name":"CPython","version":"3.11.7"},"installer":{"name":"pip","version":"26.3"},'
    '"openssl_version":"OpenSSL 3.0.19 27 Jan 2026","python":"3.11.7","rustc_version":"1.95.0",'
    '"system":{"name":"Linux","release":"6.18.44"}}'
)
_UV_AGENT = (
    'uv/0.13.9 {"installer":{"name":"uv","version":"0.13.9","subcommand":["pip","install"]},"python":"3.11.7",'
    '"implementation":{"name":"CPython","version":"3.11.7"},'
    '"distro":{"name":"Debian GNU/Linux","version":"12","id":"bookworm","libc":{"lib":"glibc","version":"2.36"}},'
    '"system":{"name":"Linux","release":"6.18.44"},"cpu":"x86_64","openssl_version":null,"setuptools_version":null,"rustc_version":null,"ci":null}'
)
_PIP_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
_UV_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"

_SLOWEST_ANSWER = 120.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def content(self) -> bytes:
        """The body without its content coding."""
        coding = self.headers.get("content-encoding", "identity")
        if coding == "gzip":
            return gzip.decompress(self.body)
        if coding == "zstd":
            return zstd.decompress(self.body)
        return self.body


def page_request(port: int, path: str, *, encoding: str = "gzip, deflate", agent: str = _PIP_AGENT, etag: str = "") -> bytes:
    """A page as pip asks for it."""
    condition = f"If-None-Match: {etag}\r\n" if etag else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {agent}\r\nAccept-Encoding: {encoding}\r\n"
        f"Accept: {_PIP_ACCEPT}\r\n{condition}Connection: keep-alive\r\n\r\n"
    ).encode()


def varied_page_requests(port: int, path: str, count: int = 64) -> list[bytes]:
    """The same request from that many installations, each with a User-Agent of its own."""
    return [page_request(port, path, agent=_PIP_AGENT.replace("3.11.7", f"3.11.{number}")) for number in range(count)]


def uv_page_request(port: int, path: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nAccept-Encoding: gzip, deflate, zstd\r\nAccept: {_UV_ACCEPT}\r\n"
        f"User-Agent: {_UV_AGENT}\r\nHost: 127.0.0.1:{port}\r\n\r\n"
    ).encode()


def file_request(port: int, path: str) -> bytes:
    """A distribution file as pip asks for it."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {_PIP_AGENT}\r\nAccept-Encoding: identity\r\nAccept: */*\r\n"
        "Connection: keep-alive\r\n\r\n"
    ).encode()


def exchange(port: int, request: bytes) -> Answer:
    """One request on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SLOWEST_ANSWER) as connection:
        return send(connection, request)


def send(connection: socket.socket, request: bytes) -> Answer:
    connection.sendall(request)
    response = http.client.HTTPResponse(connection, method="GET")
    response.begin()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
