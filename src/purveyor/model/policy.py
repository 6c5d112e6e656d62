"""What of a project an index offers: rules that hold files back, each with a sentence that says which, until when, and what can be done."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from purveyor.errors import Refused
from purveyor.model.advisories import Advisory
from purveyor.model.files import DistributionFile, Kind
from purveyor.model.names import NormalizedName
from purveyor.model.patterns import NamePattern
from purveyor.model.projects import ProjectDetail

_SELECTOR_LIMIT = 200
_SELECTOR = re.compile(r"([a-z0-9*-]+)\s*(.*)\Z", re.ASCII | re.DOTALL)


class Rule(StrEnum):
    COOLDOWN = "cooldown"
    ALLOW = "allow"
    DENY = "deny"
    KINDS = "kinds"
    MAX_SIZE = "max-size"
    BLOCKED = "blocked-hash"
    ADVISORY = "advisory"


class OnAdvisory(StrEnum):
    IGNORE = "ignore"
    WARN = "warn"
    BLOCK = "block"


class Selector(Struct, frozen=True):
    """Projects and of their versions those of a specifier: `acme-*`, `requests<3`."""

    pattern: NamePattern
    versions: SpecifierSet = field(default_factory=SpecifierSet)

    @classmethod
    def of(cls, text: str) -> "Selector":
        """Raises `Refused` for what is none."""
        match = _SELECTOR.match(text.strip()) if len(text) <= _SELECTOR_LIMIT else None
        try:
            if match is not None:
                return cls(NamePattern(match[1]), SpecifierSet(match[2], prereleases=True))
        except InvalidSpecifier:
            pass
        raise Refused(
            f"{text[:_SELECTOR_LIMIT]!r} does not say which releases.",
            "Give a project's name, with * for any characters: acme-*, requests<3.",
        )

    def __str__(self) -> str:
        return f"{self.pattern.text}{self.versions}"

    def selects(self, name: NormalizedName, version: str) -> bool:
        return self.pattern.matches(name) and (not self.versions or self.versions.contains(Version(version)))


class Policy(Struct, frozen=True):
    """None and empty: no such rule. `for_names` are policies for the names of a pattern: what such a one says goes before the rest."""

    cooldown: timedelta | None = None
    allow: tuple[Selector, ...] | None = None
    deny: tuple[Selector, ...] | None = None
    kinds: tuple[Kind, ...] | None = None
    max_size: int | None = None
    blocked: frozenset[str] | None = None
    advisories: OnAdvisory | None = None
    for_names: tuple[tuple[NamePattern, "Policy"], ...] = ()

    def of(self, name: NormalizedName) -> "Policy":
        """The policy for one name: of the patterns that match it the first that says something on a rule counts."""
        policy = replace(self, for_names=())
        for pattern, special in reversed(self.for_names):
            if pattern.matches(name):
                said = {rule: getattr(special, rule) for rule in special.__struct_fields__ if rule != "for_names"}
                policy = replace(policy, **{rule: value for rule, value in said.items() if value is not None})
        return policy


NO_POLICY = Policy()


class Override(Struct, frozen=True):
    """An exception for one version of one project, by a person, for a time."""

    project: NormalizedName
    version: str
    until: datetime
    by: str
    at: datetime
    reason: str = ""

    def opens(self, file: DistributionFile, now: datetime) -> bool:
        return file.project == self.project and Version(file.version) == Version(self.version) and now < self.until


class Withheld(Struct, frozen=True):
    """A file that the policy of `index` does not offer. `because` is a sentence without its subject; `until` where time alone ends it."""

    file: DistributionFile
    rule: Rule
    because: str
    until: datetime | None = None
    index: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.file.filename} is {self.because}"


class Warned(Struct, frozen=True):
    """An offered version that an advisory is about."""

    version: str
    advisory: str

    def __str__(self) -> str:
        return f"{self.version}: {self.advisory}"


class Admission(Struct, frozen=True):
    """The project as far as the policy offers it, and what it holds back. It is right until `valid_until`."""

    detail: ProjectDetail
    withheld: tuple[Withheld, ...] = ()
    warnings: tuple[Warned, ...] = ()
    valid_until: datetime | None = None


def admit(
    detail: ProjectDetail,
    policy: Policy,
    now: datetime,
    *,
    pulled: bool,
    overrides: Sequence[Override] = (),
    advisories: Sequence[Advisory] = (),
) -> Admission:
    """Sort a project's files into those that are offered and those that are withheld.

    `pulled` says that they come from a remote index: only then a cooldown applies, since nobody waits for the own releases.
    """
    for_it = policy.of(detail.name)
    affecting = _Affecting(advisories)
    offered, withheld, ends = [], [], []
    for file in detail.files:
        held = next(_reasons(file, for_it, now, affecting, pulled=pulled), None)
        opened = [override.until for override in overrides if held and override.opens(file, now)]
        if held is None or opened:
            offered.append(file)
            ends += [max(opened)] if opened else []
        else:
            withheld.append(held)
            ends += [held.until] if held.until else []
    admitted = replace(detail, files=tuple(offered)) if withheld else detail
    return Admission(admitted, tuple(withheld), _warnings(offered, for_it, affecting), min(ends, default=None))


def objections(
    file: DistributionFile, policy: Policy, now: datetime, overrides: Sequence[Override] = (), advisories: Sequence[Advisory] = ()
) -> list[str]:
    """Everything the policy has against a file of our own, in sentences; nothing if an override opens it."""
    if any(override.opens(file, now) for override in overrides):
        return []
    reasons = _reasons(file, policy.of(file.project), now, _Affecting(advisories), pulled=False)
    return [held.sentence for held in reasons]


class _Affecting(dict[str, tuple[Advisory, ...]]):
    """The advisories on a version, looked for once however many files it has."""

    def __init__(self, advisories: Sequence[Advisory]) -> None:
        super().__init__()
        self._advisories = advisories

    def __missing__(self, version: str) -> tuple[Advisory, ...]:
        found = self[version] = tuple(advisory for advisory in self._advisories if advisory.affects(version))
        return found


def _reasons(file: DistributionFile, policy: Policy, now: datetime, affecting: _Affecting, *, pulled: bool) -> Iterator[Withheld]:
    """Every rule that holds the file back: what is wrong with it for good goes before what only time is wanting for."""
    if policy.blocked and file.sha256 in policy.blocked:
        yield Withheld(file, Rule.BLOCKED, "blocked: its sha256 is on the list of blocked hashes.")
    if denied := next((s for s in policy.deny or () if s.selects(file.project, file.version)), None):
        yield Withheld(file, Rule.DENY, f"denied by the rule {denied}.")
    if policy.allow and not any(s.selects(file.project, file.version) for s in policy.allow):
        yield Withheld(file, Rule.ALLOW, "not among what is allowed here.")
    if policy.kinds and file.kind not in policy.kinds:
        yield Withheld(file, Rule.KINDS, f"of the kind {file.kind}, and only {', '.join(policy.kinds)} is offered here.")
    if policy.max_size is not None and file.size > policy.max_size:
        yield Withheld(file, Rule.MAX_SIZE, f"too large: it has {file.size} bytes, and at most {policy.max_size} are offered here.")
    if policy.advisories is OnAdvisory.BLOCK and (known := affecting[file.version]):
        yield Withheld(file, Rule.ADVISORY, f"blocked: {'; '.join(advisory.line for advisory in known)}.")
    if pulled and policy.cooldown:
        yield from _cooling(file, policy.cooldown, now)


def _cooling(file: DistributionFile, cooldown: timedelta, now: datetime) -> Iterator[Withheld]:
    days = f"{cooldown / timedelta(days=1):g} days"
    if file.uploaded_at is None:
        # Nobody can say that it is old enough, and a new release of somebody else's is what the rule is for.
        yield Withheld(file, Rule.COOLDOWN, f"held: a release is offered {days} after its upload, and nothing says when this was.")
    elif now < (until := file.uploaded_at + cooldown):
        uploaded = f"{file.uploaded_at:%Y-%m-%d %H:%M} UTC"
        because = f"held until {until:%Y-%m-%d %H:%M} UTC: it was uploaded on {uploaded}, and a release is offered {days} after its upload."
        yield Withheld(file, Rule.COOLDOWN, because, until)


def _warnings(offered: Iterable[DistributionFile], policy: Policy, affecting: _Affecting) -> tuple[Warned, ...]:
    if policy.advisories is not OnAdvisory.WARN:
        return ()
    versions = dict.fromkeys(file.version for file in offered)
    return tuple(Warned(version, advisory.line) for version in versions for advisory in affecting[version])
