"""Where pip, uv and the others are set up to install from, seen from one index: itself, another, or both side by side."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from purveyor.workbench.configuration import credential_files, pip, uv
from purveyor.workbench.configuration.found import Configured, Surroundings, without_credentials
from purveyor.workbench.configuration.reading import Reading
from purveyor.workbench.diagnosis.findings import Finding
from purveyor.workbench.diagnosis.machine import private
from purveyor.workbench.diagnosis.wording import shown
from purveyor.workbench.verification.fetching import Target

INSTALLERS = ("pip", "uv", "poetry", "pdm", "hatch")

_PLACE = re.compile(r", \[([\w-]+)\] ([\w-]+)\Z")


@dataclass(frozen=True, slots=True)
class Clients:
    """What the clients on this machine are set up to use, beside the index that is looked at."""

    target: Target
    reading: Reading
    surroundings: Surroundings


def same_index(one: str, other: str) -> bool:
    """Whether two URLs are of one index, credentials and the last slash aside."""
    return without_credentials(one).replace("***@", "").rstrip("/") == without_credentials(other).replace("***@", "").rstrip("/")


def clients(setup: Clients) -> Iterator[Finding]:
    """One finding for each setting of a client that says from where it installs, or for those that say nothing."""
    target, reading, surroundings = setup.target, setup.reading, setup.surroundings
    unset = []
    for client in INSTALLERS:
        indexes = [*reading.of(client, "index"), *(reading.of(client, "extra-index") if client == "uv" else ())]
        if client in ("pip", "uv") and not indexes:
            unset.append(client)
        for setting in indexes:
            yield _index(setting, target, surroundings)
        if client != "uv":  # it asks extra indexes first, and stops at the first that has the name: so they are told above
            yield from _extras(client, setup)
        for setting in reading.of(client, "no-index"):
            yield from _no_index(setting, surroundings)
    if unset:
        yield _default(unset, target)
    yield from _find_links(reading)
    yield from _broken(reading)


def credentials(setup: Clients) -> Iterator[Finding]:
    """Files with passwords that others can read, and entries of theirs for this very host."""
    target, reading, surroundings = setup.target, setup.reading, setup.surroundings
    files = {setting.path for setting in reading.settings if setting.kind == "credentials" and setting.path}
    for path in sorted(files & {credential_files.netrc_file(surroundings), credential_files.pypirc_file(surroundings)}):
        yield from private(path, "credentials-readable-by-others", "It holds passwords.")
    for setting in reading.settings:
        if setting.kind == "credentials" and setting.client == "netrc" and setting.value.rpartition("@")[2] in (target.host, "default"):
            yield _for_this_host(setting, "pip, uv and twine send that user's password to it, whether it asks or not.")
        elif setting.kind == "upload" and setting.client == "twine" and urlsplit(setting.value).netloc.rpartition("@")[2] == _place(target):
            yield _for_this_host(setting, "twine and others upload to it under that name.")


def mended(setting: Configured, url: str, surroundings: Surroundings) -> tuple[str, str]:
    """How to make a setting name `url`, or nothing if that is empty: in words, and as a command where there is one."""
    variable = setting.source.removeprefix("environment variable ")
    if setting.path is None:
        verb = f"Set {variable} to this index" if url else f"Unset {variable}"
        return f"{verb}, for good where it is set.", f"export {variable}={shlex.quote(url)}" if url else f"unset {variable}"
    words = f"{'Name this index' if url else 'Take that out'} in {setting.source.removeprefix('file ')}."
    return words, _edit(setting, setting.path, url, surroundings)


def _edit(setting: Configured, path: Path, url: str, surroundings: Surroundings) -> str:
    """The command that edits the file, empty where a person has to."""
    ours = f"--write --yes --index-url {shlex.quote(url)}"
    if url and setting.client == "uv" and path == uv.user_file(surroundings):
        return f"purveyor config uv --user {ours}"
    if url and setting.client == "pdm" and path.name == "pyproject.toml":
        return f"purveyor config pdm --project {shlex.quote(str(path.parent))} {ours}"
    place, scope = _PLACE.search(setting.source), _pip_scope(path, surroundings)
    if setting.client != "pip" or place is None or scope is None:
        return ""
    key = f"{place[1]}.{place[2]}"
    return f"pip config {scope} set {key} {shlex.quote(url)}" if url else f"pip config {scope} unset {key}"


def _pip_scope(path: Path, surroundings: Surroundings) -> str | None:
    """The option under which `pip config` edits that file; None where it edits another."""
    scopes = {pip.user_file(surroundings): "--user", surroundings.prefix / "pip.conf": "--site", surroundings.etc / "pip.conf": "--global"}
    return scopes.get(path)


def _index(setting: Configured, target: Target, surroundings: Surroundings) -> Finding:
    if same_index(setting.value, target.url):
        return Finding("client-uses-this-index", f"{setting.client} is set up for this index ({setting.source}).")
    remedy, command = mended(setting, target.url if setting.kind == "index" else "", surroundings)
    return Finding(
        "client-other-index",
        f"{setting.client} is set up for another index, {setting.shown} ({setting.source}).",
        f"Without an option on its command line, {setting.client} does not look here first, or not at all.",
        remedy,
        command,
    )


def _extras(client: str, setup: Clients) -> Iterator[Finding]:
    """One finding for each place that names indexes to be asked beside the index."""
    places: dict[str, list[Configured]] = {}
    for setting in setup.reading.of(client, "extra-index"):
        places.setdefault(setting.source, []).append(setting)
    main = ", ".join(one.shown for one in setup.reading.of(client, "index")) or "its default index"
    for source, settings in places.items():
        remedy, command = mended(settings[0], "", setup.surroundings)
        if any(same_index(setting.value, setup.target.url) for setting in settings):
            remedy = f"{remedy} Make this the only index of {client}."
        yield Finding(
            "client-extra-index",
            f"{client} asks {shown(setting.shown for setting in settings)} for every name beside {main} ({source}).",
            "Of a name that both have the higher version wins: whoever owns it there decides what is installed (dependency confusion).",
            remedy,
            command,
        )


def _no_index(setting: Configured, surroundings: Surroundings) -> Iterator[Finding]:
    if setting.value.lower() not in ("0", "false", "no", "off", "n", "f"):
        remedy, command = mended(setting, "", surroundings)
        yield Finding("client-no-index", f"{setting.client} asks no index at all ({setting.source}).", "So it was told.", remedy, command)


def _default(unset: list[str], target: Target) -> Finding:
    exports = {"pip": "PIP_INDEX_URL", "uv": "UV_DEFAULT_INDEX"}
    return Finding(
        "client-default-index",
        f"{' and '.join(unset)} {'is' if len(unset) == 1 else 'are'} not set up for any index.",
        f"Without an option such as `--index-url {target.url}` the public one is asked.",
        "Set them up for this index, here for this shell.",
        "export " + " ".join(f"{exports[client]}={shlex.quote(target.url)}" for client in unset),
    )


def _find_links(reading: Reading) -> Iterator[Finding]:
    for client in INSTALLERS:
        if places := reading.of(client, "find-links"):
            yield Finding(
                "client-find-links",
                f"{client} also takes files from {shown(place.shown for place in places)} ({places[0].source}).",
                "A file there counts as if it were on the index; the higher version wins.",
            )


def _broken(reading: Reading) -> Iterator[Finding]:
    """Files of passwords that others can read are looked at apart, with a fix."""
    secret = {setting.path for setting in reading.settings if setting.kind == "credentials"}
    for finding in reading.findings:
        if finding.path not in secret:
            why = f"{finding.client} stops there, or goes on without what the file says."
            yield Finding("client-configuration-broken", finding.detail, why, finding.remedy)


def _for_this_host(setting: Configured, why: str) -> Finding:
    return Finding("credentials-for-this-host", f"There are credentials for this host: {setting.source}.", why)


def _place(target: Target) -> str:
    return urlsplit(target.url).netloc
