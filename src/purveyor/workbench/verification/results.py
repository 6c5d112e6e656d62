"""What a check found: what was seen, and for each fault what to do."""

from dataclasses import dataclass, field

TITLES = {
    1: "The server answers",
    2: "The project list is valid",
    3: "The project page lists the files",
    4: "Hashes and metadata agree with the bytes",
    5: "pip installs it from this index alone",
    6: "It imports",
    7: "Versions and cooldown flags work",
}

_MOST_FAULTS = 8


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One of the seven checks. A skipped check neither passed nor failed; `remedy` is empty unless it failed."""

    number: int
    title: str
    passed: bool
    seen: str
    remedy: str
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """All seven results, in order. `project` is what was looked at: named, sampled, or None for an empty index."""

    index_url: str
    project: str | None
    results: tuple[CheckResult, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed; a check that was skipped because nothing was there to check does not count."""
        return all(result.passed or result.skipped for result in self.results)


@dataclass(slots=True)
class Findings:
    """Sentences gathered while one check runs."""

    number: int
    seen: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    remedies: list[str] = field(default_factory=list)

    def saw(self, sentence: str) -> None:
        self.seen.append(sentence)

    def fault(self, sentence: str, remedy: str) -> None:
        self.faults.append(sentence)
        if remedy not in self.remedies:
            self.remedies.append(remedy)

    def result(self) -> CheckResult:
        """Faults first: they are what the reader came for. A fault repeated for many files is told a few times only."""
        told = list(dict.fromkeys(self.faults))
        if len(told) > _MOST_FAULTS:
            told = [*told[:_MOST_FAULTS], f"And {len(told) - _MOST_FAULTS} more faults."]
        seen = " ".join([*told, *dict.fromkeys(self.seen)])
        return CheckResult(self.number, TITLES[self.number], not self.faults, seen, " ".join(self.remedies))


def skipped(number: int, reason: str) -> CheckResult:
    return CheckResult(number, TITLES[number], passed=False, seen=reason, remedy="", skipped=True)
