"""Answers the management API: who asks, what is asked, and the document that comes of it."""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from purveyor.api import problems
from purveyor.api.authentication import Doorkeeper
from purveyor.api.calls import Call, Operation
from purveyor.api.openapi import describe
from purveyor.api.operations import OPERATIONS
from purveyor.application import Application
from purveyor.errors import BadRequest, NotAllowed, PurveyorError, TooLarge
from purveyor.model.indexes import DEFAULT, IndexName, index_name
from purveyor.serving.bodies import pieces

log = logging.getLogger("purveyor")

_BODY_LIMIT = 1 << 20
_TYPES: Mapping[str, str] = {
    "text": "a text",
    "texts": "a list of texts",
    "flag": "true or false",
    "number": "a number",
    "object": "an object",
}


def routes(app: Application, door: Doorkeeper) -> list[Route]:
    """Each operation twice: below the root for the default index, and below the name of any."""
    return [
        Route("/api/openapi.json", _description, methods=["GET"]),
        *(
            Route(prefix + operation.path, _endpoint(app, door, operation), methods=[operation.method])
            for operation in OPERATIONS
            for prefix in ("/", "/{index:path}/")
        ),
    ]


async def _description(_: Request) -> Response:
    return JSONResponse(describe())


def _endpoint(app: Application, door: Doorkeeper, operation: Operation) -> Any:
    async def endpoint(request: Request) -> Response:
        try:
            actor = await _actor(app, door, operation, request)
            index = index_name(request.path_params["index"]) if "index" in request.path_params else DEFAULT
            body = read_query(operation, request) if operation.method == "GET" else read_body(operation, await _body(request))
            call = Call(app, IndexName(index), actor, body, request.path_params)
            document = await asyncio.to_thread(operation.work, call)
        except PurveyorError as error:
            return _problem(error)
        if operation.method != "GET":
            log.info("%s of %s by %s", operation.name, request.url.path, actor)
        return JSONResponse(document, headers={"cache-control": "no-store"})

    return endpoint


async def _actor(app: Application, door: Doorkeeper, operation: Operation, request: Request) -> str:
    if operation.permission is None:
        return ""
    address = request.client.host if request.client else "unknown"
    grant = await door.grant_for(request.headers.get("authorization"), address)
    if not grant.allows(operation.permission, app.now()):
        raise NotAllowed(
            f"{grant.subject} may not do this: it needs the permission {operation.permission}.", "Use a token with that right."
        )
    return grant.subject


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _BODY_LIMIT:
            raise TooLarge(f"The document is longer than {_BODY_LIMIT} bytes.")
    return bytes(body)


def read_body(operation: Operation, body: bytes) -> dict[str, Any]:
    """The document of a request, with nothing in it but the operation's own fields; raises `BadRequest`."""
    try:
        document = json.loads(body, parse_constant=_no_number) if body.strip() else {}
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON.") from None
    if not isinstance(document, dict):
        raise BadRequest("The body is not a JSON object.")
    for key, value in document.items():
        if key not in operation.fields:
            raise BadRequest(f"There is no field {key[:100]!r} here.", f"Known are: {', '.join(operation.fields) or 'none'}.")
        if not _is(value, operation.fields[key]):
            raise BadRequest(f"The field {key} must be {_TYPES[operation.fields[key]]}.")
    return document


def _no_number(text: str) -> Any:
    """Python's reader knows NaN and infinities; JSON does not (RFC 8259 6)."""
    raise ValueError(text)


def read_query(operation: Operation, request: Request) -> dict[str, Any]:
    return {name: value for name, value in request.query_params.items() if name in operation.fields}


def _is(value: object, kind: str) -> bool:
    if kind == "texts":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, {"flag": bool, "object": dict}.get(kind, str))


def _problem(error: PurveyorError) -> Response:
    answer = problems.answer(error, "application/json")
    headers = {name.decode(): value.decode() for name, value in answer.headers if name != b"content-length"}
    return Response(b"".join(pieces(answer.body)), answer.status, headers)
