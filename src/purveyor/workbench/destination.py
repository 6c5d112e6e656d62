"""Where `publish` sends files and where it looks for them: two URLs, of which people give one, or none."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from purveyor.errors import Misconfigured
from purveyor.settings import DEFAULT_PORT

DEFAULT_ROOT = f"http://127.0.0.1:{DEFAULT_PORT}/"
_SIMPLE = ("simple", "+simple")
_UPLOAD = ("legacy",)

Credentials = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Destination:
    """Both URLs end with a slash if they were derived, and never hold credentials; those are kept apart."""

    simple_url: str
    upload_url: str
    credentials: Credentials | None = None

    @classmethod
    def of(cls, index_url: str | None = None, upload_url: str | None = None) -> "Destination":
        """The URLs as given; the one that is missing is derived: .../simple/ and .../legacy/ stand side by side.

        A URL that ends with neither is the root above both. Raises `Misconfigured` for what is no http(s) URL.
        """
        index = _split(index_url) if index_url else None
        upload = _split(upload_url) if upload_url else None
        if index and upload:
            simple, target = _bare(index), _bare(upload)
        elif upload:
            simple, target = _joined(_above(upload, _UPLOAD), "simple/"), _bare(upload)
        else:
            index = index or _split(DEFAULT_ROOT)
            root = _above(index, _SIMPLE + _UPLOAD)
            simple = _bare(index) if _last(index) in _SIMPLE else _joined(root, "simple/")
            target = _joined(root, "legacy/")
        return cls(_with_slash(simple), target, _credentials(upload) or _credentials(index))

    @property
    def is_local(self) -> bool:
        """Whether files go to a server on this very machine."""
        return is_loopback(urlsplit(self.upload_url).hostname or "")


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port: what must be equal for credentials to be sent."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable:
        shown = re.sub("//.*@", "//", url, flags=re.DOTALL)  # what stands before the @ may be a password
        raise Misconfigured(f"{shown!r} is not an http or https URL.", f"Give one such as {DEFAULT_ROOT}simple/.")
    return parts._replace(query="", fragment="")


def _bare(parts: SplitResult) -> str:
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _last(parts: SplitResult) -> str:
    return parts.path.rstrip("/").rpartition("/")[2]


def _above(parts: SplitResult, endings: tuple[str, ...]) -> SplitResult:
    """The root: the URL without its last segment if that is one of `endings`."""
    path = parts.path.rstrip("/")
    return parts._replace(path=path.rpartition("/")[0] if _last(parts) in endings else path)


def _joined(root: SplitResult, segment: str) -> str:
    return f"{_bare(root)}/{segment}"


def _with_slash(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"


def _credentials(parts: SplitResult | None) -> Credentials | None:
    if parts is None or parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")
