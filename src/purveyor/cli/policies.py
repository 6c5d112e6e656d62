"""The commands about an index's policy: why, and override."""

from typing import Any
from urllib.parse import quote

import click

from purveyor.cli.lifecycle import meant
from purveyor.cli.managing import INDEX, Server, managing
from purveyor.cli.reporting import JSON, Reporter
from purveyor.model.names import normalize


@click.command()
@click.argument("target", metavar="NAME[==VERSION]")
@INDEX
@managing
@JSON
def why(target: str, index: str | None, *, server: Server, as_json: bool) -> None:
    """Say why an index offers a project or a release, or does not: where the name is looked for, and what is held back by which rule."""
    name, _, version = target.partition("==")
    query = f"?version={quote(version.strip())}" if version else ""
    with server.management(index) as there:
        document = there.call("GET", f"projects/{normalize(name.strip())}/why{query}")
    Reporter(as_json=as_json).result(document, *_lines(document))


def _lines(document: dict[str, Any]) -> list[str]:
    lines = list(document["routing"])
    for reason in document["reasons"]:
        lines.append(f"{reason['version']}: {reason['sentence']}")
        if reason["remedy"]:
            lines.append(f"  {reason['remedy']}")
    return lines


@click.command()
@click.argument("target", metavar="NAME==VERSION")
@click.option("--days", type=float, default=7.0, show_default=True, help="How long.")
@click.option("--reason", default="", help="Why; it is kept in the journal.")
@click.option("--end", is_flag=True, help="End an override before its time.")
@INDEX
@managing
@JSON
def override(target: str, days: float, reason: str, index: str | None, *, end: bool, server: Server, as_json: bool) -> None:
    """Offer one version whatever the index's policy says, for a time."""
    name, selection = meant(target)
    path = f"projects/{quote(name)}/override"
    with server.management(index) as there:
        if end:
            document = there.call("DELETE", path, selection)
            line = f"No longer overridden: {name} {document['version']}"
        else:
            document = there.call("POST", path, {**selection, "days": days, "reason": reason})
            line = f"Offered until {document['until'][:16].replace('T', ' ')} UTC: {name} {document['version']}"
    Reporter(as_json=as_json).result(document, line)
