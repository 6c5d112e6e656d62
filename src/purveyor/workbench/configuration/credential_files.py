"""The files in which clients keep passwords: .netrc and .pypirc. Whose they are is read; the passwords are not kept."""

import netrc
import stat
from collections.abc import Iterator
from pathlib import Path

from purveyor.workbench.configuration.found import Configured, Finding, Found, Surroundings, ini_of, unusable, variable

_READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH


def read_netrc(surroundings: Surroundings) -> Found:
    """The hosts to which pip, uv, twine and others send a user and a password."""
    path = netrc_file(surroundings)
    try:
        hosts = netrc.netrc(str(path)).hosts
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError, netrc.NetrcParseError) as error:
        yield unusable("netrc", path, error, surroundings)
        return
    for host, (user, _account, _password) in hosts.items():
        yield Configured("netrc", "credentials", f"{user}@{host}", f"file {surroundings.shown(path)}, machine {host}", path)
    if hosts:
        yield from _open_to_others("netrc", path, surroundings)


def netrc_file(surroundings: Surroundings) -> Path:
    named = surroundings.environ.get("NETRC")
    return surroundings.expanded(named) if named else surroundings.home / ".netrc"


def read_twine(surroundings: Surroundings) -> Found:
    """Where twine uploads to: the environment, and the sections of .pypirc, which other clients read too."""
    for name in ("TWINE_REPOSITORY_URL", "TWINE_REPOSITORY"):
        if surroundings.environ.get(name):
            yield Configured("twine", "upload", surroundings.environ[name], variable(name))
    path = pypirc_file(surroundings)
    parser = ini_of("twine", path, surroundings)
    if isinstance(parser, Finding):
        yield parser
        return
    secret = False
    for section in parser.sections() if parser else ():
        values = dict(parser.items(section)) if parser else {}
        source = f"file {surroundings.shown(path)}, [{section}]"
        if values.get("repository"):
            yield Configured("twine", "upload", values["repository"], f"{source} repository", path)
        if values.get("password"):
            secret = True
            yield Configured("twine", "credentials", f"{values.get('username', '')}@[{section}]", source, path)
    if secret:
        yield from _open_to_others("twine", path, surroundings)


def pypirc_file(surroundings: Surroundings) -> Path:
    return surroundings.home / ".pypirc"


def _open_to_others(client: str, path: Path, surroundings: Surroundings) -> Iterator[Finding]:
    if path.stat().st_mode & _READABLE_BY_OTHERS:
        shown = surroundings.shown(path)
        yield Finding(client, path, f"{shown} holds a password, and other users of this machine can read it.", f"Run `chmod 600 {shown}`.")
