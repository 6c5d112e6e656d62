"""The operations about who may do what, and who did what: tokens and the journal."""

from datetime import timedelta

from purveyor.api.calls import Call, Document, Operation
from purveyor.errors import BadRequest
from purveyor.formats.simple_json import upload_time
from purveyor.model.grants import Grant, KnownToken, Permission
from purveyor.model.journal import JournalEntry

_SUBJECT_LIMIT = 100
_DAYS_LIMIT = 36500
_ENTRIES = 100
_ENTRIES_LIMIT = 1000


def _create_token(call: Call) -> Document:
    """The one answer that has the token in it: `create` keeps its digest alone, and nothing logs answers."""
    subject = call.body.get("subject", "").strip()
    if not subject or len(subject) > _SUBJECT_LIMIT or not subject.isprintable():
        raise BadRequest(f"A token needs the name of whoever uses it, of at most {_SUBJECT_LIMIT} characters.", "Give it in `subject`.")
    permissions = call.body.get("permissions") or [Permission.UPLOAD]
    if unknown := [name for name in permissions if name not in list(Permission)]:
        raise BadRequest(f"There is no permission {unknown[0][:100]!r}.", f"There are {', '.join(Permission)}.")
    now = call.app.now()
    days = call.body.get("days")
    if days is not None and not 0 < days <= _DAYS_LIMIT:
        raise BadRequest(f"A token cannot be valid for {days} days.", f"Give more than 0 and at most {_DAYS_LIMIT}.")
    grant = Grant(subject, frozenset(map(Permission, permissions)), None if days is None else now + timedelta(days=days))
    token = call.app.tokens.create(subject, now, permissions=grant.permissions, expires_at=grant.expires_at, actor=call.actor)
    return {"token": token, **_token(call.app.tokens.description(token, grant, now))}


def _tokens(call: Call) -> Document:
    return {"tokens": [_token(token) for token in call.app.tokens.known()]}


def _revoke_token(call: Call) -> Document:
    call.app.tokens.revoke(call.path["id"], call.actor, call.app.now())
    return {"revoked": call.path["id"]}


def _token(token: KnownToken) -> Document:
    expires = token.grant.expires_at
    return {
        "id": token.identifier,
        "subject": token.grant.subject,
        "permissions": sorted(token.grant.permissions),
        "created_at": upload_time(token.created_at),
        "expires_at": upload_time(expires) if expires else None,
    }


def _journal(call: Call) -> Document:
    index = None if call.body.get("everywhere") else call.index
    limit = _number(call, "limit") or _ENTRIES
    entries = call.app.catalog.journal(index, call.body.get("project") or None, _number(call, "before"), min(limit, _ENTRIES_LIMIT))
    return {"entries": [_entry(entry) for entry in entries]}


def _number(call: Call, name: str) -> int | None:
    """The query's value: a text, for there are no others in a URL."""
    text = str(call.body.get(name, ""))
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > len(str(1 << 62)):
        raise BadRequest(f"{name} must be a whole number.", "Give one, or leave it out.")
    return int(text)


def _entry(entry: JournalEntry) -> Document:
    return {
        "serial": entry.serial,
        "at": upload_time(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "index": entry.index,
        "project": entry.project,
        "version": entry.version,
        "filename": entry.filename,
        "note": entry.note,
    }


RECORDS = (
    Operation("tokens", "GET", "api/tokens", "Every token: for whom and what, until when", _tokens),
    Operation(
        *("create-token", "POST", "api/tokens", "A new token, which is shown this once", _create_token),
        {"subject": "text", "permissions": "texts", "days": "number"},
    ),
    Operation("revoke-token", "DELETE", "api/tokens/{id}", "Make a token worthless", _revoke_token),
    Operation(
        *("journal", "GET", "api/journal", "Who did what, newest first", _journal),
        {"project": "text", "before": "number", "limit": "number", "everywhere": "flag"},
    ),
)
