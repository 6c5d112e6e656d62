"""What of this machine stands between people and an index: proxies, the clock, the disk, the data directory."""

import os
import shlex
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from purveyor.workbench.configuration.proxies import proxy_of
from purveyor.workbench.diagnosis.findings import Finding
from purveyor.workbench.verification.fetching import Target

LEAST_FREE = 512 << 20
"""Bytes of a file system below which builds, installs and uploads may fail half-way."""

MOST_APART = 300.0
"""Seconds that two clocks may differ: signatures, tokens and cut-off dates are commonly allowed as much."""

_FIRST_YEAR = 2025
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def proxies(target: Target, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether clients would send what is meant for this machine to a proxy, whose loopback address is another."""
    if not target.loopback:
        return
    proxy = proxy_of(target.url, environ)
    if proxy is None:
        return
    spared = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    addresses = dict.fromkeys(("127.0.0.1", "localhost", "::1", target.host))
    spared = shlex.quote(",".join([*filter(None, [spared]), *addresses]))
    yield Finding(
        "proxy-swallows-index",
        f"Clients send what is meant for {target.host} to the proxy {proxy.shown}.",
        f"The {proxy.source} is set and NO_PROXY does not name {target.host}; the proxy's {target.host} is the proxy itself.",
        "Name this machine's own addresses in NO_PROXY, for good in the shell's start-up file.",
        f"export NO_PROXY={spared} no_proxy={spared}",
    )


def clock(now: datetime, server_date: str | None) -> Iterator[Finding]:
    """`server_date` is the Date header of the index's answer, if it had one."""
    if now.year < _FIRST_YEAR:
        yield Finding(
            "clock-wrong",
            f"This machine's clock says {now:%Y-%m-%d %H:%M} UTC.",
            "That was before this program was written; certificates count as not yet valid, and uploads get a wrong date.",
            "Set the clock, best by the network.",
            "sudo timedatectl set-ntp true",
        )
        return
    there = _parsed(server_date)
    if there is not None and abs((now - there).total_seconds()) > MOST_APART:
        yield Finding(
            "clock-differs",
            f"The server's clock says {there:%Y-%m-%d %H:%M:%S} UTC, this machine's {now:%Y-%m-%d %H:%M:%S}.",
            "Cut-off dates, cached pages and expiring tokens go wrong where two clocks differ.",
            "Set whichever is wrong, best by the network.",
            "sudo timedatectl set-ntp true",
        )


def disk(places: Iterable[Path], least: int = LEAST_FREE) -> Iterator[Finding]:
    """One finding for each file system that holds one of the places and has fewer bytes free than `least`."""
    seen: set[int] = set()
    for place in places:
        existing = next((path for path in (place, *place.parents) if path.exists()), place)
        try:
            device, free = existing.stat().st_dev, shutil.disk_usage(existing).free
        except OSError:
            continue
        if device not in seen and free < least:
            yield Finding(
                "disk-nearly-full",
                f"{existing} has {free >> 20} MB free.",
                "Builds, installs and uploads need room, and stop half-way without it.",
                "Free some; of an index's own directories, `purveyor clean` says what is stale.",
                "purveyor clean",
            )
        seen.add(device)


def data_directory(data: Path | None, token_file: str = "upload-token") -> Iterator[Finding]:  # noqa: S107 - a file's name
    """Whether a server of this user can write to its data directory, and others cannot read its upload token."""
    if data is None:
        yield Finding(
            "data-directory-unknown",
            "There is no home directory, and so no place for a server's data.",
            "The user that runs this has none, as in a container that runs as any user.",
            "Name a data directory, and one where running servers are written down.",
            'export PURVEYOR_DATA="$PWD/purveyor" PURVEYOR_RUN_DIR="$PWD/purveyor/run"',
        )
        return
    if not data.exists():
        return
    if not _writable(data):
        mine = data.stat().st_uid == os.geteuid()
        yield Finding(
            "data-directory-not-writable",
            f"The data directory {data} cannot be written to.",
            "Its permissions exclude its owner." if mine else "It belongs to another user, who perhaps started a server once.",
            "Change its permissions." if mine else "Make it yours, or name another with PURVEYOR_DATA.",
            f"chmod u+rwx {shlex.quote(str(data))}" if mine else f"sudo chown -R $(id -un) {shlex.quote(str(data))}",
            (lambda: restricted(data, 0o700)) if mine else None,
        )
    yield from private(
        data / token_file, "token-readable-by-others", "Whoever has the upload token can publish to this index under any name."
    )


def private(path: Path, code: str, why: str) -> Iterator[Finding]:
    """A finding for a file that somebody else may read or write, whose fix takes that away."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if mode & _OTHERS:
        yield Finding(
            code,
            f"Other users of this machine can read {path} (mode {stat.S_IMODE(mode):04o}).",
            why,
            "Let only its owner read it.",
            f"chmod 600 {shlex.quote(str(path))}",
            lambda: restricted(path, 0o600),
        )


def restricted(path: Path, mode: int) -> str:
    path.chmod(mode)
    return f"{path} now has mode {mode:04o}."


def _writable(data: Path) -> bool:
    """By its mode too: the administrator may write anywhere, but the server is perhaps not started by the administrator."""
    status = data.stat()
    owned = status.st_uid != os.geteuid() or status.st_mode & stat.S_IRWXU == stat.S_IRWXU
    return owned and os.access(data, os.R_OK | os.W_OK | os.X_OK)


def _parsed(date: str | None) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
