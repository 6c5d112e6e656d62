"""The processes of one server: itself and the workers that it started; and what the system says of them."""

from contextlib import suppress
from pathlib import Path

import psutil

from purveyor.process.identity import Identity, identify, parent_of

_SERVICE = ".service"


def workers_of(identity: Identity) -> tuple[Identity, ...]:
    """Every process below it, each with its own mark, so that none is taken for another later."""
    try:
        children = psutil.Process(identity.pid).children(recursive=True)
    except psutil.Error:
        return ()
    found = tuple(one for one in (identify(child.pid) for child in children) if one is not None)
    # If the server ended meanwhile, its pid, and so its children, may be another's.
    return found if identity.is_alive else ()


def memory_of(family: tuple[Identity, ...]) -> int:
    """Bytes that they hold together; what they share counts once where the system tells."""
    total = 0
    for member in family:
        with suppress(psutil.Error, OSError):
            used = psutil.Process(member.pid).memory_full_info()
            total += getattr(used, "pss", used.rss)
    return total


def unit_of(pid: int, *, proc: Path = Path("/proc")) -> str | None:
    """The systemd unit that started the process and watches it, such as `purveyor.service`; None for any other process."""
    if parent_of(pid, proc=proc) != 1:
        return None
    with suppress(OSError):
        return unit_in((proc / str(pid) / "cgroup").read_text())
    return None


def unit_in(cgroup: str) -> str | None:
    """The same, from the content of /proc/PID/cgroup (cgroups(7)): lines of number, controllers and path."""
    last = [line.rpartition("/")[2].strip() for line in cgroup.splitlines()]
    return next((name for name in last if name.endswith(_SERVICE) and name != _SERVICE), None)
