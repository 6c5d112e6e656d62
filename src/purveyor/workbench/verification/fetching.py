"""HTTP as `verify` needs it: every failure is an answer too, bodies are capped, credentials stay with the index."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlsplit, urlunsplit

from purveyor.errors import Misconfigured

if TYPE_CHECKING:
    import httpx2

PAGE_LIMIT = 64 << 20
"""Bytes of one page that are read at most."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PATIENCE = 20  # a whole body may take this many times the limit of one answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request. `failure` says why there is no whole answer; `status` is 0 where there is none."""

    url: str
    status: int = 0
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: bool = False
    redirects: tuple[str, ...] = ()
    failure: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300 and not self.failure  # noqa: PLR2004 - the range of success

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def outcome(self) -> str:
        """For a sentence: "answered 404 Not Found", or why there is no answer."""
        if self.failure:
            return self.failure if self.status else f"gave no answer ({self.failure})"
        return f"answered {self.status} {self.reason}".rstrip()


@dataclass(frozen=True, slots=True)
class Download:
    """A file's bytes on disk, `size` of them, with the digests that were asked for."""

    answer: Answer
    path: Path
    size: int
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """An index URL, without credentials and with its slash; `root` is what is above /simple/."""

    url: str
    credentials: tuple[str, str] | None

    @classmethod
    def of(cls, index_url: str, credentials: tuple[str, str] | None) -> Self:
        """Credentials in the URL count unless others are given. Raises `Misconfigured` for what is no http(s) URL."""
        try:
            parts = urlsplit(index_url.strip())
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port, parts = None, None, urlsplit("")
        if parts.scheme not in ("http", "https") or not host:
            raise Misconfigured(f"{_hidden(index_url)!r} is no index URL.", "Give one such as http://127.0.0.1:8080/simple/.")
        if credentials is None and parts.username is not None:
            credentials = (parts.username, parts.password or "")
        place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
        return cls(urlunsplit((parts.scheme, place, parts.path.rstrip("/") + "/", "", "")), credentials)

    @property
    def root(self) -> str:
        return self.url.removesuffix("simple/")

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def loopback(self) -> bool:
        return self.host in _LOOPBACK or self.host.startswith("127.")

    @property
    def url_with_credentials(self) -> str:
        """For pip's environment; never for a message or a command line, which other users of a machine can read."""
        if self.credentials is None:
            return self.url
        user, password = (quote(part, safe="") for part in self.credentials)
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc}"))

    def owns(self, url: str) -> bool:
        """Whether the URL is on the index's own scheme, host and port, the only place that gets the credentials."""
        return urlsplit(url)[:2] == urlsplit(self.url)[:2]


class IndexClient:
    """Asks one index, and whatever host its links lead to. `timeout` is in seconds, for each answer."""

    def __init__(self, target: Target, timeout: float) -> None:
        import httpx2  # noqa: PLC0415 - a fifth of a second that other commands do not pay

        self.target = target
        self._deadline = timeout * _PATIENCE
        self._errors = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, ValueError)
        self._client = httpx2.Client(
            timeout=timeout,
            follow_redirects=True,
            max_redirects=5,
            trust_env=not target.loopback,  # a proxy cannot reach this machine's loopback
            headers={"User-Agent": "purveyor-verify"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.close()

    def page(self, url: str, accept: str, limit: int = PAGE_LIMIT, *, follow: bool = True) -> Answer:
        """A page, decoded, at most `limit` bytes of it; `cut` tells whether there was more. `follow` means redirects."""
        body = bytearray()
        try:
            with self._stream("GET", url, {"Accept": accept}, follow=follow) as response:
                answer = _head(response)
                for chunk in self._timed(response.iter_bytes()):
                    body += chunk
                    if len(body) > limit:
                        return _with(answer, body=bytes(body[:limit]), cut=True)
                return _with(answer, body=bytes(body))
        except self._errors as error:
            return Answer(url, failure=_in_words(error, url))

    def probe(self, url: str) -> Answer:
        """Whether a URL answers, without its body: HEAD, and where a server knows no HEAD, the start of a GET."""
        answer = Answer(url)
        for method in ("HEAD", "GET"):
            try:
                with self._stream(method, url, {"Accept-Encoding": "identity"}) as response:
                    answer = _head(response)
            except self._errors as error:
                answer = Answer(url, failure=_in_words(error, url))
            if answer.ok:
                break
        return answer

    def download(self, url: str, path: Path, algorithms: tuple[str, ...], limit: int) -> Download:
        """A distribution file exactly as sent, hashed on the way to `path`; `cut` where it is over `limit` bytes."""
        hashers = {name: hashlib.new(name) for name in algorithms}
        size = 0
        answer = Answer(url)
        try:
            with self._stream("GET", url, {"Accept-Encoding": "identity"}) as response, path.open("wb") as out:
                answer = _head(response)
                for chunk in self._timed(response.iter_raw()):
                    size += len(chunk)
                    if size > limit:
                        return Download(_with(answer, cut=True), path, size, {})
                    out.write(chunk)
                    for hasher in hashers.values():
                        hasher.update(chunk)
        except self._errors as error:
            answer = _with(answer, failure=f"broke off after {size} bytes ({_in_words(error, url)})" if size else _in_words(error, url))
        return Download(answer, path, size, {name: hasher.hexdigest() for name, hasher in hashers.items()})

    @contextmanager
    def _stream(self, method: str, url: str, headers: Mapping[str, str], *, follow: bool = True) -> "Iterator[httpx2.Response]":
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"{url!r} is no http or https URL")
        auth = self.target.credentials if self.target.owns(url) else None
        with self._client.stream(method, url, headers=dict(headers), auth=auth, follow_redirects=follow) as response:
            yield response

    def _timed(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """An index that sends a byte now and then meets no read timeout; this ends it all the same."""
        end = time.monotonic() + self._deadline
        for chunk in chunks:
            if time.monotonic() > end:
                raise ValueError(f"the body took longer than {self._deadline:.0f} seconds")
            yield chunk


def _head(response: "httpx2.Response") -> Answer:
    return Answer(
        url=str(response.url),
        status=response.status_code,
        reason=response.reason_phrase,
        headers={name.lower(): value for name, value in response.headers.items()},
        redirects=tuple(f"{hop.status_code} to {hop.headers.get('location', '?')}" for hop in response.history),
    )


def _with(answer: Answer, *, body: bytes = b"", cut: bool = False, failure: str = "") -> Answer:
    return Answer(answer.url, answer.status, answer.reason, answer.headers, body, cut, answer.redirects, failure or answer.failure)


def _in_words(error: Exception, url: str) -> str:
    """One line; an exception without a message is told by its kind, and a redirect that led there is named."""
    kind = type(error).__name__
    text = " ".join(str(error).split())[:200] or kind
    asked = url
    with suppress(RuntimeError):  # httpx2's way of saying that an error has no request
        asked = str(request.url) if (request := getattr(error, "request", None)) else url
    where = f", after a redirect to {asked}" if asked != url else ""
    return (f"timed out ({kind})" if "Timeout" in kind else text) + where


def _hidden(url: str) -> str:
    """The URL without what may be a password."""
    return url.rpartition("@")[2]
