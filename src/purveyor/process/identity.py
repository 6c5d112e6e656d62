"""Which process it is: a pid says so only together with the moment it began, because pids are used again."""

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from msgspec import Struct

_PROC = Path("/proc")
# Fields of /proc/PID/stat behind the command's name (proc_pid_stat(5)): the third, the fourth and the twenty-second.
_STATE, _PARENT, _START = 0, 1, 19
_ENDED = ("Z", "X", "x")
"""A zombie has ended; only its parent has not asked for its exit code yet, which in a container may never happen."""
_LOOK_AGAIN = 0.05


class Identity(Struct, frozen=True):
    """One process, and no other that gets its pid later. `mark` is the same for as long as the process lives."""

    pid: int
    mark: str

    @property
    def is_alive(self) -> bool:
        return start_mark(self.pid) == self.mark

    @property
    def is_ours(self) -> bool:
        """Whether it is alive and runs as this user."""
        return self.is_alive and owner(self.pid) == os.getuid()


def this_process() -> Identity:
    return Identity(os.getpid(), start_mark(os.getpid()) or "")


def identify(pid: int) -> Identity | None:
    """The process that has this pid now, or None."""
    mark = start_mark(pid)
    return Identity(pid, mark) if mark else None


def start_mark(pid: int) -> str | None:
    """When the process began, in a way that setting the clock does not change; None if there is no such process, or it has ended.

    On Linux that is the boot and the clock ticks since then; elsewhere what the system calls the time of creation.
    """
    if pid <= 0:
        return None
    if _boot() is not None:
        fields = _stat(pid)
        return f"{_boot()}:{fields[_START]}" if fields and fields[_STATE] not in _ENDED else None
    import psutil  # noqa: PLC0415 - not needed where /proc is

    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return f"created:{process.create_time()}" if process.status() != psutil.STATUS_ZOMBIE else None
    return None


def parent_of(pid: int, *, proc: Path = _PROC) -> int | None:
    fields = _stat(pid, proc)
    return int(fields[_PARENT]) if fields else None


def owner(pid: int) -> int | None:
    """The user id that the process runs as."""
    if _boot() is not None:
        try:
            return (_PROC / str(pid)).stat().st_uid
        except OSError:
            return None
    import psutil  # noqa: PLC0415 - not needed where /proc is

    with suppress(psutil.Error):
        return int(psutil.Process(pid).uids().effective)
    return None


def uptime(identity: Identity) -> float | None:
    """Seconds since it began, by a clock that nobody can set, so never negative; None if it has ended."""
    if not identity.is_alive:
        return None
    _, _, began = identity.mark.rpartition(":")
    if _boot() is not None:
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        return max(0.0, now - int(began) / os.sysconf("SC_CLK_TCK"))
    return max(0.0, time.time() - float(began))


@cache
def _boot() -> str | None:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def _stat(pid: int, proc: Path = _PROC) -> list[str]:
    try:
        text = (proc / str(pid) / "stat").read_bytes().decode("latin-1")
    except OSError:
        return []
    # The name of the command stands in parentheses, and may have spaces and parentheses in it.
    return text.rpartition(")")[2].split()


class Hold:
    """A grip on one process: what is done through it reaches this process or none."""

    def __init__(self, identity: Identity, descriptor: int | None) -> None:
        self.identity = identity
        self._descriptor = descriptor

    def send(self, number: signal.Signals) -> None:
        """Send the signal, unless the process has ended. Raises PermissionError for another user's process."""
        with suppress(ProcessLookupError):
            if self._descriptor is not None:
                signal.pidfd_send_signal(self._descriptor, number)
            elif self.identity.is_alive:
                os.kill(self.identity.pid, number)

    def ended_within(self, seconds: float) -> bool:
        """Wait for its end, at most so long."""
        if self._descriptor is not None:
            poll = select.poll()
            poll.register(self._descriptor, select.POLLIN)
            return bool(poll.poll(max(0.0, seconds) * 1000))
        deadline = time.monotonic() + seconds
        while self.identity.is_alive:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_LOOK_AGAIN)
        return True


@contextmanager
def hold(identity: Identity) -> Iterator[Hold | None]:
    """A grip on the process, or None if it has ended, also where another one has its pid by now."""
    descriptor = _descriptor_of(identity.pid)
    try:
        # The descriptor stands for whatever has the pid at this moment; only now is it certain who that is.
        yield Hold(identity, descriptor) if identity.is_alive else None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _descriptor_of(pid: int) -> int | None:
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # it has ended, or an old kernel or a container's rules do not know the call
        return None
