"""Runs one command where there is no way out: in a network namespace of its own that has a loopback device and no route.

    python -m tests.bundles.isolated COMMAND...      # as `unshare --net` starts it

An end-to-end test of a bundle must not be able to fetch anything from anywhere, by mistake or otherwise.
"""

import errno
import fcntl
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_OUTSIDE = "192.0.2.1"
"""An address that belongs to nobody (RFC 5737)."""


def run_isolated(command: Sequence[str], environment: Mapping[str, str], directory: Path) -> subprocess.CompletedProcess[str]:
    """Output and errors together; only root may make a network namespace without one of users."""
    unshare = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    return subprocess.run(
        [*unshare, sys.executable, "-m", "tests.bundles.isolated", *command],
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )


def main(command: Sequence[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        assert control.connect_ex((_OUTSIDE, 9)) == errno.ENETUNREACH, "There is a route out of here."
        request = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(control, _SIOCGIFFLAGS, request)[:18])[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | _IFF_UP))
    os.execvp(command[0], list(command))


if __name__ == "__main__":
    main(sys.argv[1:])
