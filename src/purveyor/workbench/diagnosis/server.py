"""The server behind a URL on this machine: whether it answers, who does in its place, and what else runs."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from purveyor.settings import DEFAULT_PORT
from purveyor.workbench.diagnosis.findings import Finding
from purveyor.workbench.diagnosis.index import SeenIndex
from purveyor.workbench.verification.fetching import Target


@dataclass(frozen=True, slots=True)
class Running:
    """A server of this user whose process is alive; `outdated` if other code is installed by now, `folder` if it serves one."""

    pid: int
    url: str
    data: Path
    outdated: bool
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file that tells of a server which is no more."""

    path: Path
    reason: str
    remove: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever listens on the port of the URL; `description` is part of a sentence."""

    pid: int
    description: str
    purveyor: bool


@dataclass(frozen=True, slots=True)
class SeenServers:
    """What the system knows of servers; `holder` is None where nobody listens, or the system does not say who."""

    running: Sequence[Running] = ()
    leftovers: Sequence[Leftover] = ()
    holder: Holder | None = None

    def at(self, target: Target) -> Running | None:
        """The server of this user that the URL is of."""
        return next((one for one in self.running if port_of(one.url) == port_of(target.url)), None) if target.loopback else None


def port_of(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def look_at_server(target: Target, index: SeenIndex, seen: SeenServers) -> Iterator[Finding]:
    for leftover in seen.leftovers:
        yield _stale(leftover)
    here = seen.at(target)
    if index.silent:
        yield _silent(target, index, seen, here)
    elif seen.holder and not seen.holder.purveyor and here is None and _is_a_stranger(index):
        yield _held(target, seen.holder)
    else:
        software = index.answer.headers.get("server")
        yield Finding("server-answers", f"{target.root} answers{f' ({software})' if software else ''}{_who(here)}.")
    if here is not None:
        yield from _state(here)


def _is_a_stranger(index: SeenIndex) -> bool:
    return any(finding.code in ("index-file-listing", "index-not-found", "index-not-an-index") for finding in index.findings)


def _who(here: Running | None) -> str:
    return f", process {here.pid} with its data in {here.data}" if here else ""


def _silent(target: Target, index: SeenIndex, seen: SeenServers, here: Running | None) -> Finding:
    if here is not None:
        return Finding(
            "server-hangs",
            f"The Purveyor with pid {here.pid} listens at {here.url}, but gives no answer ({index.answer.failure}).",
            "Its process was stopped, or is stuck.",
            "Restart it; what was acknowledged is kept.",
            f"purveyor restart --port {port_of(here.url)}",
        )
    if seen.holder is not None:
        return _held(target, seen.holder)
    if target.loopback and seen.running:
        other = seen.running[0]
        return Finding(
            "server-elsewhere",
            f"Nothing listens at {target.url}, but the Purveyor with pid {other.pid} serves {other.url}.",
            "It was started with another port.",
            "Use its URL.",
            f"purveyor doctor --index-url {shlex.quote(other.url + 'simple/')}",
        )
    return Finding(
        "server-silent",
        f"Nothing answers at {target.url} ({index.answer.failure}).",
        "No server runs there."
        if target.loopback
        else "The server is down, or a firewall, a name server or a typing error stands between.",
        "Start one." if target.loopback else "Check the host name and the network.",
        _start(target) if target.loopback else "",
    )


def _held(target: Target, holder: Holder) -> Finding:
    return Finding(
        "port-held-by-another",
        f"Port {port_of(target.url)} is held by {holder.description}, which is no index.",
        "Another program was there first, and clients talk to it.",
        "End it and start the index, if nobody needs it; or start the index on another port.",
        f"kill {holder.pid} && sleep 1 && {_start(target)}",
    )


def _state(here: Running) -> Iterator[Finding]:
    if here.outdated:
        yield Finding(
            "server-outdated",
            f"The server with pid {here.pid} runs older code than is installed.",
            "Purveyor was upgraded, or its files were changed, after the server started.",
            "Restart it.",
            f"purveyor restart --port {port_of(here.url)}",
        )
    if not here.data.exists():
        yield Finding(
            "server-data-gone",
            f"The data directory {here.data} of the server with pid {here.pid} is not there any more.",
            "It was deleted or moved while the server ran; what the server still shows is in its memory only.",
            "Stop the server, put the directory back from a backup if there is one, and start it again.",
            f"purveyor stop --port {port_of(here.url)} && purveyor start --port {port_of(here.url)} --data {shlex.quote(str(here.data))}",
        )


def _stale(leftover: Leftover) -> Finding:
    def remove() -> str:
        leftover.remove()
        return f"{leftover.path} is removed."

    return Finding(
        "run-file-stale",
        f"{leftover.path} tells of a server that is no more ({leftover.reason}).",
        "The server was killed, or the machine went down.",
        "Remove the file.",
        f"rm {shlex.quote(str(leftover.path))}",
        remove,
    )


def _start(target: Target) -> str:
    port = port_of(target.url)
    return "purveyor start" if port == DEFAULT_PORT else f"purveyor start --port {port}"
