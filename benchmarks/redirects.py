"""`python -m benchmarks.redirects`: downloads sent to an object store by a signed link, beside project pages; one S3 server for all."""

import argparse
import hashlib
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tests.object_server import ObjectServer, new_bucket

from benchmarks import clients, load, machine
from benchmarks.answers import links, page_path
from benchmarks.loaders import NotOffered
from benchmarks.programs import Command, Program, programs
from benchmarks.servers import Server, running
from benchmarks.stock import Stock
from benchmarks.trial import say
from benchmarks.uploads import upload_all
from benchmarks.wheels import Wheel, wheel

_SIZE = 1_000_000
_PATIENCE = 30.0
_PROJECTS = 32
PAGE, DOWNLOAD, DOWNLOADS = "page", "download", f"{_PROJECTS} downloads"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.redirects", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one load (default 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where all rounds go")
    options = parser.parse_args(arguments)
    if reason := load.missing():
        raise SystemExit(reason)
    print(machine.sentence(machine.describe()))
    with tempfile.TemporaryDirectory(prefix="purveyor-redirects-") as place, ExitStack() as stack:
        with machine.pinned_to(machine.LOAD_CORE):
            objects = stack.enter_context(ObjectServer(Path(place) / "objects"))
        rounds = _measured(Path(place), objects, options.rounds, options.seconds, stack)
    print(_table(rounds))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine.describe(), "rounds": rounds}, indent=1) + "\n")
    return 0


Rounds = dict[str, dict[str, list[float]]]
"""By program and request: microseconds of CPU for one, in each round."""


def _measured(place: Path, objects: ObjectServer, rounds: int, seconds: float, stack: ExitStack) -> Rounds:
    wheels = [wheel(f"acme-{number:02d}", "1.0", _SIZE) for number in range(_PROJECTS)]
    loads: dict[tuple[str, str], Callable[[], load.Load]] = {}
    for program in _entrants(objects):
        if reason := program.absent():
            print(f"{program.name}: {reason}")
            continue
        say(f"{program.name}: uploading")
        data = place / program.name
        data.mkdir()
        server = stack.enter_context(running(program, data, "/simple/"))
        assert program.uploads is not None
        upload_all(server, program.uploads(data), wheels, 1)
        for name, requests in _requests(server, wheels):
            loads[program.name, name] = _load(server, requests, seconds)
    found: Rounds = {program: {} for program, _ in loads}
    for number in range(rounds):
        for (program_name, name), run in loads.items():
            say(f"round {number + 1}: {program_name}, {name}")
            found[program_name].setdefault(name, []).append(run().cpu)
    return found


def _load(server: Server, requests: Sequence[bytes], seconds: float) -> Callable[[], load.Load]:
    return lambda: load.generate(server.pid, server.port, requests, connections=16, seconds=seconds)


def _requests(server: Server, wheels: Sequence[Wheel]) -> Iterator[tuple[str, Sequence[bytes]]]:
    downloads = [_download(server, each) for each in wheels]
    yield PAGE, [clients.page_request(server.port, page_path(wheels[0].project))]
    yield DOWNLOAD, downloads[:1]
    yield DOWNLOADS, downloads


def _download(server: Server, file: Wheel) -> bytes:
    """Once it is answered with a link under which the right bytes are."""
    path = page_path(file.project)
    answer = clients.exchange(server.port, clients.page_request(server.port, path))
    request = clients.file_request(server.port, links(answer, path)[0])
    end = time.monotonic() + _PATIENCE
    while (answer := clients.exchange(server.port, request)).status not in (302, 303, 307):
        if time.monotonic() > end:
            raise NotOffered(f"answers a download with {answer.status} after {_PATIENCE:.0f} s")
        time.sleep(0.1)
    with urllib.request.urlopen(answer.headers["location"]) as content:
        if hashlib.sha256(content.read()).hexdigest() != file.sha256:
            raise NotOffered("links to other bytes")
    return request


def _entrants(objects: ObjectServer) -> Iterator[Program]:
    """As the main benchmark has them, but with a bucket for the files and links for the clients."""
    known = {program.name: program for program in programs()}
    for name, flags, variables in (
        ("purveyor", _no_flags, _purveyor_variables),
        ("pypiron", _pypiron_flags, _no_variables),
    ):
        program = known[name]
        bucket = new_bucket(objects).url
        yield replace(program, load=_nothing, command=_told(program, flags(bucket, objects), {**objects.environment, **variables(bucket)}))


def _told(program: Program, flags: Sequence[str], variables: Mapping[str, str]) -> Callable[[Path, int], Command]:
    def command(data: Path, port: int) -> Command:
        usual = program.command(data, port)
        return Command((*usual.argv, *flags), {**usual.environment, **variables})

    return command


def _nothing(_stock: Stock, _data: Path) -> None:
    """It is filled by uploads."""


def _no_flags(_bucket: str, _objects: ObjectServer) -> Sequence[str]:
    return ()


def _no_variables(_bucket: str) -> Mapping[str, str]:
    return {}


def _purveyor_variables(bucket: str) -> Mapping[str, str]:
    return {"PURVEYOR_BLOBS": bucket, "PURVEYOR_DOWNLOADS": "redirect", "PURVEYOR_PULL_THROUGH": "false"}


def _pypiron_flags(bucket: str, objects: ObjectServer) -> Sequence[str]:
    name, _, prefix = bucket.removeprefix("s3://").partition("/")
    where = ("--buckets", f"s3://{name}@us-east-1", "--storage-prefix", prefix)
    return (*where, "--s3-endpoint-url", objects.url, "--s3-force-path-style", "--artifact-delivery", "redirect")


def _table(rounds: Rounds) -> str:
    rows = [["program", "request", "us CPU each", "min-max", f"x its own {PAGE}", "min-max"]]
    for program, requests in rounds.items():
        for name, figures in requests.items():
            ratios = [figure / own for figure, own in zip(figures, requests[PAGE], strict=True)]
            rows.append([program, name, *_spread(figures, 1), *_spread(ratios, 2)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "Medians over the rounds; each ratio is taken within its round."])


def _spread(figures: Sequence[float], digits: int) -> tuple[str, str]:
    return f"{statistics.median(figures):.{digits}f}", f"{min(figures):.{digits}f}-{max(figures):.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
