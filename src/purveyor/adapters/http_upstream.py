"""Remote indexes over HTTP/1.1. Nothing that they answer is believed, and nothing of it can be endless.

On httpcore2, which is what httpx2 stands on: the address to connect to must be checked before anything is sent there, and a page's bytes
counted while they are unpacked.
"""

import re
import time
import zlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

import httpcore2

from purveyor import __version__
from purveyor.adapters.connecting import Pools, origin
from purveyor.errors import UpstreamFailed
from purveyor.interfaces import FetchedPage, RemoteFile, Unchanged, Validators
from purveyor.model.indexes import shown
from purveyor.model.names import NormalizedName

PAGE_LIMIT = 64 << 20
"""Bytes of a page once unpacked."""

_ACCEPT = b"application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_AGENT = (b"user-agent", b"purveyor/" + __version__.encode())
_REDIRECTS = 5
_REDIRECT_CODES = (301, 302, 303, 307, 308)
_GONE = (404, 410)
_BUSY = (429, 503)
# After a failure that is about the server, and not about one page; where it says itself how long, that counts, up to an hour.
_PAUSE = 5.0
_LONGEST_PAUSE = 3600.0
_CONNECT_SECONDS = 5.0
# A page may take this many times the silence that is allowed within it.
_WHOLE_PAGE = 3
_UNPACKED_AT_ONCE = 1 << 20
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})", re.IGNORECASE)
_NEVER_FRESH = re.compile(r"(?:^|[\s,])(?:no-cache|no-store)", re.IGNORECASE)
_TROUBLE = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
)
# What a kept connection that the other side has closed meanwhile looks like; a GET may be sent again (RFC 9110 9.2.2).
_LOST = (httpcore2.RemoteProtocolError, httpcore2.ReadError, httpcore2.WriteError)
Headers = list[tuple[bytes, bytes]]


class HttpUpstream:
    """`silence` is for how many seconds an upstream may say nothing; hosts in `trusted` may be led to wherever they are.

    `via` is what this server calls itself in its requests, so that it knows them again (RFC 9110 7.6.3).
    """

    def __init__(self, silence: float, via: str, trusted: frozenset[str] = frozenset()) -> None:
        self._via = (b"via", f"1.1 {via}".encode())
        self._silence = silence
        self._pools = Pools(trusted)

    def page(self, index_url: str, name: NormalizedName, known: Validators) -> FetchedPage | Unchanged | None:
        url = f"{_without_credentials(index_url).rstrip('/')}/{name}/"
        headers = [(b"accept", _ACCEPT), (b"accept-encoding", b"gzip"), *_conditions(known)]
        deadline = time.monotonic() + _WHOLE_PAGE * self._silence
        with self._answer(index_url, url, headers) as (where, answer):
            lifetime = _lifetime(answer)
            if answer.status == 304 and known != Validators():  # noqa: PLR2004 - Not Modified
                return Unchanged(lifetime)
            if answer.status in _GONE:
                return None
            _check(index_url, answer, f"for {name}")
            body = b"".join(_unpacked(answer, index_url, deadline))
            validators = Validators(_field(answer, "etag") or None, _field(answer, "last-modified") or None)
            return FetchedPage(body, _field(answer, "content-type"), where, validators, lifetime)

    @contextmanager
    def file(self, index_url: str, url: str) -> Iterator[RemoteFile]:
        with self._answer(index_url, url, [(b"accept-encoding", b"identity")]) as (_, answer):
            _check(index_url, answer, f"for {urlsplit(url).path.rpartition('/')[2]}")
            # Never decoded, whatever Content-Encoding says: some servers take the gzip of an sdist for their own.
            size = _field(answer, "content-length")
            yield RemoteFile(int(size) if size.isdecimal() else None, answer.iter_stream())

    def close(self) -> None:
        self._pools.close()

    @contextmanager
    def _answer(self, index_url: str, url: str, headers: Headers) -> Iterator[tuple[str, httpcore2.Response]]:
        """The last answer after redirects, and its URL; whatever breaks in here or while it is read is the upstream's failure."""
        try:
            for _ in range(_REDIRECTS + 1):
                answer = self._ask(index_url, url, headers)
                try:
                    if answer.status not in _REDIRECT_CODES:
                        yield url, answer
                        return
                    url = _followed(index_url, url, _field(answer, "location"))
                finally:
                    answer.close()
        except _TROUBLE as error:
            raise _failure(index_url, url, error) from None
        except ValueError:
            raise UpstreamFailed(f"The upstream {shown(index_url)} leads to what is no URL.") from None
        raise UpstreamFailed(f"The upstream {shown(index_url)} redirects more than {_REDIRECTS} times.")

    def _ask(self, index_url: str, url: str, headers: Headers) -> httpcore2.Response:
        pool = self._pools.towards(index_url, url)
        timeout = {"connect": min(_CONNECT_SECONDS, self._silence), "read": self._silence, "write": self._silence, "pool": self._silence}
        target = _ascii(url)
        fields = [(b"host", _host(target)), _AGENT, self._via, *headers, *_credentials(index_url, url)]
        request = httpcore2.Request("GET", target, headers=fields, extensions={"timeout": timeout})
        try:
            return pool.handle_request(request)
        except _LOST:
            return pool.handle_request(request)


