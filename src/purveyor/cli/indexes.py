"""`purveyor index`: the indexes of a server."""

import json
from typing import Any, BinaryIO

import click

from purveyor.cli.managing import Server, managing
from purveyor.cli.reporting import JSON, Reporter
from purveyor.errors import Misconfigured
from purveyor.formats.policy_document import FIELDS
from purveyor.model.files import Kind
from purveyor.model.policy import OnAdvisory


@click.group(name="index")
def index() -> None:
    """The indexes of a server: each at /NAME/simple/ and /NAME/legacy/, the default one also at the root."""


def _settings(command: Any) -> Any:
    """The settings of an index, as options."""
    options = (
        click.option("--upstream", "upstreams", multiple=True, metavar="INDEX|URL", help="Where to look further up, in this order."),
        click.option("--reserve", "reserved", multiple=True, metavar="PATTERN", help="Names that are never looked for further up: acme-*."),
        click.option("--mix", "mixed", multiple=True, metavar="PATTERN", help="Names offered from here and from further up together."),
        click.option("--mode", "modes", multiple=True, metavar="PATTERN=MODE", help="Pull remote files (sync), redirect to them, or none."),
        click.option("--volatile/--immutable", default=None, help="Whether an upload may replace a file."),
        click.option("--cooldown", "cooldown_days", type=float, metavar="DAYS", help="Offer pulled releases this long after their upload."),
        click.option("--allow", multiple=True, metavar="SELECTOR", help="Offer only these: acme-*, requests<3."),
        click.option("--deny", multiple=True, metavar="SELECTOR", help="Do not offer these."),
        click.option("--kind", "kinds", multiple=True, type=click.Choice([*map(str, Kind), ""]), help="Offer only files of this kind."),
        click.option("--max-size", type=int, metavar="BYTES", help="Offer no larger files."),
        click.option("--block-hash", "blocked_hashes", multiple=True, metavar="SHA256", help="Never offer a file of this content."),
        click.option(
            "--advisories", type=click.Choice([*map(str, OnAdvisory)]), help="What to do with a release that an advisory is about."
        ),
        click.option(
            "--demand-days", type=float, metavar="DAYS", help="Take promoted releases after this long in the index they come from."
        ),
        click.option("--demand-check", "demand_checks", multiple=True, metavar="CHECK", help="Take them once this check has passed."),
        click.option("--demand-approvals", type=int, metavar="N", help="Take them once this many others have approved."),
        click.option("--policy", type=click.File("rb"), help="A JSON document with the whole policy, with rules for patterns of names."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _document(policy: BinaryIO | None = None, **given: Any) -> dict[str, Any]:
    """What was given; a list that was given as one empty text is meant to be empty."""
    said = {name: value for name, value in given.items() if value not in (None, ())}
    document = {name: [item for item in value if item] if isinstance(value, tuple) else value for name, value in said.items()}
    demands = {name.removeprefix("demand_"): document.pop(name) for name in list(document) if name.startswith("demand_")}
    if demands:
        document["demands"] = demands
    rules = {name: document.pop(name) for name in FIELDS if name in document}
    if policy is not None:
        rules = {**_read(policy), **rules}
    return {**document, "policy": {name: None if value == [] else value for name, value in rules.items()}} if rules else document


def _read(policy: BinaryIO) -> dict[str, Any]:
    try:
        document = json.load(policy)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Misconfigured(f"{policy.name} holds no JSON object.", "docs/reference shows what a policy may say.")
    return {**dict.fromkeys(FIELDS), **document}


@index.command(name="list")
@managing
@JSON
def list_indexes(*, server: Server, as_json: bool) -> None:
    """Every index, with where it looks further up."""
    with server.management(None) as there:
        document = there.call("GET", "indexes")
    Reporter(as_json=as_json).result(document, *(_line(one) for one in document["indexes"]))


@index.command()
@click.argument("name")
@managing
@JSON
def show(name: str, *, server: Server, as_json: bool) -> None:
    """One index's settings."""
    with server.management(name) as there:
        document = there.call("GET", "index")
    Reporter(as_json=as_json).result(document, *_lines(document))


@index.command()
@click.argument("name")
@_settings
@managing
@JSON
def create(name: str, *, server: Server, as_json: bool, **settings: Any) -> None:
    """Make an index."""
    with server.management(name) as there:
        document = there.call("PUT", "index", _document(**settings))
        root = there.root
    Reporter(as_json=as_json).result(document, f"Created the index {name}: {root}simple/", *_lines(document)[1:])


@index.command(name="set")
@click.argument("name")
@_settings
@managing
@JSON
def set_index(name: str, *, server: Server, as_json: bool, **settings: Any) -> None:
    """Change an index's settings; those not given stay. An empty text empties a list: --upstream ''."""
    with server.management(name) as there:
        there.call("GET", "index")
        document = there.call("PUT", "index", _document(**settings))
    Reporter(as_json=as_json).result(document, *_lines(document))


@index.command()
@click.argument("name")
@managing
@JSON
def delete(name: str, *, server: Server, as_json: bool) -> None:
    """Remove an index that hosts nothing."""
    with server.management(name) as there:
        document = there.call("DELETE", "index")
    Reporter(as_json=as_json).result(document, f"Removed the index {name}.")


def _line(document: dict[str, Any]) -> str:
    over = f" over {', '.join(document['upstreams'])}" if document["upstreams"] else ""
    return f"{document['name']}{over}"


def _lines(document: dict[str, Any]) -> list[str]:
    lists = [f"  {key:<15}{', '.join(document[key]) or 'none'}" for key in ("upstreams", "reserved", "mixed", "modes")]
    rules = [f"  {key:<15}{json.dumps(value)}" for key, value in document["policy"].items()]
    demands = [f"  {'demands':<15}{json.dumps(document['demands'])}"] if document["demands"] else []
    return [document["name"], *lists, *rules, *demands, f"  {'files':<15}{'may be replaced' if document['volatile'] else 'never change'}"]
