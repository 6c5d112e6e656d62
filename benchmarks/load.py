"""wrk on the load core, told to send exact bytes, and what it saw."""

import json
import math
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import LOAD_CORE, cpu_seconds, pinned_to, search_path, settle

# Overriding `wrk.format` keeps wrk on its fast path, one prepared request; a `request` function, called each time, rotates through several.
_SAME = "wrk.format = function() return {requests}[1] end\n"
_ROTATING = "local requests = {requests}\nlocal turn = 0\nrequest = function() turn = turn % #requests + 1; return requests[turn] end\n"
_DONE = """
done = function(summary, latency)
  local e = summary.errors
  print(string.format('RESULT {"requests":%d,"microseconds":%d,"bytes":%d,"status":%d,"socket":%d,"timeout":%d,"p50":%d,"p99":%d,"max":%d}',
    summary.requests, summary.duration, summary.bytes, e.status, e.connect + e.read + e.write, e.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
"""


class BadLoad(Exception):
    """The answers under load were not the ones that were checked before it."""


@dataclass(frozen=True)
class Load:
    """One measurement. Times in microseconds, `cpu` what the server's processes used for one request; `wire` is bytes a response."""

    requests: int
    seconds: float
    cpu: float
    rate: float
    p50: float
    p99: float
    wire: float


def missing() -> str | None:
    if shutil.which("wrk", path=search_path()):
        return None
    return "wrk, the load generator, is not installed: apt-get install wrk nginx-light"


def generate(pid: int, port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Send these requests over kept connections for that long; raises `BadLoad` when an answer was an error or was lost."""
    return generate_by(pid, port, _script(requests), connections=connections, seconds=seconds)


def generate_by(pid: int, port: int, script: str, *, connections: int, seconds: float) -> Load:
    """The same with requests that a script in Lua makes (see wrk's SCRIPTING)."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="latin-1") as file:
        file.write(script + _DONE)
        file.flush()
        settle(pid)
        before = cpu_seconds(pid)
        said = _wrk(Path(file.name), port, connections, seconds)
        cpu = cpu_seconds(pid) - before
    return _judged(said, cpu)


def _judged(said: dict[str, int], cpu: float) -> Load:
    count = said["requests"]
    if not count or said["status"] or said["socket"] or said["timeout"]:
        raise BadLoad(f"{count} answers, {said['status']} errors, {said['socket']} broken connections, {said['timeout']} timeouts")
    return Load(
        requests=count,
        seconds=said["microseconds"] / 1e6,
        cpu=cpu * 1e6 / count,
        rate=count * 1e6 / said["microseconds"],
        p50=said["p50"],
        p99=said["p99"],
        wire=said["bytes"] / count,
    )


def _wrk(script: Path, port: int, connections: int, seconds: float) -> dict[str, int]:
    program = shutil.which("wrk", path=search_path()) or "wrk"
    argv = [
        program,
        "-t1",
        f"-c{connections}",
        f"-d{math.ceil(seconds)}s",
        "--timeout",
        "60s",
        "--latency",
        "-s",
        str(script),
        f"http://127.0.0.1:{port}/",
    ]
    with pinned_to(LOAD_CORE):
        ran = subprocess.run(argv, capture_output=True, text=True, check=True)
    result: dict[str, int] = json.loads(ran.stdout.rpartition("RESULT ")[2])
    return result


def _script(requests: Sequence[bytes]) -> str:
    template = _SAME if len(requests) == 1 else _ROTATING
    texts = "{" + ",".join(_lua(request) for request in requests) + "}"
    return template.replace("{requests}", f"({texts})" if len(requests) == 1 else texts)


def _lua(text: bytes) -> str:
    return '"' + "".join(f"\\{byte:03d}" for byte in text) + '"'
