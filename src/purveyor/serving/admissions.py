"""Applies an index's policy to what it is about to offer, whether it hosts it or has it from further up."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from purveyor.interfaces import Catalog
from purveyor.model.indexes import Index
from purveyor.model.policy import NO_POLICY, Warned, Withheld, admit
from purveyor.model.projects import ProjectDetail


class Offer(Struct, frozen=True):
    """A project as an index offers it, and the index that hosts it: one of this server, or with `pulled` another's, by its URL.

    `withheld` are the files that policies hold back on the way; the whole is right until `valid_until`.
    """

    detail: ProjectDetail
    source: str
    pulled: bool = False
    withheld: tuple[Withheld, ...] = ()
    warnings: tuple[Warned, ...] = ()
    valid_until: datetime | None = None
    stale: str = ""
    """Since how many seconds, and why, it may be otherwise at the upstream by now."""


class Admissions:
    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now

    def admit(self, index: Index, offer: Offer) -> Offer:
        """The offer without what the index's policy holds back."""
        if index.policy == NO_POLICY:
            return offer
        name = offer.detail.name
        admission = admit(
            offer.detail,
            index.policy,
            self._now(),
            pulled=offer.pulled,
            overrides=self._catalog.overrides(name, index.name),
            advisories=self._catalog.advisories(name) if index.policy.of(name).advisories else (),
        )
        return replace(
            offer,
            detail=admission.detail,
            withheld=offer.withheld + tuple(replace(held, index=index.name) for held in admission.withheld),
            warnings=offer.warnings + admission.warnings,
            valid_until=min((end for end in (offer.valid_until, admission.valid_until) if end), default=None),
        )
