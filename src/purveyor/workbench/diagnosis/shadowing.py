"""Whether another index that a client is set up to ask has the same project, and would win."""

from collections.abc import Iterator

from packaging.version import Version

from purveyor.errors import Misconfigured
from purveyor.formats.simple_reader import read_project
from purveyor.model.names import NormalizedName
from purveyor.workbench.configuration.found import Configured
from purveyor.workbench.configuration.reading import Reading
from purveyor.workbench.diagnosis.clients import INSTALLERS, Clients, mended, same_index
from purveyor.workbench.diagnosis.findings import Finding
from purveyor.workbench.diagnosis.index import ACCEPT
from purveyor.workbench.verification.fetching import PAGE_LIMIT, IndexClient, Target
from purveyor.workbench.verification.offer import offer_of

MOST_INDEXES = 4


def shadowing(name: NormalizedName, ours: Version, clients: Clients, timeout: float) -> Iterator[Finding]:
    """`ours` is the newest version on this index. Only indexes are asked that a client on this machine asks anyway."""
    others = _others(clients.reading, clients.target)
    for url, setting in list(others.items())[:MOST_INDEXES]:
        try:
            theirs = _version_at(Target.of(url, None), name, timeout)
        except Misconfigured:
            yield _not_asked(setting, "it is no http or https URL")
            continue
        if isinstance(theirs, str):
            yield _not_asked(setting, theirs)
        elif theirs is not None:
            yield _both(name, (ours, theirs), setting, clients)


def _others(reading: Reading, target: Target) -> dict[str, Configured]:
    """The first setting that names each other index."""
    found: dict[str, Configured] = {}
    for client in INSTALLERS:
        for setting in reading.of(client, "index", "extra-index"):
            if not any(same_index(setting.value, url) for url in (*found, target.url)):
                found[setting.value] = setting
    return found


def _version_at(other: Target, name: NormalizedName, timeout: float) -> Version | str | None:
    """The version an installer would take there, None if the project is not there, or why that is not known."""
    with IndexClient(other, timeout) as client:
        answer = client.page(f"{other.url}{name}/", ACCEPT, PAGE_LIMIT)
    if answer.status in (404, 410):
        return None
    if not answer.ok:
        return f"it {answer.outcome}"
    return offer_of(name, None, read_project(answer.body, answer.content_type, answer.url), None).version


def _both(name: NormalizedName, versions: tuple[Version, Version], setting: Configured, clients: Clients) -> Finding:
    ours, theirs = versions
    remedy, command = mended(setting, clients.target.url if setting.kind == "index" else "", clients.surroundings)
    first = setting.client == "uv" or setting.kind == "index"
    wins = first or theirs >= ours
    return Finding(
        "project-shadowed" if wins else "project-also-elsewhere",
        f"{setting.shown} has {name} too: version {theirs}, here it is {ours}.",
        f"{setting.client} asks that index ({setting.source}), "
        + (
            "and takes the project from there."
            if wins
            else "and takes the project from there as soon as it has a higher version (dependency confusion)."
        ),
        remedy,
        command,
    )


def _not_asked(setting: Configured, reason: str) -> Finding:
    return Finding(
        "other-index-not-asked",
        f"Whether {setting.shown} has the project too is not known: {reason}.",
        f"{setting.client} is set up to ask it ({setting.source}).",
    )
