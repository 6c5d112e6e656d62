"""Security advisories on projects, as the Open Source Vulnerability format (OSV 1.7) describes them."""

from functools import lru_cache

from msgspec import Struct
from packaging.utils import canonicalize_version
from packaging.version import Version

from purveyor.model.names import NormalizedName


class Span(Struct, frozen=True):
    """Versions from `introduced` on ("0": from the first), to before `fixed` or up to `last`; without either, all later ones."""

    introduced: str
    fixed: str | None = None
    last: str | None = None

    def holds(self, version: Version) -> bool:
        if self.introduced != "0" and version < comparable(self.introduced):
            return False
        if self.fixed is not None:
            return version < comparable(self.fixed)
        return self.last is None or version <= comparable(self.last)


class Advisory(Struct, frozen=True):
    """`versions` are canonical, as `packaging.utils.canonicalize_version` spells them: 1.0 and 1.0.0 are the same release."""

    project: NormalizedName
    identifier: str
    summary: str
    versions: frozenset[str]
    spans: tuple[Span, ...]

    @property
    def line(self) -> str:
        return f"{self.identifier} ({self.summary})" if self.summary else self.identifier

    def affects(self, version: str) -> bool:
        """Whether the version is listed or in a span (OSV "Evaluation"). A local version is affected where the one it was built from is."""
        found = comparable(version)
        public = comparable(found.public)
        return any(
            canonicalize_version(one) in self.versions or any(span.holds(one) for span in self.spans)
            for one in dict.fromkeys((found, public))
        )


@lru_cache(maxsize=4096)
def comparable(text: str) -> Version:
    """As new as can be if nobody can compare it: a span that begins there holds nothing, one that ends there everything after its begin."""
    try:
        return Version(text)
    except ValueError:  # InvalidVersion, and Python's own for numbers of thousands of digits
        return Version("9999999!0")
