"""Asks another index, with patience and with care: for pages on its own host, for files wherever its pages lead.

Credentials go to the index's own scheme, host and port, nowhere else. A busy index is asked again when it says so.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from netrc import NetrcParseError, netrc
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2

from purveyor import __version__
from purveyor.errors import IndexUnreachable, Misconfigured, NotAllowed, NotAuthenticated, NotFound, PurveyorError
from purveyor.workbench.destination import Credentials, is_loopback, origin
from purveyor.workbench.importing.addresses import is_further_inside
from purveyor.workbench.importing.offers import Content, believable
from purveyor.workbench.refusals import printable

T = TypeVar("T")

PAGE_LIMIT = 64 << 20
"""Bytes of one page that are read at most."""

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_REDIRECTS = 5
_ATTEMPTS = 4
_TIMEOUT = httpx2.Timeout(30, connect=10)
_CHUNK = 1 << 16
_ABSENT = (404, 410)
_BUSY = (408, 429, 500, 502, 503, 504)
_LONGEST_WAIT = 120.0
# A body that arrives more slowly than this, after a minute, is taken for one that never ends.
_SLOWEST = 1000
_GRACE = 60.0


@dataclass(frozen=True, slots=True)
class Page:
    """`url` is where it was read in the end."""

    body: bytes
    content_type: str
    url: str


class _Passing(Exception):
    """No error yet: another attempt may do."""

    def __init__(self, error: PurveyorError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


class Asking:
    """One index at `url`, from several threads. `stop` ends every wait and every transfer."""

    def __init__(self, url: str, credentials: Credentials | None, stop: threading.Event) -> None:
        self._url = url
        self._credentials = credentials
        self._stop = stop
        self._free_at = 0.0
        self._client = httpx2.Client(
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=not is_loopback(urlsplit(url).hostname or ""),  # a proxy cannot reach this machine's loopback
            headers={"User-Agent": f"purveyor/{__version__}", "Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        self._client.close()

    def page(self, url: str) -> Page | None:
        """A page of the index, or None where it has none. Raises `IndexUnreachable`, `NotAuthenticated`, `NotAllowed`, `Misconfigured`."""
        return self.patiently(lambda: self._page(url))

    def has_page(self, url: str) -> bool:
        """Whether the index answers there with a page, of which nothing but the head is read."""
        try:
            return self.patiently(lambda: self._page(url, limit=0)) is not None
        except NotAllowed:  # object stores say this of what is not there
            return False

    @contextmanager
    def file(self, url: str) -> Iterator[Content]:
        """A file that one of the index's pages leads to; to be used, with all of its chunks, inside `patiently`."""
        with self._following(url, {}, own=False) as response:
            if response.status_code in _ABSENT:
                raise NotFound(f"{_bare(str(response.url))} is not there ({response.status_code}).")
            self._check(response)
            yield Content(self._timed(response, response.iter_raw(_CHUNK)), believable(_date(response.headers.get("Last-Modified", ""))))

    def patiently(self, work: Callable[[], T]) -> T:
        """The work's result, after a few attempts where the index is busy or a connection breaks."""
        for attempt in range(_ATTEMPTS):
            self._wait_until(self._free_at)
            try:
                return work()
            except _Passing as passing:
                error = passing.error
                wait = 0.5 * 2**attempt if passing.wait is None else passing.wait
            if wait > _LONGEST_WAIT or attempt == _ATTEMPTS - 1:
                raise error
            # Whoever is told to wait speaks for all: the index counts requests, not threads.
            self._free_at = max(self._free_at, time.monotonic() + wait)
        raise AssertionError  # the last attempt returns or raises

    def _page(self, url: str, limit: int = PAGE_LIMIT) -> Page | None:
        with self._following(url, {"Accept": _ACCEPT, "Accept-Encoding": "gzip", "Cache-Control": "max-age=0"}, own=True) as response:
            if response.status_code in _ABSENT:
                return None
            self._check(response)
            body = bytearray()
            for chunk in self._timed(response, response.iter_bytes(_CHUNK)) if limit else ():
                body += chunk
                if len(body) > limit:
                    raise IndexUnreachable(
                        f"{url} is longer than {limit >> 20} MiB, the most that is read of a page.", "Name the projects."
                    )
            return Page(bytes(body), response.headers.get("Content-Type", ""), str(response.url))

    @contextmanager
    def _following(self, url: str, headers: dict[str, str], *, own: bool) -> Iterator[httpx2.Response]:
        """The answer after redirects: to anywhere for a file, on the index's own host for a page (`own`)."""
        for _ in range(_REDIRECTS + 1):
            self._check_url(url, own=own)
            auth = self._credentials if origin(url) == origin(self._url) else None
            with self._in_words(url), self._client.stream("GET", url, headers=headers, auth=auth) as response:
                if not response.is_redirect:
                    yield response
                    return
                url = str(response.url.join(response.headers.get("Location", "")))
        raise IndexUnreachable(f"{_bare(self._url)} redirects without end.", "Check the URL.")

    def _check_url(self, url: str, *, own: bool) -> None:
        try:
            parts = urlsplit(url)
            strange = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
            (parts.hostname or "").encode("idna")  # a name that cannot be looked up, for a label without a letter or with too many
        except ValueError:
            strange = True
        if strange:
            raise NotAllowed(f"{printable(url)[:200]!r} is no http or https URL; it is not followed.")
        if own and origin(url) != origin(self._url):
            raise Misconfigured(f"{_bare(self._url)} leads to another server, {_bare(url)}.", "If that is right, name that URL.")
        if origin(url)[1] != origin(self._url)[1] and is_further_inside(self._url, url):
            raise NotAllowed(
                f"The index leads to {_bare(url)}, an address of this network that it has no business with; it is not followed."
            )

    def _check(self, response: httpx2.Response) -> None:
        code, where = response.status_code, _bare(str(response.url))
        if response.is_success:
            return
        if code == httpx2.codes.UNAUTHORIZED:
            raise NotAuthenticated(f"{where} asks who you are (401).", "Put user and password into the URL, or into your netrc file.")
        if code == httpx2.codes.FORBIDDEN:
            raise NotAllowed(f"{where} may not be read by you (403).", "Ask whoever runs that index.")
        error = IndexUnreachable(
            f"{where} answers {code} {printable(response.reason_phrase)}.".replace(" .", "."), "Run the import again later."
        )
        if code in _BUSY:
            raise _Passing(error, _retry_after(response))
        raise error

    def _timed(self, response: httpx2.Response, chunks: Iterator[bytes]) -> Iterator[bytes]:
        began, size = time.monotonic(), 0
        with self._in_words(str(response.url)):
            for chunk in chunks:
                if self._stop.is_set():
                    raise IndexUnreachable("Interrupted.")
                size += len(chunk)
                if (spent := time.monotonic() - began) > _GRACE and size < spent * _SLOWEST:
                    raise IndexUnreachable(
                        f"{_bare(str(response.url))} sends less than {_SLOWEST} bytes a second.", "Run the import again later."
                    )
                yield chunk

    def _wait_until(self, moment: float) -> None:
        if self._stop.wait(max(0.0, moment - time.monotonic())):
            raise IndexUnreachable("Interrupted.")

    @contextmanager
    def _in_words(self, url: str) -> Iterator[None]:
        """A connection that fails may do better the next time; a URL that is none will not."""
        try:
            yield
        except httpx2.InvalidURL as error:
            raise NotAllowed(f"{printable(url)[:200]!r} is no URL: {printable(str(error))}.") from None
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            slow = isinstance(error, httpx2.TimeoutException)
            reason = "it took too long" if slow else printable(str(error)).rpartition("] ")[2] or type(error).__name__
            sentence = f"{_bare(url)} does not answer: {reason}."
            raise _Passing(IndexUnreachable(sentence, "Check the URL and the network, and run the import again.")) from None


def netrc_credentials(url: str) -> Credentials | None:
    """What the user's netrc file says of the URL's host; where it lies, `NETRC` says, else ~/.netrc."""
    named = os.environ.get("NETRC")
    path = Path(named) if named else Path(os.path.expanduser("~")) / ".netrc"  # noqa: PTH111 - raises nothing for a user without a home
    try:
        found = netrc(str(path)).authenticators(urlsplit(url).hostname or "")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from None
    except (NetrcParseError, UnicodeDecodeError):
        raise Misconfigured(f"{path} is no netrc file that can be read.", "Correct it, or name another in NETRC.") from None
    return (found[0] or found[1] or "", found[2] or "") if found else None


def _bare(url: str) -> str:
    """The URL as it may be shown: without credentials, and without a query, which may hold a signature."""
    with suppress(ValueError):
        parts = urlsplit(url)
        return printable(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl())[:300]
    return "that URL"


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds, from either form of the field (RFC 9110 10.2.3)."""
    text = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit() and len(text) < 10:  # noqa: PLR2004 - thirty years
        return float(text)
    moment = _date(text)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment else None


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
