"""Which addresses an upstream may send us to: never further inside than where it is itself.

An upstream names the hosts of its files and redirects. Without this, one on the internet could have us ask the machines of our own network.
"""

import socket
import threading
import time
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
# A cold install needs the same few names hundreds of times at once, more than many a resolver stands.
_KNOWN_SECONDS = 30.0


class Reach(IntEnum):
    """How far inside an address is. LINK is the machine's own link, where cloud providers have their metadata, and the odd rest."""

    PUBLIC = 0
    PRIVATE = 1
    LINK = 2


def reach_of(address: str) -> Reach:
    ip = _meant(ip_address(address.partition("%")[0]))
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return Reach.LINK
    return Reach.PUBLIC if ip.is_global else Reach.PRIVATE


def _meant(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv6 address may stand for an IPv4 one."""
    if isinstance(ip, IPv4Address):
        return ip
    inner = IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
    return ip.ipv4_mapped or ip.sixtofour or inner or ip


class OutOfReach(Exception):
    """A host is further inside than it may be."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is an address of a network that this upstream may not lead to")


class Addresses:
    """What names stand for, each looked up once however many ask, and known for half a minute."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, list[str]]] = {}
        self._turns: dict[str, threading.Lock] = {}

    def of(self, host: str) -> list[str]:
        """Raises OSError for a name that nobody knows."""
        with self._turns.setdefault(host, threading.Lock()):
            until, found = self._known.get(host, (0.0, []))
            if time.monotonic() >= until:
                entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
                found = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
                self._known[host] = time.monotonic() + _KNOWN_SECONDS, found
            return found

    def within(self, host: str, most: Reach) -> list[str]:
        """Those of them that are no further inside than that; raises `OutOfReach` where there are none."""
        near = [address for address in self.of(host) if reach_of(address) <= most]
        if not near:
            raise OutOfReach(host)
        return near
