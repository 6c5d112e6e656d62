"""Who holds a port: asked of the system through psutil, never of another program."""

import os
import pwd
import shlex
import sys
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from msgspec import Struct

from purveyor.process.command_lines import folder_of_http_server, served_by
from purveyor.process.identity import owner

_LISTENS = "0A"
_SHOWN = 160
"""Characters of a command line that are shown; what identifies a program is at its beginning."""


class Holder(Struct, frozen=True):
    """A process that listens on a port. Empty and None where the system hides it from this user."""

    pid: int
    command: tuple[str, ...] = ()
    directory: str | None = None
    user: str | None = None
    since: datetime | None = None
    data: Path | None = None
    serves: Path | None = None
    """The directory that a `python -m http.server` serves."""
    uid: int | None = None

    @property
    def description(self) -> str:
        """Part of a sentence: "process 71 (`python -m http.server`), started by ..."."""
        name = "another Purveyor, process" if self.data else "process"
        parts = [f"{name} {self.pid} ({self._shown_command})", self._start]
        if self.data:
            parts.append(f"with its data in {self.data}")
        elif self.serves:
            parts.append(f"which serves the directory {self.serves}")
        elif self.directory:
            parts.append(f"in the directory {self.directory}")
        # Whoever started it chose its command line and its directory: they do not get to steer this terminal.
        return "".join(char if char.isprintable() else "?" for char in ", ".join(part for part in parts if part))

    def way_to_end(self, port: int) -> str:
        """The command that ends it."""
        if self.data and self.uid == os.getuid():
            return f"purveyor stop --port {port}"
        return f"kill {self.pid}" if os.getuid() in (0, self.uid) else f"sudo kill {self.pid}"

    @property
    def _shown_command(self) -> str:
        text = shlex.join(self.command)
        if not text:
            return "its command line is hidden from you"
        return f"`{text if len(text) <= _SHOWN else text[: _SHOWN - 3] + '...'}`"

    @property
    def _start(self) -> str:
        by = f" by {self.user}" if self.user else ""
        at = f" on {self.since:%Y-%m-%d at %H:%M:%S}" if self.since else ""
        return f"started{by}{at}" if by or at else ""


def holder_of(address: str, port: int) -> Holder | None:
    """The process that listens on `port` in the way of `address`, or None where the system does not tell."""
    import psutil  # noqa: PLC0415 - needed only when something is wrong; a server that starts well does not wait for it

    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):  # macOS tells only the administrator
        return None
    held = [c for c in connections if c.laddr and c.laddr.port == port and c.pid and _overlaps(c.laddr.ip, address)]
    if not held:
        return None
    # A connected socket can be in the way too; a listening one is what people look for.
    first = min(held, key=lambda connection: connection.status != psutil.CONN_LISTEN)
    return _described(psutil, first.pid)


def hidden_owner(address: str, port: int) -> str | None:
    """The user whose process listens there, where the system hides the process itself: Linux lists every socket with its owner."""
    for table in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for words in (line.split() for line in lines):
            held, _, number = words[1].rpartition(":")
            if words[3] == _LISTENS and int(number, 16) == port and _overlaps(_address_of(held), address):
                return _user_of(int(words[7]))
    return None


def _address_of(text: str) -> str:
    """An address as /proc/net/tcp and tcp6 write it (proc_net(5)): words of four bytes, each in the order of this machine."""
    words = [int(text[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(text), 8)]
    return str(ip_address(b"".join(words)))


def _user_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user with the id {uid}"


def _overlaps(held: str, wanted: str) -> bool:
    """Two addresses are in each other's way if they are equal or one stands for every address."""
    one, other = ip_address(held.partition("%")[0]), ip_address(wanted.partition("%")[0])
    return one == other or one.is_unspecified or other.is_unspecified


def _described(psutil: Any, pid: int) -> Holder:
    try:
        process = _purveyor_of(psutil, psutil.Process(pid))
        with process.oneshot():
            command = tuple(_asked(psutil, process.cmdline) or ())
            directory = _asked(psutil, process.cwd)
            since = datetime.fromtimestamp(process.create_time()).astimezone()
            user = _asked(psutil, process.username)
    except psutil.Error:
        return Holder(pid)
    served = served_by(command)
    environment = (_asked(psutil, process.environ) or {}) if served else {}
    data = served.data_directory(Path(directory or ""), environment) if served else None
    return Holder(process.pid, command, directory, user, since, data, folder_of_http_server(command, directory), owner(process.pid))


def _asked(psutil: Any, question: Any) -> Any:
    """The answer, or None where this user may not know it or there is none any more."""
    try:
        return question()
    except (psutil.Error, OSError):
        return None


def _purveyor_of(psutil: Any, process: Any) -> Any:
    """The server that started a worker: to end a worker alone would only make the server start another."""
    family = [process, *(_asked(psutil, process.parents) or ())]
    return next((one for one in family if served_by(_asked(psutil, one.cmdline) or ())), process)
