"""The operations of promotion: what is recorded of a release, its way from one index to another, and back."""

from datetime import datetime
from typing import Any

from purveyor.api.calls import Call, Document, Operation
from purveyor.errors import BadRequest
from purveyor.formats.simple_json import upload_time
from purveyor.model.files import DistributionFile
from purveyor.model.grants import Permission
from purveyor.model.indexes import IndexName, index_name
from purveyor.model.releases import Approval, Check, Move, Promotion, Release

_RELEASE = {"version": "text", "from": "text"}


def _promote(call: Call) -> Document:
    source = _source(call)
    if source is None:
        raise BadRequest("It is not said which index the release comes from.", "Name it in `from`.")
    move = Move(call.project, _text(call, "version"), source, call.index, call.actor, call.app.now())
    promotion = call.app.promoting.promote(move)
    if promotion is None:
        release = call.app.promoting.release(call.index, call.project, move.version)
        return {"changed": False, "to": call.index, **_release(release), "index": source}
    return {"changed": True, **_promotion(promotion)}


def _promotions(call: Call) -> Document:
    return {"promotions": [_promotion(one) for one in call.app.promoting.promotions(call.index, call.project)]}


def _evidence(call: Call) -> Document:
    return _release(call.app.promoting.release(call.index, call.project, call.path["version"]))


def _record_check(call: Call) -> Document:
    passed = call.body.get("passed")
    if passed is None:
        raise BadRequest("It is not said whether the check passed.", "Say so in `passed`: true or false.")
    check = Check(_text(call, "check"), passed, call.actor, call.app.now(), call.index, _said(call, "note"), _said(call, "url"))
    return _release(call.app.promoting.record_check(call.index, call.project, _text(call, "version"), check))


def _approve(call: Call) -> Document:
    approval = Approval(call.index, call.actor, call.app.now(), _said(call, "note"))
    release = call.app.promoting.approve(_source(call), call.project, _text(call, "version"), approval)
    return {"to": call.index, **_release(release)}


def _roll_back(call: Call) -> Document:
    serial = call.body.get("to_serial")
    done = call.app.promoting.roll_back(call.index, call.project, None if serial is None else int(serial), call.actor)
    undone = [{"version": one.release.version, "from": one.release.index, "promoted_by": one.by} for one in done.undone]
    return {"project": done.project, "index": done.index, "restored": done.restored, "serial": done.serial, "undone": undone}


PROMOTION = (
    Operation("promote", "POST", "api/projects/{name}/promote", "Promote a release to this index", _promote, _RELEASE, Permission.PROMOTE),
    Operation("promotions", "GET", "api/projects/{name}/promotions", "The promotions to this index", _promotions, permission=None),
    Operation(
        *("roll-back", "POST", "api/projects/{name}/rollback", "Undo the newest promotion, or all since a serial"),
        *(_roll_back, {"to_serial": "number"}, Permission.PROMOTE),
    ),
    Operation(
        *("approve", "POST", "api/projects/{name}/approve", "Approve of a release's promotion to this index"),
        *(_approve, {**_RELEASE, "note": "text"}, Permission.APPROVE),
    ),
    Operation(
        *("record-check", "POST", "api/projects/{name}/checks", "Record what came of a check of a release"),
        *(_record_check, {"version": "text", "check": "text", "passed": "flag", "note": "text", "url": "text"}, Permission.CHECK),
    ),
    Operation("release", "GET", "api/projects/{name}/releases/{version}", "What is recorded of a release", _evidence, permission=None),
)


def _text(call: Call, name: str) -> str:
    if text := _said(call, name).strip():
        return text
    raise BadRequest(f"The field {name} is missing.", "Give it.")


def _said(call: Call, name: str) -> str:
    said: str = call.body.get(name, "")
    return said


def _source(call: Call) -> IndexName | None:
    named = _said(call, "from")
    return index_name(named) if named else None


def _promotion(promotion: Promotion) -> Document:
    return {
        "to": promotion.target,
        "promoted_by": promotion.by,
        "promoted_at": upload_time(promotion.at),
        "serial": promotion.serial,
        "undone": promotion.undone,
        **_release(promotion.release),
    }


def _release(release: Release) -> Document:
    return {
        "index": release.index,
        "project": release.project,
        "version": release.version,
        "since": upload_time(release.since),
        "files": [_file(file) for file in release.files],
        "checks": [_check(check) for check in release.checks],
        "approvals": [{"to": one.target, "by": one.by, "at": upload_time(one.at), "note": one.note} for one in release.approvals],
    }


def _check(check: Check) -> dict[str, Any]:
    recorded = {"by": check.by, "at": upload_time(check.at), "index": check.index}
    return {"check": check.name, "passed": check.passed, **recorded, "note": check.note, "url": check.url}


def _file(file: DistributionFile) -> dict[str, Any]:
    return {
        "filename": file.filename,
        "size": file.size,
        "sha256": file.sha256,
        "uploaded_at": _time(file.uploaded_at),
        "uploaded_by": file.uploaded_by,
        "provenance_sha256": file.provenance_sha256,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else upload_time(moment)
