"""What else on this machine would keep a client from using the index that its file names."""

from collections.abc import Iterator

from purveyor.workbench.configuration.found import Configured, Surroundings, variable
from purveyor.workbench.configuration.proxies import proxy_of
from purveyor.workbench.configuration.reading import read
from purveyor.workbench.destination import Destination

_PUBLISHES_ELSEWHERE = (variable("TWINE_REPOSITORY_URL"), variable("UV_PUBLISH_URL"))


def standing_above(client: str, destination: Destination, surroundings: Surroundings, *, written: bool) -> list[str]:
    """A sentence for each setting that counts before the client's file, or adds another index; all of them only once it is `written`."""
    reading = read(surroundings, client)
    notes = [f"{finding.detail} {finding.remedy}" for finding in reading.findings]
    for setting in reading.of(client, "index"):
        if setting.path is None or written:
            notes += _of_another_index(client, setting, destination)
    notes += [
        f"{_capital(s.source)} is {s.shown}, and {client} publishes there instead: take it out."
        for s in reading.of(client, "upload")
        if s.source in _PUBLISHES_ELSEWHERE and s.value.rstrip("/") != destination.upload_url.rstrip("/")
    ]
    notes += [_of_a_further_index(client, setting) for setting in reading.of(client, "extra-index")]
    notes += [
        f"{_capital(s.source)} keeps {client} from asking any index: take it out."
        for s in reading.of(client, "no-index")
        if s.value != "false"
    ]
    proxy = proxy_of(destination.simple_url, surroundings.environ) if destination.is_local else None
    if proxy:
        notes.append(f"{_capital(proxy.source)} sends even this machine's own addresses to a proxy: set NO_PROXY=localhost,127.0.0.1,::1.")
    return notes


def _of_another_index(client: str, setting: Configured, destination: Destination) -> Iterator[str]:
    if setting.value.rstrip("/") != destination.simple_url.rstrip("/"):
        yield f"{_capital(setting.source)} is {setting.shown}, and {client} uses that instead: take it out."


def _of_a_further_index(client: str, setting: Configured) -> str:
    return f"{_capital(setting.source)} has {client} ask {setting.shown} too, which may answer for a name of yours: take it out."


def _capital(source: str) -> str:
    return f"The {source}"
