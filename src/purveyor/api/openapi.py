"""The OpenAPI 3.1 description of the management API, made from the table of its operations."""

import re
from typing import Any

from purveyor import __version__
from purveyor.api.calls import Operation
from purveyor.api.operations import OPERATIONS

_SCHEMAS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "flag": {"type": "boolean"},
    "number": {"type": "number"},
    "object": {"type": "object"},
}


def describe() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(f"/{operation.path}", {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Purveyor",
            "version": __version__,
            "description": "Management of indexes and of what they host. The paths are relative to the root of an index:"
            " the server's root for the default one, /NAME for any other.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "An upload token with the right to manage."}},
            "schemas": {"Problem": _PROBLEM},
        },
    }


_PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {name: {"type": "integer" if name == "status" else "string"} for name in ("type", "title", "status", "detail", "code")},
}


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in re.findall(r"{(\w+)}", operation.path)
        ],
        "responses": {
            "200": {"description": "Done", "content": {"application/json": {"schema": {"type": "object"}}}},
            "default": {
                "description": "What went wrong",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if operation.method == "GET":
        described["parameters"] += [{"name": name, "in": "query", "schema": _SCHEMAS[kind]} for name, kind in operation.fields.items()]
    elif operation.fields:
        properties = {name: _SCHEMAS[kind] for name, kind in operation.fields.items()}
        schema = {"type": "object", "additionalProperties": False, "properties": properties}
        described["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    if operation.permission is not None:
        described["security"] = [{"token": []}]
    return described
