"""Ways to upstreams and to the hosts that these name: how far each may lead, and through which proxy."""

import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from purveyor.adapters.reach import Addresses, OutOfReach, Reach, reach_of
from purveyor.adapters.transfers import Headers, Transfer, Transfers

_PORTS = {"http": 80, "https": 443}


class Connecting:
    """Connections are shared only among requests that may go equally far; `trusted` hosts may be asked wherever they are."""

    def __init__(self, silence: float, trusted: Iterable[str] = ()) -> None:
        self._silence = silence
        self._trusted = frozenset(trusted)
        self._addresses = Addresses()
        self._ways: dict[tuple[Reach, str], Transfers] = {}
        self._turn = threading.Lock()

    def get(self, index_url: str, url: str, headers: Headers, limit: int | None = None, seconds: float = 0.0) -> Transfer:
        """A request to `url`, which is ASCII, on behalf of the upstream at `index_url`; raises `OutOfReach` or OSError instead."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        free = origin(url) == origin(index_url) or host in self._trusted
        most = Reach.LINK if free else self._reach(index_url)
        proxy = _proxy_for(parts.scheme, host)
        # Through a proxy the address connected to is the proxy's; it is the one to look where requests go.
        resolved = _literal(host, most) if proxy else self._resolved(host, _port(url), most)
        return self._way(most, proxy).start(url, headers, resolved, limit, seconds)

    def close(self) -> None:
        with self._turn:
            for way in self._ways.values():
                way.close()

    def _way(self, most: Reach, proxy: str) -> Transfers:
        with self._turn:
            way = self._ways.get((most, proxy))
            if way is None:
                way = self._ways[most, proxy] = Transfers(self._silence, proxy)
            return way

    def _resolved(self, host: str, port: int, most: Reach) -> list[str]:
        """The addresses that were checked are the ones that are connected to."""
        near = self._addresses.within(host, most)
        shown = ",".join(f"[{address}]" if ":" in address else address for address in near)
        return [] if near == [host] else [f"{host}:{port}:{shown}"]

    def _reach(self, index_url: str) -> Reach:
        """Where the upstream itself is; of several addresses the outermost counts."""
        try:
            return min(map(reach_of, self._addresses.of(urlsplit(index_url).hostname or "")))
        except OSError:
            return Reach.PUBLIC


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: whoever has these in common is one server (RFC 6454 4)."""
    parts = urlsplit(url)
    return parts.scheme.lower(), (parts.hostname or "").lower(), _port(url)


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or _PORTS.get(parts.scheme.lower(), 0)


@lru_cache(maxsize=1024)
def _proxy_for(scheme: str, host: str) -> str:
    """The environment's proxy; empty if there is none, as for any host of this machine."""
    with suppress(ValueError):
        if host == "localhost" or reach_of(host) is not Reach.PUBLIC:
            return ""
    return "" if proxy_bypass(host) else getproxies().get(scheme, "")


def _literal(host: str, most: Reach) -> list[str]:
    """Nothing to resolve; raises `OutOfReach` where the host is an address, and too far inside."""
    with suppress(ValueError):
        if reach_of(host) > most:
            raise OutOfReach(host)
    return []
