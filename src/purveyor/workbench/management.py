"""Talks to a Purveyor's management API: changes indexes and what they host."""

from types import TracebackType
from typing import Any, Self

import httpx2

from purveyor import __version__
from purveyor.errors import IndexUnreachable, NotAuthenticated
from purveyor.formats.simple_reader import media_type
from purveyor.workbench.destination import Credentials, Destination
from purveyor.workbench.index_client import Sending, around_proxies
from purveyor.workbench.refusals import stated

_TIMEOUT = httpx2.Timeout(60, connect=10)


class Management:
    """One index of a server; `index` is its name, or None for the one that the destination leads to."""

    def __init__(self, destination: Destination, credentials: Credentials | None, index: str | None = None) -> None:
        if credentials is None:
            raise NotAuthenticated("Changing an index needs its token.", "Give it in PURVEYOR_TOKEN or with --token-file.")
        self._destination = destination
        above = destination.simple_url.rstrip("/").rpartition("/")[0]
        self.root = f"{above}/{index}/" if index else f"{above}/"
        self._client = httpx2.Client(
            timeout=_TIMEOUT,
            headers={
                "User-Agent": f"purveyor/{__version__}",
                "Accept": "application/json",
                "Authorization": f"Bearer {credentials[1]}",
            },
            follow_redirects=False,
            mounts=around_proxies(destination),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.close()

    def call(self, method: str, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer's document; raises what the server's refusal amounts to, and `IndexUnreachable` where none answers."""
        url = f"{self.root}api/{path}"
        with Sending(self._destination):
            answer = self._client.request(method, url, json=document)
        if media_type(answer.headers.get("Content-Type", "")) not in ("application/json", "application/problem+json"):
            raise IndexUnreachable(
                f"{url} is not answered as a Purveyor would ({answer.status_code}).", "Check the URL given with --index-url."
            )
        if not answer.is_success:
            raise stated(answer)
        done: dict[str, Any] = answer.json()
        return done
