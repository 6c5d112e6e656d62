"""What each client has to be told to use one index: in which file, and with which lines.

A further index beside others (`--extra-index-url`) is in none of them: a client that asks two indexes for one name may
take it from the wrong one.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from purveyor.errors import Misconfigured
from purveyor.workbench.configuration import credential_files, ini_edit, pip, projects, toml_edit, uv
from purveyor.workbench.configuration.found import Surroundings, table, tables, without_credentials
from purveyor.workbench.configuration.ini_edit import IniEdit
from purveyor.workbench.configuration.lines import NotEditable
from purveyor.workbench.configuration.toml_edit import TomlEdit, Value
from purveyor.workbench.credentials import TOKEN_USER
from purveyor.workbench.destination import Credentials, Destination, is_loopback, origin

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_TAKEN_NAMES = ("pypi", "testpypi", "distutils", "server-login")  # they mean something to one client or another


class Edit(Protocol):
    """One change to a file's text."""

    def applied(self, text: str) -> str:
        """The changed text; raises `NotEditable`."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """The index to use, and the name it gets where a client wants one; `credentials` only if they are to be written."""

    destination: Destination
    name: str = "purveyor"
    credentials: Credentials | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in _TAKEN_NAMES:
            raise Misconfigured(f"{self.name!r} cannot be the index's name.", "Use small letters, digits and hyphens, such as purveyor.")

    @property
    def simple(self) -> str:
        return self.destination.simple_url

    @property
    def upload(self) -> str:
        return self.destination.upload_url

    @property
    def insecure_host(self) -> str:
        """The host, with its port, if it is another machine and not asked over TLS; else nothing."""
        parts = urlsplit(self.simple)
        if parts.scheme == "https" or is_loopback(parts.hostname or ""):
            return ""
        return parts.netloc


@dataclass(frozen=True, slots=True)
class Recipe:
    """The changes to one file. `commands` does what a file cannot; `private` files are for the user's eyes alone."""

    client: str
    path: Path
    edits: tuple[Edit, ...]
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    private: bool = False

    def applied(self, text: str) -> str:
        """The file's text with every change made; raises `NotEditable`."""
        for edit in self.edits:
            text = edit.applied(text)
        return text


def recipe(client: str, target: Target, surroundings: Surroundings, project: Path | None, *, user: bool) -> Recipe:
    """How `client` is set up for `target`: in `project`, for the user, or, if neither is asked for, where it is usual.

    Raises `Misconfigured` where the client has no such place.
    """
    return _RECIPES[client](target, surroundings, project, user)


def _pip(target: Target, surroundings: Surroundings, project: Path | None, user: bool) -> Recipe:
    del user
    path = pip.user_file(surroundings) if project is None else _virtual_environment(project) / "pip.conf"
    host = target.insecure_host
    notes = (f"pip refuses an index without TLS on another machine unless it is trusted: trusted-host has {host}.",) if host else ()
    edit = IniEdit("global", {"index-url": target.simple}, {"trusted-host": host} if host else {})
    return Recipe("pip", path, (edit,), notes=notes)


def _virtual_environment(project: Path) -> Path:
    for directory in (project, project / ".venv", project / "venv"):
        if (directory / "pyvenv.cfg").exists():
            return directory
    raise Misconfigured(
        f"pip has no configuration for projects, only for virtual environments, and {project} has none.",
        f"Make one with `python -m venv {shlex.quote(str(project / '.venv'))}`, or configure pip for the user with --user.",
    )


def _uv(target: Target, surroundings: Surroundings, project: Path | None, user: bool) -> Recipe:
    del user
    prefix: tuple[str, ...] = ()
    path = uv.user_file(surroundings)
    if project is not None:
        project = uv.workspace(replace(surroundings, cwd=project))
        path = project / "uv.toml"
        if not path.exists():
            path, prefix = _pyproject(project), ("tool", "uv")
    publishing = TomlEdit(prefix, {"publish-url": target.upload, "check-url": target.simple})
    return Recipe("uv", path, (publishing, _UvIndex(prefix, target)))


@dataclass(frozen=True, slots=True)
class _UvIndex:
    """uv has one default index: the one that stands there gets the new URL, under the name it has."""

    prefix: tuple[str, ...]
    target: Target

    def applied(self, text: str) -> str:
        """The changed text; raises `NotEditable`."""
        names, url = (*self.prefix, "index"), self.target.simple
        present = tables(table(toml_edit.parsed(text), *self.prefix).get("index"))
        if any(_is_default(entry) for entry in present):
            return TomlEdit(names, {"url": url}, _is_default).applied(text)
        if any(entry.get("name") == self.target.name and entry.get("explicit") is True for entry in present):
            raise NotEditable(f"its index {self.target.name} is for some projects only (explicit = true), so this one needs another --name")
        return TomlEdit(names, {"name": self.target.name, "url": url, "default": True}, _named(self.target.name)).applied(text)


