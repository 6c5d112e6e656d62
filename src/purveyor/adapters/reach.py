"""Which addresses an upstream may send us to: never further inside than where it is itself.

An upstream names the hosts of its files and redirects. Without this, one on the internet could have us ask the machines of our own network.
"""

import socket
from collections.abc import Iterable
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpcore2

_NAT64 = IPv6Network("64:ff9b::/96")


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


def addresses(host: str, port: int) -> list[str]:
    """Raises OSError for a name that nobody knows."""
    return list(dict.fromkeys(str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


class OutOfReach(httpcore2.ConnectError):
    """A host is further inside than it may be."""


class Within(httpcore2.SyncBackend):
    """Connects to no address beyond `most`: the address that was checked is the one that is connected to."""

    def __init__(self, most: Reach) -> None:
        self._most = most

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            found = addresses(host, port)
        except OSError as error:
            raise httpcore2.ConnectError(error.strerror) from error
        near = [address for address in found if reach_of(address) <= self._most]
        failure: Exception = OutOfReach(f"{host} is an address of a network that this upstream may not lead to")
        for address in near:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure
