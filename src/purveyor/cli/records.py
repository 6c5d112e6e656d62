"""The commands about who may do what, and who did what: token, journal."""

from typing import Any
from urllib.parse import quote, urlencode

import click

from purveyor.cli.managing import INDEX, Server, managing
from purveyor.cli.reporting import JSON, Reporter
from purveyor.model.grants import Permission
from purveyor.model.names import normalize


@click.group()
def token() -> None:
    """Tokens: each for one person or program, with the permissions it needs."""


@token.command()
@click.argument("subject")
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    type=click.Choice([str(one) for one in Permission]),
    help="What it allows; may be repeated.",
)
@click.option("--days", type=float, metavar="N", help="For how long it is valid.  [until it is revoked]")
@managing
@JSON
def create(subject: str, permissions: tuple[str, ...], days: float | None, *, server: Server, as_json: bool) -> None:
    """Make a token for SUBJECT, who is named in the journal. It is shown this once; the server keeps its digest alone."""
    document: dict[str, Any] = {"subject": subject, "permissions": list(permissions or [Permission.UPLOAD])}
    with server.management(None) as there:
        answer = there.call("POST", "tokens", document if days is None else {**document, "days": days})
    Reporter(as_json=as_json).result(answer, answer["token"], f"  {_line(answer)}")


@token.command(name="list")
@managing
@JSON
def list_tokens(*, server: Server, as_json: bool) -> None:
    """Every token: its identifier, for whom, for what, until when."""
    with server.management(None) as there:
        answer = there.call("GET", "tokens")
    Reporter(as_json=as_json).result(answer, *(_line(one) for one in answer["tokens"]))


@token.command()
@click.argument("identifier")
@managing
@JSON
def revoke(identifier: str, *, server: Server, as_json: bool) -> None:
    """Make a token worthless, from now on."""
    with server.management(None) as there:
        answer = there.call("DELETE", f"tokens/{quote(identifier, safe='')}")
    Reporter(as_json=as_json).result(answer, f"Revoked {answer['revoked']}.")


@click.command()
@click.argument("name", required=False)
@INDEX
@click.option("--everywhere", is_flag=True, help="Of all indexes of the server.")
@click.option("--before", type=int, metavar="SERIAL", help="What came before that entry.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many entries.")
@managing
@JSON
def journal(
    name: str | None,
    index: str | None,
    *,
    everywhere: bool,
    before: int | None,
    limit: int,
    server: Server,
    as_json: bool,
) -> None:
    """Who did what, newest first: on an index, or to one project of it."""
    query: dict[str, Any] = {"limit": limit}
    query |= {"project": normalize(name)} if name else {}
    query |= {"before": before} if before else {}
    query |= {"everywhere": "true"} if everywhere else {}
    with server.management(index) as there:
        answer = there.call("GET", f"journal?{urlencode(query)}")
    Reporter(as_json=as_json).result(answer, *(_entry(one) for one in answer["entries"]))


def _line(token: dict[str, Any]) -> str:
    until = f", until {token['expires_at']}" if token["expires_at"] else ""
    return f"{token['id']}  {token['subject']}: {', '.join(token['permissions'])}{until}"


def _entry(entry: dict[str, Any]) -> str:
    about = entry["filename"] or " ".join(filter(None, (entry["project"], entry["version"])))
    words = (str(entry["serial"]), entry["at"][:19] + "Z", entry["index"], entry["actor"], entry["action"], about)
    return "  ".join(filter(None, words)) + (f" ({entry['note']})" if entry["note"] else "")
