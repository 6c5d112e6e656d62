"""What a small page costs a server whose index others write to as well: on SQLite, bounded and exact on PostgreSQL.

    python -m benchmarks.many_servers postgresql://postgres@127.0.0.1:5432/empty

The database must be empty, and `purveyor[postgres]` and wrk installed. CPU is that of the server's process, without PostgreSQL's.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.clients import page_request
from benchmarks.load import generate
from benchmarks.programs import Command, Program
from benchmarks.servers import running
from benchmarks.stock import Stock
from benchmarks.wheels import wheel

_CONNECTIONS = (1, 16, 64)
_SECONDS = 3.0
_ROUNDS = 3
_PATH = "/simple/acme/"


def main(url: str) -> None:
    kinds: dict[str, dict[str, str]] = {
        "sqlite": {},
        "bounded": {"PURVEYOR_DATABASE": url, "PURVEYOR_CONSISTENCY": "bounded"},
        "exact": {"PURVEYOR_DATABASE": url},
        "exact, no lane": {"PURVEYOR_DATABASE": url, "PURVEYOR_EXPRESS": "false"},
    }
    print(f"{'':16}{'connections':>12}{'us CPU':>10}{'req/s':>10}{'p50 us':>10}{'p99 us':>10}")
    with tempfile.TemporaryDirectory(prefix="purveyor-bench-") as folder:
        token = ""
        for name, environment in kinds.items():
            data = Path(folder) / name
            data.mkdir()
            with running(_program(name, environment), data, "/health") as server:
                token = _token(data) or token
                _publish(server.port, token, Path(folder))
                for connections, load in _loads(server.pid, server.port):
                    print(f"{name:16}{connections:>12}{load[0]:>10.1f}{load[1]:>10.0f}{load[2]:>10.0f}{load[3]:>10.0f}", flush=True)


def _loads(pid: int, port: int) -> Iterator[tuple[int, tuple[float, float, float, float]]]:
    """The round with the least CPU: whatever else the machine does only adds."""
    for connections in _CONNECTIONS:
        rounds = [generate(pid, port, [page_request(port, _PATH)], connections=connections, seconds=_SECONDS) for _ in range(_ROUNDS)]
        best = min(rounds, key=lambda load: load.cpu)
        yield connections, (best.cpu, best.rate, best.p50, best.p99)


def _program(name: str, environment: Mapping[str, str]) -> Program:
    def command(data: Path, port: int) -> Command:
        argv = (sys.executable, "-m", "purveyor", "serve", "--port", str(port), "--data", str(data))
        return Command(argv, {"PURVEYOR_PULL_THROUGH": "false", **environment})

    return Program(name, "", lambda: None, _nothing, command)


def _nothing(stock: Stock, data: Path) -> None:
    """There is no site: the one file is uploaded."""


def _token(data: Path) -> str:
    path = data / "upload-token"
    return path.read_text().strip() if path.exists() else ""


def _publish(port: int, token: str, folder: Path) -> None:
    path = folder / "acme-1.0-py3-none-any.whl"
    path.write_bytes(wheel("acme", "1.0").content)
    command = (sys.executable, "-m", "purveyor", "publish", str(path), "--index-url", f"http://127.0.0.1:{port}/simple/", "--token", token)
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main(sys.argv[1])
