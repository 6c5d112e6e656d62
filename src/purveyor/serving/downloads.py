"""Where clients fetch distribution files: from this server, or from another that it sends them to."""

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote

from msgspec import Struct

from purveyor.errors import Misconfigured
from purveyor.model.files import DistributionFile
from purveyor.settings import Settings

_LINKS = 10_000
_PUBLIC_AGE = 3600


class Place(Struct, frozen=True):
    """`url` is where the file is until `until`, and a client may remember that for `max_age` seconds.

    With `within` it is no place for clients, but one that the web server in front of us knows.
    """

    url: str
    max_age: int = 0
    shared: bool = False
    until: datetime | None = None
    within: bool = False


Find = Callable[[str], Place]
"""From a blob's sha256 to its place."""


class Downloads:
    """`find` for files of at least `least` bytes; all others, and all of them without it, are sent from here."""

    def __init__(self, find: Find | None = None, least: int = 0) -> None:
        self._find = find
        self._least = least

    def place(self, file: DistributionFile) -> Place | None:
        return None if self._find is None or file.size < self._least else self._find(file.sha256)


class SignedLinks:
    """Links to a store under which anybody can GET one file for `life` seconds.

    One is given out for half of them, and may be remembered for another quarter: whoever begins a download has a quarter left for that.
    """

    def __init__(self, sign: Callable[[str, int], str], life: int, now: Callable[[], datetime]) -> None:
        self._sign = sign
        self._life = life
        self._now = now
        self._places: dict[str, Place] = {}

    def __call__(self, sha256: str) -> Place:
        now = self._now()
        place = self._places.get(sha256)
        if place is None or place.until is None or place.until <= now:
            if len(self._places) >= _LINKS:
                self._places.clear()
            until = now + timedelta(seconds=self._life / 2)
            place = self._places[sha256] = Place(self._sign(sha256, self._life), self._life // 4, until=until)
        return place


def chosen(settings: Settings, sign: Callable[[str, int], str] | None, now: Callable[[], datetime]) -> Downloads:
    """As the settings want it; `sign` makes links to the store that the blobs are in, None where they are in the data directory.

    Raises `Misconfigured` where nothing is there that could hand files out like that.
    """
    least, base = settings.redirected_from, settings.download_url
    if settings.folder is not None and (settings.accel, least) != ("none", None):
        raise Misconfigured("The files of a folder that is served are sent from here.", "Unset PURVEYOR_DOWNLOADS and PURVEYOR_ACCEL.")
    if settings.accel != "none":
        if sign is not None or least is not None:
            raise Misconfigured(
                "nginx can send files of the data directory only.", "Unset PURVEYOR_ACCEL, or PURVEYOR_BLOBS and PURVEYOR_DOWNLOADS."
            )
        return Downloads(handed_over(settings.accel))
    if base != "none" and least is None:
        raise Misconfigured("PURVEYOR_DOWNLOAD_URL says where redirects go, but there are none.", "Set PURVEYOR_DOWNLOADS to redirect.")
    if least is None:
        return Downloads()
    if base != "none":
        return Downloads(public(base), least)
    if sign is None:
        raise Misconfigured("Files of the data directory have no links to redirect to.", "Set PURVEYOR_BLOBS, or PURVEYOR_DOWNLOAD_URL.")
    return Downloads(SignedLinks(sign, settings.download_life, now), least)


def public(base: str) -> Find:
    """Below a URL that has the store's blobs for everybody, such as a CDN in front of it."""
    return lambda sha256: Place(f"{base.rstrip('/')}/{_path(sha256)}", _PUBLIC_AGE, shared=True)


def handed_over(prefix: str) -> Find:
    """Below a location of the web server in front of us that leads to `blobs/` in the data directory."""
    return lambda sha256: Place(f"/{quote(prefix.strip('/'))}/{_path(sha256)}", within=True)


def _path(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:]}"
