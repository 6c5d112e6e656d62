"""What a run has found: for each case and program either its rounds or the reason why there are none."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Round = dict[str, float]


@dataclass
class Outcome:
    """`reason` says why a program could not be measured, or why some of its rounds are missing."""

    rounds: dict[int, Round] = field(default_factory=dict)
    reason: str = ""
    note: str = ""

    def values(self, metric: str) -> list[float]:
        return [each[metric] for each in self.rounds.values() if metric in each]

    def ratios(self, other: "Outcome", metric: str) -> list[float]:
        """Round by round, so that what disturbed both disturbs the ratio less."""
        both = self.rounds.keys() & other.rounds.keys()
        pairs = [(self.rounds[number][metric], other.rounds[number][metric]) for number in sorted(both)]
        return [ours / theirs for ours, theirs in pairs if theirs]


@dataclass
class CaseResult:
    """`metrics` are the columns, the first the one that counts; `yardstick` is the program to which its ratio is taken."""

    title: str
    metrics: Sequence[str]
    yardstick: str = "nginx"
    ratio_of: str = "cpu"
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def of(self, program: str) -> Outcome:
        return self.outcomes.setdefault(program, Outcome())

    def ratios(self, program: str) -> list[float]:
        if self.yardstick not in self.outcomes:
            return []
        return self.outcomes[program].ratios(self.outcomes[self.yardstick], self.ratio_of)


Results = dict[str, CaseResult]


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def as_document(results: Results) -> dict[str, Any]:
    return {key: _case_document(case) for key, case in results.items()}


def _case_document(case: CaseResult) -> dict[str, Any]:
    programs = {name: _outcome_document(case, name, outcome) for name, outcome in case.outcomes.items()}
    return {
        "title": case.title,
        "ratio": f"{case.ratio_of} / {case.ratio_of} of {case.yardstick}",
        "programs": programs,
    }


def _outcome_document(case: CaseResult, name: str, outcome: Outcome) -> dict[str, Any]:
    document: dict[str, Any] = {metric: spread(values) for metric in case.metrics if (values := outcome.values(metric))}
    if ratios := case.ratios(name):
        document["ratio"] = spread(ratios)
    document["rounds"] = list(outcome.rounds.values())
    document |= {key: value for key, value in (("reason", outcome.reason), ("note", outcome.note)) if value}
    return document
