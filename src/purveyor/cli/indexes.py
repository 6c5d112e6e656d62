"""`purveyor index`: the indexes of a server."""

from typing import Any

import click

from purveyor.cli.managing import Server, managing
from purveyor.cli.reporting import JSON, Reporter


@click.group(name="index")
def index() -> None:
    """The indexes of a server: each at /NAME/simple/ and /NAME/legacy/, the default one also at the root."""


def _settings(command: Any) -> Any:
    """The settings of an index, as options."""
    options = (
        click.option("--upstream", "upstreams", multiple=True, metavar="INDEX|URL", help="Where to look further up, in this order."),
        click.option("--reserve", "reserved", multiple=True, metavar="PATTERN", help="Names that are never looked for further up: acme-*."),
        click.option("--mix", "mixed", multiple=True, metavar="PATTERN", help="Names offered from here and from further up together."),
        click.option("--volatile/--immutable", default=None, help="Whether an upload may replace a file."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _document(**given: Any) -> dict[str, Any]:
    """What was given; a list that was given as one empty text is meant to be empty."""
    said = {name: value for name, value in given.items() if value not in (None, ())}
    return {name: [item for item in value if item] if isinstance(value, tuple) else value for name, value in said.items()}


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
        document = there.call("PUT", "index", {**_document(**settings)})
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
    lists = [f"  {key:<11}{', '.join(document[key]) or 'none'}" for key in ("upstreams", "reserved", "mixed")]
    return [document["name"], *lists, f"  {'files':<11}{'may be replaced' if document['volatile'] else 'never change'}"]
