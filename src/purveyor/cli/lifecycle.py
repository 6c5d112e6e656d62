"""The commands that change what was published: yank, unyank, delete, restore, and `status` of a project."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from purveyor.cli.managing import INDEX, Server, managing
from purveyor.cli.reporting import JSON, Reporter
from purveyor.cli.safekeeping import restore_backup
from purveyor.errors import Misconfigured
from purveyor.model.files import parse_filename
from purveyor.model.names import normalize
from purveyor.workbench.management import Management

_TARGET = click.argument("target", metavar="NAME==VERSION|FILENAME")


@click.command()
@_TARGET
@click.option("--reason", default="", help="Shown by installers to whoever installs it all the same.")
@INDEX
@managing
@JSON
def yank(target: str, reason: str, index: str | None, *, server: Server, as_json: bool) -> None:
    """Mark a release, or one file, as not to be installed: installers skip it unless nothing else will do (PEP 592)."""
    _change("yank", "Yanked", target, {"reason": reason}, server.management(index), as_json=as_json)


@click.command()
@_TARGET
@INDEX
@managing
@JSON
def unyank(target: str, index: str | None, *, server: Server, as_json: bool) -> None:
    """Take a yank back."""
    _change("unyank", "No longer yanked", target, {}, server.management(index), as_json=as_json)


@click.command()
@_TARGET
@INDEX
@managing
@JSON
def delete(target: str, index: str | None, *, server: Server, as_json: bool) -> None:
    """Delete a release, or one file. Its names stay taken; `purveyor restore` brings it back."""
    _change("delete", "Deleted", target, {}, server.management(index), as_json=as_json)


@click.command()
@click.argument("target", metavar="NAME==VERSION|FILENAME|BACKUP")
@INDEX
@managing
@JSON
def restore(target: str, index: str | None, *, server: Server, as_json: bool) -> None:
    """Bring back a release, or one file, that was deleted.

    Or a whole index from BACKUP, a directory that `purveyor backup` has written to, or one of the .json files in it:
    into the data directory --data, or wherever the settings say, which must be empty.
    """
    if "==" not in target and not target.endswith((".whl", ".tar.gz")):
        if not Path(target).exists():
            raise Misconfigured(
                f"{target!r} is neither a release nor a backup.", "Give NAME==VERSION, a filename, or a backup's directory."
            )
        restore_backup(Path(target), server.data, as_json=as_json)
        return
    _change("restore", "Restored", target, {}, server.management(index), as_json=as_json)


def project_status(name: str, status: str | None, reason: str, management: Management, *, as_json: bool) -> None:
    """Show a project's status (PEP 792), or set it."""
    path = f"projects/{normalize(name.strip())}"
    with management:
        answer = management.call("PUT", f"{path}/status", {"status": status, "reason": reason}) if status else management.call("GET", path)
    document = {key: answer[key] for key in ("project", "status", "reason")}
    because = f" ({document['reason']})" if document["reason"] else ""
    Reporter(as_json=as_json).result(document, f"{document['project']} is {document['status']}{because}.")


def _change(
    action: str,
    done: str,
    target: str,
    document: dict[str, Any],
    management: Management,
    *,
    as_json: bool,
) -> None:
    name, selection = meant(target)
    with management:
        answer = management.call("POST", f"projects/{quote(name)}/{action}", {**selection, **document})
    Reporter(as_json=as_json).result(answer, *(f"{done}: {file['filename']}" for file in answer["files"]))


def meant(target: str) -> tuple[str, dict[str, Any]]:
    """The project, and which of its files: `acme==1.0` or `acme-1.0.tar.gz`."""
    if target.endswith((".whl", ".tar.gz")):
        return parse_filename(target).project, {"filenames": [target]}
    name, equal, version = target.partition("==")
    if not equal or not version.strip():
        raise Misconfigured(f"{target!r} does not say which release.", "Give NAME==VERSION, or a filename.")
    return normalize(name.strip()), {"version": version.strip()}
