"""Proxies in the environment, and whether a URL would go through one: on the way to this very machine it then gets lost."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from purveyor.workbench.configuration.found import Configured, Kind, Surroundings, variable


def read(surroundings: Surroundings) -> Iterator[Configured]:
    """The variables that are set, as every client reads them: in small letters or in capitals, the former first."""
    for plain in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        names = [name for name in (plain, plain.upper()) if surroundings.environ.get(name)]
        for name in names:
            kind: Kind = "no-proxy" if plain == "no_proxy" else "proxy"
            yield Configured("proxy", kind, surroundings.environ[name], variable(name), effective=name == names[0])


def proxy_of(url: str, environ: Mapping[str, str]) -> Configured | None:
    """The proxy through which pip and uv would ask for `url`; None if they go there directly.

    A loopback address is no exception for them: it needs NO_PROXY.
    """
    parts = urlsplit(url)
    if _exempt(parts.hostname or "", parts.port, _either(environ, "no_proxy")[1]):
        return None
    for plain in (f"{parts.scheme}_proxy", "all_proxy"):
        name, value = _either(environ, plain)
        if value:
            return Configured("proxy", "proxy", value, variable(name))
    return None


def _either(environ: Mapping[str, str], plain: str) -> tuple[str, str]:
    name = plain if environ.get(plain) else plain.upper()
    return name, environ.get(name, "")


def _exempt(host: str, port: int | None, exceptions: str) -> bool:
    entries = [entry.strip().lower() for entry in exceptions.split(",")]
    return any(_matches(host.lower(), port, entry) for entry in entries if entry)


def _matches(host: str, port: int | None, entry: str) -> bool:
    if entry == "*":
        return True
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        entry = entry.lstrip("*").lstrip(".")
        return host == entry or host.endswith(f".{entry}") or f"{host}:{port}" == entry
