"""Why an index offers what it offers: where a name is looked for, what is held back, by which rule, set by whom, and how to go on."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from packaging.version import Version

from purveyor.interfaces import Catalog
from purveyor.model.files import DistributionFile, parse_version
from purveyor.model.indexes import Index, IndexName, shown
from purveyor.model.journal import Action
from purveyor.model.names import NormalizedName
from purveyor.model.policy import Override, Rule, Withheld
from purveyor.model.projects import Status
from purveyor.serving.admissions import Offer
from purveyor.serving.offers import Offers

_OVERRIDABLE_FOR = "7"


class Reason(Struct, frozen=True):
    """One sentence about one release or file, and what can be done; `rule` is empty where no rule holds anything back."""

    version: str
    sentence: str
    rule: str = ""
    remedy: str = ""
    until: str = ""


class Explanation(Struct, frozen=True):
    source: str
    routing: tuple[str, ...]
    reasons: tuple[Reason, ...]


class Explaining:
    def __init__(self, catalog: Catalog, offers: Offers, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._offers = offers
        self._now = now

    def why(self, index: IndexName, name: NormalizedName, version: str | None = None) -> Explanation:
        """Raises `NotFound` for an index that is not there, `Refused` for a version that is none."""
        wanted = parse_version(version) if version else None
        settings = self._offers.index(index)
        offer = self._offers.project(index, name)
        routing = self._routing(settings, name, offer)
        if offer is None:
            return Explanation("", routing, ())
        reasons = [
            *(self._held(held) for held in offer.withheld),
            *self._deleted(index, name),
            *self._opened(index, offer),
            *_warnings(offer),
            *_offered(offer, wanted),
        ]
        meant = tuple(reason for reason in reasons if wanted is None or Version(reason.version) == wanted)
        if wanted is not None and not meant and wanted not in {Version(version) for version in offer.detail.versions}:
            meant = (Reason(str(wanted), f"{_place(offer)} has no release {wanted} of {name}."),)
        return Explanation(_place(offer), (*routing, *_status(offer)), meant)

    def _routing(self, index: Index, name: NormalizedName, offer: Offer | None) -> tuple[str, ...]:
        if offer is None:
            where = f"{index.name} reserves the name" if index.reserves(name) else f"{index.name} does not host {name}"
            further = (
                "it is looked for nowhere else"
                if index.reserves(name) or not index.upstreams
                else f"{_named(index)} does not have it either"
            )
            return (f"{where}, and {further}.",)
        if offer.source != index.name:
            return (f"{index.name} does not host {name}; it comes from {_place(offer)}.",)
        if index.mixes(name):
            return (f"{index.name} hosts {name}, and offers what {_named(index)} has beside it: the name is mixed.",)
        if not index.upstreams:
            return (f"{index.name} hosts {name}.",)
        return (f"{index.name} hosts {name}: {_named(index)} is never asked for it, whatever versions are there.",)

    def _held(self, held: Withheld) -> Reason:
        setting = self._catalog.last_change(Action.SET_INDEX, IndexName(held.index))
        by = f" The policy of {held.index} says so, set by {setting.actor} on {setting.at:%Y-%m-%d}." if setting else ""
        remedy = f"purveyor override {held.file.project}=={held.file.version} --index {held.index} --days {_OVERRIDABLE_FOR} --reason '...'"
        until = f"{held.until:%Y-%m-%dT%H:%M:%SZ}" if held.until else ""
        return Reason(held.file.version, f"{held.sentence}{by}", held.rule, remedy, until)

    def _deleted(self, index: IndexName, name: NormalizedName) -> list[Reason]:
        return [
            Reason(file.version, f"{file.filename} was deleted here.", remedy=f"purveyor restore {file.filename} --index {index}")
            for file in self._catalog.deleted_files(name, index)
        ]

    def _opened(self, index: IndexName, offer: Offer) -> list[Reason]:
        """The overrides of the index itself and of those of this server above it: each opens what its own index holds back."""
        now, name = self._now(), offer.detail.name
        return [
            _exception(override, place.name)
            for place in self._offers.above(index)
            for override in self._catalog.overrides(name, place.name)
            if now < override.until
        ]


def _status(offer: Offer) -> tuple[str, ...]:
    status = offer.detail.status
    if status.status is Status.ACTIVE:
        return ()
    because = f" ({status.reason})" if status.reason else ""
    none = "" if status.status.offers_files else ": none of its files is offered"
    return (f"{offer.detail.name} is {status.status}{because}{none}.",)


def _warnings(offer: Offer) -> list[Reason]:
    return [
        Reason(warned.version, f"An advisory is about it: {warned.advisory}. It is offered all the same.", Rule.ADVISORY)
        for warned in offer.warnings
    ]


def _offered(offer: Offer, wanted: Version | None) -> list[Reason]:
    """Of a version that was asked for, what its files are; of a whole project only the yanked ones, which installers pass over."""
    if not offer.detail.status.status.offers_files:
        return []
    return [_of_file(file) for file in offer.detail.files if file.yanked or (wanted is not None and Version(file.version) == wanted)]


def _of_file(file: DistributionFile) -> Reason:
    if file.yanked is None:
        return Reason(file.version, f"{file.filename} is offered.")
    reason = f" ({file.yanked.reason})" if file.yanked.reason else ""
    return Reason(file.version, f"{file.filename} is yanked{reason}: installers pass it over unless it is asked for by ==.")


def _exception(override: Override, index: IndexName) -> Reason:
    because = f" ({override.reason})" if override.reason else ""
    sentence = f"An override by {override.by}{because} lets {index} offer it until {override.until:%Y-%m-%d %H:%M} UTC."
    return Reason(override.version, sentence)


def _place(offer: Offer) -> str:
    return shown(offer.source)


def _named(index: Index) -> str:
    return " or ".join(shown(upstream) for upstream in index.upstreams)
