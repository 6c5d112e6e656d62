"""Whether a link leads from the outside further into one's own network, where an index out there has no business."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

_OUTSIDE, _NETWORK, _MACHINE = range(3)


def is_further_inside(index_url: str, url: str) -> bool:
    """Whether `url` names an address nearer to this machine than the index is: a public index has no files on a private address.

    Link-local addresses, where clouds keep their secrets, are nearer than anything.
    """
    return _depth(url) > _depth(index_url)


def _depth(url: str) -> int:
    return max((_inwards(address) for address in _addresses(urlsplit(url).hostname or "")), default=_OUTSIDE)


def _inwards(address: IPv4Address | IPv6Address) -> int:
    mapped = getattr(address, "ipv4_mapped", None) or address
    if mapped.is_loopback or mapped.is_link_local or mapped.is_unspecified:
        return _MACHINE
    return _NETWORK if mapped.is_private else _OUTSIDE


def _addresses(host: str) -> list[IPv4Address | IPv6Address]:
    """A name that cannot be looked up has none: the request itself will say so."""
    try:
        return [ip_address(host)]
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
