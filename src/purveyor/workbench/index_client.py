"""Talks to any index as an author does: reads its simple pages, uploads a file, and puts its refusals into words."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx2

from purveyor import __version__
from purveyor.errors import IndexUnreachable, Misconfigured
from purveyor.formats.simple_reader import OfferedFile, ProjectPage, read_project
from purveyor.model.names import NormalizedName
from purveyor.workbench.candidate import Candidate
from purveyor.workbench.destination import Credentials, Destination, is_loopback, origin
from purveyor.workbench.refusals import printable, refusal

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_REDIRECTS = 5
# An index may check, scan and store a large file before it answers; a connection that carries nothing is dead sooner.
_TIMEOUT = httpx2.Timeout(60, connect=10, read=300)


class IndexClient:
    """One index. Credentials go to the upload URL's own scheme, host and port, nowhere else, and over no redirect."""

    def __init__(self, destination: Destination, credentials: Credentials | None) -> None:
        self._destination = destination
        self._credentials = credentials
        self._client = httpx2.Client(
            timeout=_TIMEOUT,
            headers={"User-Agent": f"purveyor/{__version__}"},
            follow_redirects=False,
            mounts=around_proxies(destination),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.close()

    def project(self, name: NormalizedName) -> ProjectPage | None:
        """The project as the index hosts it now, or None if it does not: what it merely has from further up is somebody else's."""
        url = httpx2.URL(self._destination.simple_url).join(f"{name}/")
        answer = self._follow(url, {"Accept": _ACCEPT, "Cache-Control": "max-age=0"})
        if answer is None or answer.status_code in (404, 410) or "x-purveyor-upstream" in answer.headers:
            return None
        if not answer.is_success:
            raise refusal(answer, f"{url} cannot be read")
        return read_project(answer.content, answer.headers.get("Content-Type", ""), str(answer.url))

    def sha256(self, file: OfferedFile) -> str:
        """The file's digest: as listed, or of its bytes where the index lists none."""
        listed = file.hashes.get("sha256")
        if listed:
            return listed
        digest = hashlib.sha256()
        identity = {"Accept-Encoding": "identity"}
        with self._sending(), self._client.stream("GET", file.url, headers=identity, auth=self._auth(file.url)) as answer:
            if not answer.is_success:
                answer.read()
                raise refusal(answer, f"{file.filename} cannot be downloaded to compare it")
            for chunk in answer.iter_raw():
                digest.update(chunk)
        return digest.hexdigest()

    def upload(self, candidate: Candidate, advance: Callable[[int], None]) -> None:
        """Send the file, streamed from the disk; raises what the index's refusal amounts to."""
        url = self._destination.upload_url
        with self._sending(), _Watched(candidate.path, advance) as content:
            answer = self._client.post(
                url,
                data=dict(candidate.form),
                files={"content": (candidate.filename, content, "application/octet-stream")},
                auth=self._auth(url),
            )
        if answer.is_redirect:
            raise Misconfigured(
                f"{url} redirects to {printable(answer.headers.get('Location', 'nowhere'))}; neither the token nor the"
                " file was sent there.",
                "If that is right, name that URL with --upload-url.",
            )
        if not answer.is_success:
            raise refusal(answer, f"{candidate.filename} was not accepted")

    def _follow(self, url: httpx2.URL, headers: dict[str, str]) -> httpx2.Response | None:
        """The answer after redirects on the same server; None if they lead to another, which then is not this index."""
        for _ in range(_REDIRECTS + 1):
            with self._sending():
                answer = self._client.get(url, headers=headers, auth=self._auth(str(url)))
            if not answer.is_redirect:
                return answer
            following = url.join(answer.headers.get("Location", ""))
            if origin(str(following)) != origin(str(url)):
                return None
            url = following
        raise IndexUnreachable(f"{url} redirects without end.", "Check the URL given with --index-url.")

    def _auth(self, url: str) -> httpx2.Auth:
        if self._credentials and origin(url) == origin(self._destination.upload_url):
            return httpx2.BasicAuth(*self._credentials)
        return httpx2.Auth()

    def _sending(self) -> "Sending":
        return Sending(self._destination)


class Sending:
    """Turns a failing connection into a sentence."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, httpx2.InvalidURL):
            raise Misconfigured(f"The index's URL cannot be used: {error}.", "Correct --index-url.") from None
        if isinstance(error, httpx2.HTTPError):
            raise self._unreachable(error) from None

    def _unreachable(self, error: httpx2.HTTPError) -> IndexUnreachable:
        parts = urlsplit(self._destination.upload_url)
        slow = isinstance(error, httpx2.TimeoutException)
        reason = "it took too long" if slow else _without_number(printable(str(error))) or type(error).__name__
        start = "Start an index with `purveyor serve`" if self._destination.is_local else "Check the network"
        return IndexUnreachable(
            f"{parts.scheme}://{parts.netloc}/ does not answer: {reason}.", f"{start}, or name another with --index-url."
        )


def _without_number(reason: str) -> str:
    """`[Errno 111] Connection refused` without what tells nobody anything."""
    return reason.rpartition("] ")[2] if reason.startswith("[Errno") else reason


class _Watched(io.FileIO):
    """A file that tells how many bytes were read."""

    def __init__(self, path: Path, advance: Callable[[int], None]) -> None:
        super().__init__(path, "rb")
        self._advance = advance

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(-1 if size is None else size)
        self._advance(len(data or b""))
        return data or b""


def around_proxies(destination: Destination) -> dict[str, None]:
    """Servers on this machine are never behind a proxy, whatever the environment says of others."""
    hosts = {urlsplit(url).hostname or "" for url in (destination.simple_url, destination.upload_url)}
    return {f"all://{f'[{host}]' if ':' in host else host}": None for host in hosts if is_loopback(host)}
