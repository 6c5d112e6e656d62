"""The management API: a table of operations, from which the routes and the OpenAPI description are made."""

from datetime import timedelta
from typing import Any

from msgspec import to_builtins

from purveyor.api.calls import Call, Document, Operation
from purveyor.api.promotion_operations import PROMOTION
from purveyor.api.record_operations import RECORDS
from purveyor.errors import BadRequest, NotFound
from purveyor.formats.index_document import read_index, write_index
from purveyor.formats.simple_json import upload_time
from purveyor.model.files import DistributionFile
from purveyor.model.indexes import shown
from purveyor.model.projects import ProjectStatus, Status

_REASON = {"reason": "text"}
_FILES = {"version": "text", "filenames": "texts"}
_VERSION = {"version": "text"}
_FOR_EVER = 1000
"""Days; more than any override may last, and few enough to be counted in microseconds."""
_OVERRIDE = {**_VERSION, "days": "number", **_REASON}
_INDEX = {
    "upstreams": "texts",
    "reserved": "texts",
    "mixed": "texts",
    "modes": "texts",
    "volatile": "flag",
    "policy": "object",
    "demands": "object",
}


def _indexes(call: Call) -> Document:
    return {"indexes": [{"name": index.name, **_shown(write_index(index))} for index in call.app.catalog.indexes()]}


def _index(call: Call) -> Document:
    return {"name": call.index, **_shown(write_index(call.app.offers.index(call.index)))}


def _set_index(call: Call) -> Document:
    """A partial document changes only what it mentions; a rule of the policy is taken out by null."""
    known = {index.name: index for index in call.app.catalog.indexes()}
    before = write_index(known[call.index]) if call.index in known else {}
    policy = {**before.get("policy", {}), **call.body.get("policy", {})}
    demands = {**before.get("demands", {}), **call.body.get("demands", {})}
    stated = {rule: value for rule, value in policy.items() if value is not None}
    index = read_index(call.index, {**before, **call.body, "policy": stated, "demands": demands})
    call.app.indexing.put(index, call.actor)
    return {"name": call.index, **_shown(write_index(index))}


def _remove_index(call: Call) -> Document:
    call.app.indexing.remove(call.index, call.actor)
    return {"removed": call.index}


def _yank(call: Call) -> Document:
    return _changed(call.app.lifecycle.yank(call.selection, call.reason, call.actor))


def _unyank(call: Call) -> Document:
    return _changed(call.app.lifecycle.unyank(call.selection, call.actor))


def _delete(call: Call) -> Document:
    return _changed(call.app.lifecycle.delete(call.selection, call.actor))


def _restore(call: Call) -> Document:
    return _changed(call.app.lifecycle.restore(call.selection, call.actor))


def _status(call: Call) -> Document:
    text = call.body.get("status", "")
    if text not in list(Status):
        raise BadRequest(f"{text!r} is no project status.", f"There are {', '.join(Status)} (PEP 792).")
    call.app.lifecycle.set_status(call.index, call.project, ProjectStatus(Status(text), call.reason), call.actor)
    return {"project": call.project, "status": text, "reason": call.reason}


def _why(call: Call) -> Document:
    explanation: dict[str, Any] = to_builtins(call.app.explaining.why(call.index, call.project, call.body.get("version")))
    return explanation


def _override(call: Call) -> Document:
    lasting = timedelta(days=max(0, min(call.body.get("days", 0), _FOR_EVER)))
    version = call.body.get("version", "")
    override = call.app.exceptions.allow(call.index, call.project, version, lasting=lasting, reason=call.reason, actor=call.actor)
    return {"project": override.project, "version": override.version, "until": upload_time(override.until), "reason": override.reason}


def _end_override(call: Call) -> Document:
    call.app.exceptions.end(call.index, call.project, call.body.get("version", ""), call.actor)
    return {"project": call.project, "version": call.body.get("version", "")}


def _project(call: Call) -> Document:
    offer = call.app.offers.project(call.index, call.project)
    if offer is None:
        raise NotFound(f"The index {call.index} offers no project {call.project}.")
    detail = offer.detail
    status = {"status": detail.status.status, "reason": detail.status.reason}
    return {"project": detail.name, "hosted_by": offer.source, **status, **_changed(detail.files)}


OPERATIONS = (
    Operation("indexes", "GET", "api/indexes", "Every index of the server", _indexes),
    Operation("index", "GET", "api/index", "This index's settings", _index),
    Operation("set-index", "PUT", "api/index", "Create this index, or change the settings given", _set_index, _INDEX),
    Operation("remove-index", "DELETE", "api/index", "Remove this index, which must host nothing", _remove_index),
    Operation("project", "GET", "api/projects/{name}", "A project as this index offers it", _project, permission=None),
    Operation("yank", "POST", "api/projects/{name}/yank", "Yank a release or files (PEP 592)", _yank, {**_FILES, **_REASON}),
    Operation("unyank", "POST", "api/projects/{name}/unyank", "Take a yank back", _unyank, _FILES),
    Operation("delete", "POST", "api/projects/{name}/delete", "Delete a release or files; the names stay taken", _delete, _FILES),
    Operation("restore", "POST", "api/projects/{name}/restore", "Bring deleted files back", _restore, _FILES),
    Operation("why", "GET", "api/projects/{name}/why", "Why this is offered, or is not", _why, _VERSION, permission=None),
    Operation("override", "POST", "api/projects/{name}/override", "Offer a version whatever the policy says", _override, _OVERRIDE),
    Operation("end-override", "DELETE", "api/projects/{name}/override", "End that before its time", _end_override, _VERSION),
    Operation("status", "PUT", "api/projects/{name}/status", "Set the status (PEP 792)", _status, {"status": "text", **_REASON}),
    *PROMOTION,
    *RECORDS,
)


def _shown(document: Document) -> Document:
    return {**document, "upstreams": [shown(upstream) for upstream in document["upstreams"]]}


def _changed(files: Any) -> Document:
    return {"files": [_file(file) for file in files]}


def _file(file: DistributionFile) -> Document:
    return {
        "filename": file.filename,
        "version": file.version,
        "size": file.size,
        "sha256": file.sha256,
        "uploaded_at": upload_time(file.uploaded_at) if file.uploaded_at else None,
        "uploaded_by": file.uploaded_by,
        "yanked": file.yanked is not None,
        "yanked_reason": file.yanked.reason if file.yanked else None,
    }
