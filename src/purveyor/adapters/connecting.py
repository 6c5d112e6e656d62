"""Pools of connections to upstreams and to the hosts that these name."""

import threading
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2

from purveyor.adapters.reach import OutOfReach, Reach, Within, addresses, reach_of

_CONNECTIONS = 64
_KEPT = 32
_KEPT_SECONDS = 30.0
_PORTS = {"http": 80, "https": 443}


class Pools:
    """One pool for each way of connecting; `trusted` hosts may be asked wherever they are."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._trusted = frozenset(trusted)
        self._pools: dict[tuple[Reach, str], httpcore2.ConnectionPool] = {}
        self._reaches: dict[str, Reach] = {}
        self._turn = threading.Lock()

    def towards(self, index_url: str, url: str) -> httpcore2.ConnectionPool:
        """The pool for a request to `url` on behalf of the upstream at `index_url`."""
        host = urlsplit(url).hostname or ""
        free = origin(url) == origin(index_url) or host in self._trusted
        most = Reach.LINK if free else self._reach(index_url)
        proxy = _proxy_for(url)
        if proxy:
            _check_literal(host, most)
        with self._turn:
            pool = self._pools.get((most, proxy))
            if pool is None:
                pool = self._pools[most, proxy] = _pool(most, proxy)
        return pool

    def close(self) -> None:
        for pool in self._pools.values():
            with suppress(Exception):
                pool.close()

    def _reach(self, index_url: str) -> Reach:
        """Where the upstream itself is; of several addresses the outermost counts."""
        if index_url not in self._reaches:
            parts = urlsplit(index_url)
            try:
                self._reaches[index_url] = min(map(reach_of, addresses(parts.hostname or "", _port(index_url))))
            except OSError:
                return Reach.PUBLIC
        return self._reaches[index_url]


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: whoever has these in common is one server (RFC 6454 4)."""
    parts = urlsplit(url)
    return parts.scheme.lower(), (parts.hostname or "").lower(), _port(url)


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or _PORTS.get(parts.scheme.lower(), 0)


def _pool(most: Reach, proxy: str) -> httpcore2.ConnectionPool:
    return httpcore2.ConnectionPool(
        ssl_context=httpcore2.default_ssl_context(),
        proxy=_proxy(proxy) if proxy else None,
        max_connections=_CONNECTIONS,
        max_keepalive_connections=_KEPT,
        keepalive_expiry=_KEPT_SECONDS,
        # Through a proxy the address connected to is the proxy's; it is the one to look where requests go.
        network_backend=None if proxy else Within(most),
    )


def _proxy_for(url: str) -> str:
    """The environment's proxy for the URL; empty if there is none, as for any host of this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    with suppress(ValueError):
        if host == "localhost" or reach_of(host) is not Reach.PUBLIC:
            return ""
    return "" if proxy_bypass(host) else getproxies().get(parts.scheme.lower(), "")


def _proxy(url: str) -> httpcore2.Proxy:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return httpcore2.Proxy(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), auth=auth)


def _check_literal(host: str, most: Reach) -> None:
    with suppress(ValueError):
        if reach_of(host) > most:
            raise OutOfReach(f"{host} is an address of a network that this upstream may not lead to")
