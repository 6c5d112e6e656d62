"""A bucket of S3, Google Cloud Storage or Azure, or of what speaks like them: credentials and endpoint come from the environment.

Whatever goes wrong there is `StoreFailed`, after it was tried again for some seconds; the store's own words go to the log, without what
they may say of credentials.
"""

import ipaddress
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import AzureStore, GCSStore, S3Store, from_url

from purveyor.errors import Misconfigured, StoreFailed
from purveyor.interfaces import Around, StoredBlob, unwatched

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import ClientConfig, RetryConfig

log = logging.getLogger("purveyor")

# After this long a request is not tried again, and nothing is waited for longer: whoever asks is told to come back.
_PATIENCE = timedelta(seconds=5)
_CONNECT = timedelta(seconds=2)
# One part of an upload may take this long to be sent and taken in.
_PART_PATIENCE = timedelta(seconds=60)
# A whole file may take its time, as long as bytes come.
_NO_END = timedelta(days=1)
# An upload has at most two of these in memory; a store takes 10,000 of them for one blob, so 80 GB.
_PART = 8 << 20
_PARTS_AT_ONCE = 2
_PIECE = 1 << 20
_STATUS = re.compile(r"\bstatus(?: code)?:? (\d{3})\b", re.IGNORECASE)

Bucket = S3Store | GCSStore | AzureStore


class ObjectStore:
    """What is kept below the URL, by keys relative to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.around: Around = unwatched
        self._store = _opened(url, _PATIENCE)
        self._for_parts = _opened(url, _PART_PATIENCE)

    def size(self, key: str) -> int | None:
        """None where there is no such key."""
        with self._explained("cannot be read"):
            try:
                return obstore.head(self._store, key)["size"]
            except FileNotFoundError:
                return None

    def put(self, key: str, content: BinaryIO | bytes) -> None:
        """Whole or not at all; in parts, of which few are in memory, once it is larger than one."""
        store = self._store if isinstance(content, bytes) else self._for_parts
        with self.around("blob put"), self._explained("does not take a file"):
            try:
                obstore.put(store, key, content, chunk_size=_PART, max_concurrency=_PARTS_AT_ONCE)
            except FileNotFoundError as error:
                raise StoreFailed(f"The object store has no bucket for {self.url}.", "Make it, or correct PURVEYOR_BLOBS.") from error

    def get(self, key: str) -> tuple[int, Iterator[bytes]] | None:
        """The size and the content, piece by piece; None where there is no such key."""
        with self._explained("cannot be read"):
            try:
                found = obstore.get(self._store, key)
            except FileNotFoundError:
                return None
        return found.meta["size"], self._pieces(found)

    def _pieces(self, found: "GetResult") -> Iterator[bytes]:
        with self._explained("broke off in the middle of a file"):
            for piece in found.stream(_PIECE):
                yield bytes(piece)

    def remove(self, key: str) -> None:
        with self._explained("does not remove a file"):
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError:
                return

    def keys(self, folder: str) -> Iterator[StoredBlob]:
        """Those in the folder or below it, each in the place of a digest, in order."""
        with self._explained("cannot be listed"):
            for page in obstore.list(self._store, folder):
                for found in page:
                    yield StoredBlob(found["path"], found["size"], found["last_modified"].timestamp())

    def link(self, key: str, seconds: int) -> str:
        """A URL under which anybody can GET the content for so many seconds."""
        with self._explained("gives no links"):
            return obstore.sign(self._store, "GET", key, timedelta(seconds=seconds))

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (UnauthenticatedError, PermissionDeniedError) as error:
            self._log(what, error)
            raise StoreFailed(
                f"The object store {what}: it refuses the server's credentials.", "Whoever runs the server can put them right."
            ) from error
        except (BaseError, OSError, ValueError) as error:
            self._log(what, error)
            raise StoreFailed(f"The object store {what}.", "Try again in a moment.") from error

    def _log(self, what: str, error: Exception) -> None:
        status = _STATUS.search(str(error))
        log.warning("%s %s: %s%s", self.url, what, type(error).__name__, f", status {status[1]}" if status else "")


def _opened(url: str, silence: timedelta) -> Bucket:
    options: ClientConfig = {"timeout": _NO_END, "read_timeout": silence, "connect_timeout": _CONNECT, "user_agent": "purveyor"}
    if _is_plain_and_near(os.environ):
        options["allow_http"] = True
    retries: RetryConfig = {
        "max_retries": 10,
        "retry_timeout": _PATIENCE,
        "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1), "base": 2},
    }
    try:
        store = from_url(url, client_options=options, retry_config=retries)
    except (BaseError, ValueError) as error:
        raise _unusable(url) from error
    if not isinstance(store, S3Store | GCSStore | AzureStore):
        raise _unusable(url)
    return store


def _unusable(url: str) -> Misconfigured:
    return Misconfigured(
        f"{url} cannot be used as an object store.",
        "Give s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX, and the credentials in the environment.",
    )


def _is_plain_and_near(environ: Mapping[str, str]) -> bool:
    """Whether the endpoint is http:// on this very machine, where there is nothing between that TLS could keep out."""
    for variable in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
        parts = urlsplit(environ.get(variable, ""))
        if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
            return True
    return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
