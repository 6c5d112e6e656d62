"""What the head of a request must be before anything else looks at it (RFC 9112)."""

from collections.abc import Iterator, Sequence

HEAD_LIMIT = 64 << 10
TARGET_LIMIT = 8 << 10


def complaint(method: bytes, target: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    """The status and the sentence with which to refuse the request, or None. Names of fields are in lower case."""
    return next(_complaints(method, target, version, headers), None)


def _complaints(method: bytes, target: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]) -> Iterator[tuple[int, str]]:
    if len(target) > TARGET_LIMIT:
        yield 414, f"The request's target is longer than {TARGET_LIMIT} bytes."
    if sum(len(name) + len(value) + len(": \r\n") for name, value in headers) > HEAD_LIMIT:
        yield 431, "The head of the request is too large."
    if version not in ("1.0", "1.1"):
        yield 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here."
    if method == b"CONNECT":
        yield 501, "This is an index, not a proxy."
    hosts = sum(name == b"host" for name, _ in headers)
    if hosts > 1 or (hosts == 0 and version != "1.0"):
        yield 400, "The request must have exactly one Host field (RFC 9112 3.2)."
    names = {name for name, _ in headers}
    if {b"content-length", b"transfer-encoding"} <= names:
        yield 400, "The request has both Content-Length and Transfer-Encoding (RFC 9112 6.1)."
