"""Remote indexes over HTTP. Nothing that they answer is believed, and nothing of it can be endless."""

import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from isal import isal_zlib

from purveyor import __version__
from purveyor.adapters.connecting import Connecting, origin
from purveyor.adapters.reach import OutOfReach
from purveyor.adapters.transfers import Headers, Transfer, TransferFailed
from purveyor.errors import UpstreamFailed
from purveyor.formats.codings import Damaged
from purveyor.interfaces import FetchedPage, FilePart, RemoteFile, Unchanged, Validators
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
# A page may take this many times the silence that is allowed within it.
_WHOLE_PAGE = 3
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})", re.IGNORECASE)
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})\Z", re.ASCII)
_NEVER_FRESH = re.compile(r"(?:^|[\s,])(?:no-cache|no-store)", re.IGNORECASE)


class HttpUpstream:
    """`silence` is for how many seconds an upstream may say nothing; hosts in `trusted` may be led to wherever they are.

    `via` is what this server calls itself in its requests, so that it knows them again (RFC 9110 7.6.3).
    """

    def __init__(self, silence: float, via: str, trusted: frozenset[str] = frozenset()) -> None:
        self._via = (b"via", f"1.1 {via}".encode())
        self._silence = silence
        self._connecting = Connecting(silence, trusted)

    def page(self, index_url: str, name: NormalizedName, known: Validators) -> FetchedPage | Unchanged | None:
        url = f"{_without_credentials(index_url).rstrip('/')}/{name}/"
        headers = [(b"accept", _ACCEPT), (b"accept-encoding", b"gzip"), *_conditions(known)]
        with self._answer(index_url, url, headers, PAGE_LIMIT, _WHOLE_PAGE * self._silence) as (where, answer):
            lifetime = _lifetime(answer)
            if answer.status == 304 and known != Validators():  # noqa: PLR2004 - Not Modified
                return Unchanged(lifetime)
            if answer.status in _GONE:
                return None
            _check(index_url, answer, f"for {name}")
            body = _unpacked(answer.whole(), _field(answer, "content-encoding").lower(), index_url)
            validators = Validators(_field(answer, "etag") or None, _field(answer, "last-modified") or None)
            return FetchedPage(body, _field(answer, "content-type"), where, validators, lifetime)

    @contextmanager
    def file(self, index_url: str, url: str) -> Iterator[RemoteFile]:
        with self._answer(index_url, url, [(b"accept-encoding", b"identity")]) as (_, answer):
            _check(index_url, answer, f"for {urlsplit(url).path.rpartition('/')[2]}")
            # Never decoded, whatever Content-Encoding says: some servers take the gzip of an sdist for their own.
            size = _field(answer, "content-length")
            yield RemoteFile(int(size) if size.isdecimal() else None, answer.pieces())

    def part(self, index_url: str, url: str, start: int, length: int) -> FilePart | None:
        wanted = f"bytes=-{length}" if start < 0 else f"bytes={start}-{start + length - 1}"
        headers = [(b"accept-encoding", b"identity"), (b"range", wanted.encode())]
        # Whoever ignores the range sends the whole file, which is broken off at the limit.
        with self._answer(index_url, url, headers, length, _WHOLE_PAGE * self._silence) as (_, answer):
            given = _CONTENT_RANGE.match(_field(answer, "content-range"))
            if answer.status != 206 or given is None:  # noqa: PLR2004 - Partial Content
                return None
            first, last, size = map(int, given.groups())
            if last - first >= length:
                return None
            try:
                data = answer.whole()
            except TransferFailed:
                return None
            return FilePart(first, data, size) if len(data) == last - first + 1 else None

    def close(self) -> None:
        self._connecting.close()

    @contextmanager
    def _answer(
        self, index_url: str, url: str, headers: Headers, limit: int | None = None, seconds: float = 0.0
    ) -> Iterator[tuple[str, Transfer]]:
        """The last answer after redirects, and its URL; whatever breaks in here or while it is read is the upstream's failure."""
        try:
            for _ in range(_REDIRECTS + 1):
                target = _ascii(url)
                fields = [_AGENT, self._via, *headers, *_credentials(index_url, url)]
                answer = self._connecting.get(index_url, target, fields, limit, seconds)
                try:
                    answer.begun()
                    if answer.status not in _REDIRECT_CODES:
                        yield url, answer
                        return
                    url = _followed(index_url, url, _field(answer, "location"))
                finally:
                    answer.close()
        except (TransferFailed, OutOfReach, OSError) as error:
            raise _failure(index_url, url, error) from None
        except ValueError:
            raise UpstreamFailed(f"The upstream {shown(index_url)} leads to what is no URL.") from None
        raise UpstreamFailed(f"The upstream {shown(index_url)} redirects more than {_REDIRECTS} times.")


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


def _followed(index_url: str, url: str, location: str) -> str:
    following = urljoin(url, location)
    if not location or urlsplit(following).scheme.lower() not in ("http", "https"):
        raise UpstreamFailed(f"The upstream {shown(index_url)} redirects to what is no http or https URL.")
    if urlsplit(url).scheme.lower() == "https" and urlsplit(following).scheme.lower() == "http":
        raise UpstreamFailed(f"The upstream {shown(index_url)} redirects from https to http.")
    return following


def _check(index_url: str, answer: Transfer, what: str) -> None:
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


def _lifetime(answer: Transfer) -> int:
    field = _field(answer, "cache-control")
    found = _MAX_AGE.search(field)
    return 0 if found is None or _NEVER_FRESH.search(field) else int(found[1])


def _field(answer: Transfer, name: str) -> str:
    """The field's last line; empty if there is none."""
    key = name.encode()
    return next((value.decode("latin-1").strip() for field, value in reversed(answer.headers) if field == key), "")


def _unpacked(body: bytes, coding: str, index_url: str) -> bytes:
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip"):
        raise UpstreamFailed(f"The upstream {shown(index_url)} packs its pages as {coding[:20]!r}, which was not asked for.")
    unpacker = isal_zlib.decompressobj(wbits=31)
    try:
        unpacked: bytes = unpacker.decompress(body, PAGE_LIMIT)
    except Damaged:
        raise UpstreamFailed(f"The upstream {shown(index_url)} sends a page that cannot be unpacked.") from None
    if unpacker.unconsumed_tail:
        raise UpstreamFailed(f"The upstream {shown(index_url)} sends a page of more than {PAGE_LIMIT >> 20} MiB.")
    if not unpacker.eof:
        raise UpstreamFailed(f"The upstream {shown(index_url)} sends a page that is cut off.")
    return unpacked


def _failure(index_url: str, url: str, error: Exception) -> UpstreamFailed:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    host = urlsplit(url).hostname
    about = f"({host}) " if host != urlsplit(index_url).hostname else ""
    # What another host does says nothing of the upstream's own.
    wait = 0.0 if about else _PAUSE
    return UpstreamFailed(f"The upstream {shown(index_url)} {about}does not answer as it should: {reason}.", "Try again later.", wait=wait)
