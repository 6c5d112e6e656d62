"""The command: `python -m benchmarks [--quick] [--only CASE,...] [--programs NAME,...] [--json FILE]`."""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from types import FrameType

from benchmarks import cases, gets, load, machine, report, starts, writes
from benchmarks.programs import Program, programs
from benchmarks.results import as_document
from benchmarks.trial import Plan, Trial

_RESULTS = Path(__file__).parent / "results"
_KEYS = (*(case.key for case in cases.cases()), *writes.KEYS, *starts.FILES, "memory")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if problem := _problem(options):
        print(f"benchmarks: {problem}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    os.sched_setaffinity(0, {machine.LOAD_CORE})
    described = machine.describe()
    print(machine.sentence(described))
    plan = _plan(options)
    file = options.json or _RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    with tempfile.TemporaryDirectory(prefix="purveyor-benchmarks-") as folder:
        trial = Trial(plan, Path(folder))
        try:
            _measure(trial)
        except KeyboardInterrupt:
            print("\nStopped; what was measured until then:", file=sys.stderr)
        finally:
            _publish(trial, described, file)
    return 0


def _measure(trial: Trial) -> None:
    wanted = [case for case in cases.cases() if case.key in trial.plan.keys]
    for site, group in groupby(wanted, key=lambda case: case.site):
        gets.measure(trial, site(), list(group))
    if trial.plan.keys.intersection(writes.KEYS):
        writes.measure(trial)
    for key in starts.FILES:
        if key in trial.plan.keys:
            starts.measure(trial, key)


def _publish(trial: Trial, described: dict[str, object], file: Path) -> None:
    taken = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    document = {"machine": described, "taken_at": taken, "plan": _settings(trial.plan), "cases": as_document(trial.results)}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=1) + "\n")
    print(report.table(trial.results))
    print(f"\n{time.monotonic() - trial.began:.0f} s; all rounds in {file}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round, short loads, fewer uploads: about two minutes")
    parser.add_argument("--only", type=_words, default=_KEYS, metavar="CASE,...", help=f"of {', '.join(_KEYS)}")
    parser.add_argument("--programs", type=_words, metavar="NAME,...", help=f"of {', '.join(each.name for each in programs())}")
    parser.add_argument("--rounds", type=int, help="how often each program is measured in each case (default 3; quick 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go (default: a new file in benchmarks/results)")
    return parser


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _problem(options: argparse.Namespace) -> str | None:
    if not sys.platform.startswith("linux"):
        return "the measurements read /proc and pin processes to cores, so they need Linux."
    if not machine.enough_cores():
        return f"cores {machine.SERVER_CORE} and {machine.LOAD_CORE} are needed, one for the server and one for the load."
    known = {each.name for each in programs()}
    if unknown := [*(set(options.only) - set(_KEYS)), *(set(options.programs or ()) - known)]:
        return f"unknown: {', '.join(unknown)}. Cases: {', '.join(_KEYS)}. Programs: {', '.join(known)}."
    return load.missing()


def _plan(options: argparse.Namespace) -> Plan:
    chosen: tuple[Program, ...] = tuple(each for each in programs() if not options.programs or each.name in options.programs)
    keys = frozenset(options.only)
    if options.quick:
        return Plan(chosen, keys, rounds=options.rounds or 1, seconds=1, uploads=100, visible=5)
    return Plan(chosen, keys, rounds=options.rounds or 3, seconds=2, uploads=300, visible=20)


def _settings(plan: Plan) -> dict[str, object]:
    about = {each.name: each.about for each in plan.programs}
    return {
        "programs": about,
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "uploads": plan.uploads,
        "visible": plan.visible,
    }


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
