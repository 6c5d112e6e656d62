"""Everything that the clients on this machine are set up to use, and where each setting comes from."""

from collections.abc import Callable
from dataclasses import dataclass

from purveyor.workbench.configuration import credential_files, pip, projects, proxies, uv
from purveyor.workbench.configuration.found import Configured, Finding, Found, Kind, Surroundings

_READERS: dict[str, Callable[[Surroundings], Found]] = {
    "pip": pip.read,
    "uv": uv.read,
    "poetry": projects.read_poetry,
    "pdm": projects.read_pdm,
    "hatch": projects.read_hatch,
    "twine": credential_files.read_twine,
    "netrc": credential_files.read_netrc,
    "proxy": proxies.read,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """The settings, each client's in the order in which they count, and the files that could not be used."""

    settings: tuple[Configured, ...]
    findings: tuple[Finding, ...]

    def of(self, client: str, *kinds: Kind) -> list[Configured]:
        """A client's settings that count; of all kinds if none is named."""
        return [s for s in self.settings if s.client == client and s.effective and (not kinds or s.kind in kinds)]


def read(surroundings: Surroundings, *clients: str) -> Reading:
    """What these clients, or all, would use from here. Raises nothing for files that are broken: they are findings."""
    found = [item for client in clients or _READERS for item in _READERS[client](surroundings)]
    settings = tuple(item for item in found if isinstance(item, Configured))
    return Reading(settings, tuple(dict.fromkeys(item for item in found if isinstance(item, Finding))))


def default_index(surroundings: Surroundings) -> tuple[str, str] | None:
    """The index this machine is set up to install from, and the source of that; None if nothing is configured."""
    return next(iter(default_indexes(surroundings)), None)


def default_indexes(surroundings: Surroundings) -> list[tuple[str, str]]:
    """The same, followed by what would count in its place: PIP_INDEX_URL, UV_DEFAULT_INDEX, pip.conf, uv.toml.

    The URLs are as configured, with their credentials.
    """
    found = [s for client in ("pip", "uv") for s in read(surroundings, client).of(client, "index")]
    found.sort(key=lambda setting: setting.path is not None)  # the environment first; otherwise the order stays
    return [(setting.value, setting.source) for setting in found]
