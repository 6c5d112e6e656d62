"""Security advisories on projects, as the Open Source Vulnerability format (OSV 1.7) describes them."""

from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from purveyor.model.names import NormalizedName


@dataclass(frozen=True, slots=True)
class Span:
    """Versions from `introduced` on ("0": from the first), to before `fixed` or up to `last`; without either, all later ones."""

    introduced: str
    fixed: str | None = None
    last: str | None = None

    def holds(self, version: Version) -> bool:
        if self.introduced != "0" and version < _version(self.introduced):
            return False
        if self.fixed is not None:
            return version < _version(self.fixed)
        return self.last is None or version <= _version(self.last)


@dataclass(frozen=True, slots=True)
class Advisory:
    project: NormalizedName
    identifier: str
    summary: str
    versions: frozenset[str]
    spans: tuple[Span, ...]

    @property
    def line(self) -> str:
        return f"{self.identifier} ({self.summary})" if self.summary else self.identifier

    def affects(self, version: str) -> bool:
        """Whether the version is listed or in a span (OSV "Evaluation"); an advisory that names neither is on every version."""
        if not self.versions and not self.spans:
            return True
        found = Version(version)
        return version in self.versions or str(found) in self.versions or any(span.holds(found) for span in self.spans)


def _version(text: str) -> Version:
    """What nobody can compare affects nothing it is compared with: as new as can be."""
    try:
        return Version(text)
    except InvalidVersion:
        return Version("9999999!0")
