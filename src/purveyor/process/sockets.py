"""A listening socket, or an answer to "who holds this port, and how do I go on?"."""

import errno
import socket
from contextlib import closing
from typing import Any

from purveyor.errors import Misconfigured, PortTaken
from purveyor.process.holders import Holder, hidden_owner, holder_of

Address = tuple[Any, ...]
"""Host and port; for IPv6 two numbers more."""

BACKLOG = 2048
_HIGHEST_PORT = 65535
_UNPRIVILEGED = 1024
_TRIES = 200


def bind(host: str, port: int, command: str = "serve") -> socket.socket:
    """A socket that listens on `host` and `port` (0: a free one), to be handed to a server or shared by several.

    `command` is the one that people use for it, and will use again.

    Raises `PortTaken` naming who holds the port and the next free one, `Misconfigured` for an address of no use.
    """
    family, address = _resolve(host, port)
    try:
        return _listen(family, address)
    except OSError as error:
        raise _explained(error, host, family, address, command) from error


def url_of(listening: socket.socket) -> str:
    """The URL a browser on this machine can open."""
    host, port = listening.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared, not bound
    return f"http://{reachable}:{port}/"


def _resolve(host: str, port: int) -> tuple[int, Address]:
    if not 0 <= port <= _HIGHEST_PORT:
        raise Misconfigured(
            f"{port} is not a port: ports go from 1 to {_HIGHEST_PORT}.",
            "Choose one with --port, or 0 for any free one.",
        )
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:  # UnicodeError: a label longer than a name server takes
        raise Misconfigured(
            f"The host {host!r} is not known here ({getattr(error, 'strerror', None) or error}).",
            "Use --host 127.0.0.1 for this machine alone, or 0.0.0.0 for every network it is in.",
        ) from None
    # A name such as localhost stands for both families; every client tries IPv4, not every client tries IPv6.
    family, _, _, _, address = min(found, key=lambda candidate: candidate[0] != socket.AF_INET)
    return family, address


def _listen(family: int, address: Address) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A restart must not wait for the last server's closed connections. With this, Linux lets two sockets bind, and
        # only the second one's listen() fails: hence both calls here.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def _explained(error: OSError, host: str, family: int, address: Address, command: str) -> PortTaken | Misconfigured:
    port = address[1]
    if error.errno == errno.EADDRINUSE:
        return _taken(host, family, address, command)
    if error.errno in (errno.EACCES, errno.EPERM) and 0 < port < _UNPRIVILEGED:
        return Misconfigured(
            f"Port {port} is for the administrator only, as every port below {_UNPRIVILEGED} on this system.",
            f"Choose a higher one, such as `purveyor {command} --port 8080`.",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return Misconfigured(
            f"{host} is not an address of this machine.",
            "Use --host 127.0.0.1 for this machine alone, or 0.0.0.0 for every network it is in.",
        )
    return Misconfigured(f"Listening on {host}, port {port}, failed: {error.strerror}.", "Choose another --host or --port.")


def _taken(host: str, family: int, address: Address, command: str) -> PortTaken:
    port = address[1]
    holder = holder_of(address[0], port)
    free = _next_free(family, address)
    return PortTaken(f"Port {port} on {host} is taken by {_named(holder, address[0], port)}.", _way_out(holder, free, command, port))


def _named(holder: Holder | None, address: str, port: int) -> str:
    if holder:
        return holder.description
    user = hidden_owner(address, port)
    return f"a process of {user or 'another user'}, which this system does not let you see"


def _way_out(holder: Holder | None, free: int | None, command: str, port: int) -> str:
    elsewhere = f"Use another port with `purveyor {command} --port {free or 0}`"
    return f"{elsewhere}, or end that process with `{holder.way_to_end(port)}`." if holder else f"{elsewhere}."


def _next_free(family: int, address: Address) -> int | None:
    """The first port above that can be listened on now; it may be gone a moment later, as every such answer."""
    first = max(address[1] + 1, _UNPRIVILEGED)
    for port in range(first, min(first + _TRIES, _HIGHEST_PORT + 1)):
        try:
            with closing(_listen(family, (address[0], port))):
                return port
        except OSError:
            continue
    return None