def _is_default(entry: Mapping[str, Any]) -> bool:
    return entry.get("default") is True


def _poetry(target: Target, surroundings: Surroundings, project: Path | None, user: bool) -> Recipe:
    if user:
        raise Misconfigured("poetry has sources in projects only.", "Name the project's directory with --project.")
    source = TomlEdit(("tool", "poetry", "source"), {"name": target.name, "url": target.simple, "priority": "primary"}, _named(target.name))
    command = shlex.join(["poetry", "config", f"repositories.{target.name}", target.upload])
    return Recipe("poetry", _pyproject(project or surroundings.cwd), (source,), (command,))


def _pdm(target: Target, surroundings: Surroundings, project: Path | None, user: bool) -> Recipe:
    host = target.insecure_host
    notes = (f"pdm refuses an index without TLS on another machine unless verify_ssl is false: {host} is one.",) if host else ()
    index: dict[str, Value] = {"url": target.simple, "verify_ssl": not host}
    if user:
        edits = (TomlEdit(("pypi",), index), TomlEdit(("repository", target.name), {"url": target.upload}))
        return Recipe("pdm", projects.pdm_file(surroundings), edits, notes=notes)
    source = TomlEdit(("tool", "pdm", "source"), {"name": "pypi", **index}, _named("pypi"))
    command = shlex.join(["pdm", "config", f"repository.{target.name}.url", target.upload])
    return Recipe("pdm", _pyproject(project or surroundings.cwd), (source,), (command,), notes)


def _twine(target: Target, surroundings: Surroundings, project: Path | None, user: bool) -> Recipe:
    del user
    if project is not None:
        raise Misconfigured("twine has no configuration for projects.", "Configure it for the user with --user.")
    names = IniEdit("distutils", {}, {"index-servers": target.name}, {"index-servers": "pypi testpypi"})
    username, password = target.credentials or (TOKEN_USER, "")
    values = {"repository": target.upload, "username": username} | ({"password": password} if password else {})
    commands = (f"twine upload -r {target.name} dist/*",)
    notes: tuple[str, ...] = ()
    if not password:
        notes = ("The token is not written: twine asks for it, or takes it from TWINE_PASSWORD; --with-token writes it.",)
    elif target.upload.startswith("http:") and not target.destination.is_local:
        notes = (f"The token travels unencrypted: {target.upload} is http.",)
    edits = (names, _PypircSection(target.name, values))
    return Recipe("twine", credential_files.pypirc_file(surroundings), edits, commands, notes, private=True)


@dataclass(frozen=True, slots=True)
class _PypircSection:
    """A password that stands there for another index is not sent to this one."""

    name: str
    values: Mapping[str, str] = field(repr=False)

    def applied(self, text: str) -> str:
        """The changed text; raises `NotEditable`, or `Misconfigured` for such a password."""
        present = ini_edit.parsed(text).get(self.name, {})
        url = present.get("repository", "")
        if present.get("password") and "password" not in self.values and origin(url) != origin(self.values["repository"]):
            owner = without_credentials(url) or "which it does not name"
            raise Misconfigured(
                f"The section [{self.name}] of .pypirc holds a password for another index, {owner}.",
                "Give this index another name with --name, or replace the password with --with-token.",
            )
        return IniEdit(self.name, self.values).applied(text)


def _hatch(target: Target, surroundings: Surroundings, project: Path | None, user: bool) -> Recipe:
    del user
    variables: dict[str, Value] = {"PIP_INDEX_URL": target.simple, "UV_DEFAULT_INDEX": target.simple}
    if project is not None:
        own = project / "hatch.toml"
        path, prefix = (own, ()) if own.exists() else (_pyproject(project), ("tool", "hatch"))
        return Recipe("hatch", path, (TomlEdit((*prefix, "envs", "default", "env-vars"), variables),))
    repository = TomlEdit(("publish", "index", "repos", target.name), {"url": target.upload, "user": TOKEN_USER})
    commands = (
        f"hatch publish -r {target.name}",
        *(f"export {name}={shlex.quote(str(value))}" for name, value in variables.items()),
    )
    notes = (
        "Environments of hatch are filled from the index in PIP_INDEX_URL or UV_DEFAULT_INDEX; `--project` puts them into the project.",
    )
    return Recipe("hatch", projects.hatch_file(surroundings), (repository,), commands, notes)


def _pyproject(project: Path) -> Path:
    path = project / "pyproject.toml"
    if not path.exists():
        raise Misconfigured(f"There is no pyproject.toml in {project}.", "Name the project's directory with --project.")
    return path


def _named(name: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda entry: entry.get("name") == name


_RECIPES: dict[str, Callable[[Target, Surroundings, Path | None, bool], Recipe]] = {
    "pip": _pip,
    "uv": _uv,
    "poetry": _poetry,
    "pdm": _pdm,
    "twine": _twine,
    "hatch": _hatch,
}
CLIENTS = tuple(_RECIPES)