def _conditions(known: Validators) -> Headers:
    if known.etag:
        return [(b"if-none-match", known.etag.encode("latin-1", "replace"))]
    return [(b"if-modified-since", known.last_modified.encode("latin-1", "replace"))] if known.last_modified else []


def _credentials(index_url: str, url: str) -> Headers:
    """Those of the upstream's URL, for its own origin only."""
    parts = urlsplit(index_url)
    if not parts.username or origin(url) != origin(index_url):
        return []
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return [(b"authorization", b"Basic " + b64encode(pair.encode()))]


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def _ascii(url: str) -> str:
    """The URL as it may stand in a request: no credentials, no fragment, and everything but ASCII percent-encoded."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2].encode("idna").decode() if not parts.netloc.isascii() else parts.netloc.rpartition("@")[2]
    path, query = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~"), quote(parts.query, safe="/%:@!$&'()*+,;=~?")
    return urlunsplit((parts.scheme.lower(), netloc, path, query, ""))


def _host(url: str) -> bytes:
    return urlsplit(url).netloc.encode("ascii")


def _followed(index_url: str, url: str, location: str) -> str:
    following = urljoin(url, location)
    if not location or urlsplit(following).scheme.lower() not in ("http", "https"):
        raise UpstreamFailed(f"The upstream {shown(index_url)} redirects to what is no http or https URL.")
    if urlsplit(url).scheme.lower() == "https" and urlsplit(following).scheme.lower() == "http":
        raise UpstreamFailed(f"The upstream {shown(index_url)} redirects from https to http.")
    return following


def _check(index_url: str, answer: httpcore2.Response, what: str) -> None:
    if answer.status == 200:  # noqa: PLR2004 - OK
        return
    wait = _retry_after(_field(answer, "retry-after")) if answer.status in _BUSY else 0.0
    raise UpstreamFailed(f"The upstream {shown(index_url)} answers {answer.status} {what}.", "Try again later.", wait=wait)


def _retry_after(field: str) -> float:
    """Seconds, from a number of them or a date (RFC 9110 10.2.3)."""
    try:
        seconds = float(field) if field.isdecimal() else (parsedate_to_datetime(field) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return _PAUSE
    return min(max(seconds, 1.0), _LONGEST_PAUSE)


def _lifetime(answer: httpcore2.Response) -> int:
    field = _field(answer, "cache-control")
    found = _MAX_AGE.search(field)
    return 0 if found is None or _NEVER_FRESH.search(field) else int(found[1])


def _field(answer: httpcore2.Response, name: str) -> str:
    """The field's last line; empty if there is none."""
    key = name.encode()
    return next((value.decode("latin-1").strip() for field, value in reversed(answer.headers) if field.lower() == key), "")


def _unpacked(answer: httpcore2.Response, index_url: str, deadline: float) -> Iterator[bytes]:
    size = 0
    for piece in _decoded(answer, index_url):
        size += len(piece)
        if size > PAGE_LIMIT:
            raise UpstreamFailed(f"The upstream {shown(index_url)} sends a page of more than {PAGE_LIMIT >> 20} MiB.")
        if time.monotonic() > deadline:
            raise _failure(index_url, index_url, httpcore2.ReadTimeout())
        yield piece


def _decoded(answer: httpcore2.Response, index_url: str) -> Iterator[bytes]:
    coding = _field(answer, "content-encoding").lower()
    if coding in ("", "identity"):
        yield from answer.iter_stream()
        return
    if coding not in ("gzip", "x-gzip"):
        raise UpstreamFailed(f"The upstream {shown(index_url)} packs its pages as {coding[:20]!r}, which was not asked for.")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        for packed in answer.iter_stream():
            rest = packed
            while rest:
                yield unpacker.decompress(rest, _UNPACKED_AT_ONCE)
                rest = unpacker.unconsumed_tail
        yield unpacker.flush()
    except zlib.error:
        raise UpstreamFailed(f"The upstream {shown(index_url)} sends a page that cannot be unpacked.") from None
    if not unpacker.eof:
        raise UpstreamFailed(f"The upstream {shown(index_url)} sends a page that is cut off.")


def _failure(index_url: str, url: str, error: Exception) -> UpstreamFailed:
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, httpcore2.TimeoutException):
        reason = "it took too long"
    elif reason.startswith("[Errno"):
        reason = reason.rpartition("] ")[2]
    host = urlsplit(url).hostname
    about = f"({host}) " if host != urlsplit(index_url).hostname else ""
    # What another host does says nothing of the upstream's own.
    wait = 0.0 if about else _PAUSE
    return UpstreamFailed(f"The upstream {shown(index_url)} {about}does not answer as it should: {reason}.", "Try again later.", wait=wait)
