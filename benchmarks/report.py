"""The table on the terminal."""

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.results import CaseResult, Outcome, Results, spread

_HEADINGS = {
    "cpu": "CPU/req",
    "rate": "req/s",
    "p50": "p50",
    "p99": "p99",
    "max": "max",
    "wire": "bytes sent",
    "speed": "GB/s",
    "start": "first 200",
    "start_cpu": "CPU",
    "resident": "resident",
    "peak": "peak",
}
_NAME = 19
_TIMES = frozenset({"cpu", "p50", "p99", "max", "start", "start_cpu"})
_SIZES = frozenset({"resident", "peak"})


def table(results: Results) -> str:
    return "\n".join(line for key, case in results.items() for line in _case_lines(key, case))


def _case_lines(key: str, case: CaseResult) -> Iterator[str]:
    yield ""
    yield f"{key}: {case.title}"
    rows = [["", *_headings(case)], *(_row(case, name, outcome) for name, outcome in case.outcomes.items())]
    width = [max(len(row[column]) for row in rows if len(row) > 2) for column in range(len(rows[0]))]
    for row in rows:
        if len(row) == 2:
            yield f"  {row[0].ljust(_NAME)}  {row[1]}"
        else:
            cells = [cell.rjust(wide) for cell, wide in zip(row[1:-1], width[1:-1], strict=True)]
            yield f"  {row[0].ljust(_NAME)}  {'  '.join([*cells, row[-1]])}".rstrip()


def _headings(case: CaseResult) -> list[str]:
    first, *rest = case.metrics
    unit = "" if case.ratio_of == first else f"{_HEADINGS[case.ratio_of]} "
    ratio = f"{unit}x {case.yardstick}"
    return [_HEADINGS[first], "min-max", ratio, "min-max", *(_HEADINGS[metric] for metric in rest), ""]


def _row(case: CaseResult, name: str, outcome: Outcome) -> list[str]:
    if not outcome.rounds:
        return [name, f"n/a: {(outcome.reason or 'not measured')[:110]}"]
    first, *rest = case.metrics
    values = spread(outcome.values(first))
    ratios = case.ratios(name)
    cells = [_text(first, values["median"]), f"{_text(first, values['min'])}-{_text(first, values['max'])}"]
    cells += [f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f}-{max(ratios):.2f}"] if ratios else ["", ""]
    cells += [_median(metric, outcome.values(metric)) for metric in rest]
    return [name, *cells, "; ".join(filter(None, (outcome.note, outcome.reason)))]


def _median(metric: str, values: Sequence[float]) -> str:
    return _text(metric, statistics.median(values)) if values else ""


def _text(metric: str, value: float) -> str:
    if metric in _TIMES:
        return _time(value)
    if metric in _SIZES:
        return f"{value / 1e6:.1f} MB"
    if metric == "speed":
        return f"{value:.2f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _time(microseconds: float) -> str:
    if microseconds < 1_000:
        return f"{microseconds:.1f} us"
    if microseconds < 1_000_000:
        return f"{microseconds / 1_000:.2f} ms"
    return f"{microseconds / 1_000_000:.2f} s"
