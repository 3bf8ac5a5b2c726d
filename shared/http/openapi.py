"""The OpenAPI 3.1 document of all services, made from the routes and their models."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from shared.http.api import JSON_TYPES, Operation
from shared.http.idempotency import KEEP_S, KEY_HEADER, MAX_KEY_LENGTH
from shared.http.problem import MEDIA_TYPE, Problem

_SHARED_PROBLEMS = {
    "401": "The token is missing or unknown",
    "403": "The token lacks the scope",
    "404": "Not found",
    "422": "Invalid body",
    "429": "Too many requests",
}
_TEXT = {"type": "string"}
_KEY = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": f"The same key with the same body within {KEEP_S // 3600} hours is done once and answered with the "
    "first answer (`Idempotency-Replayed: true`); with another body it is 422, while the first is at work 409.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH},
}


def openapi(operations: Iterable[Operation], *, version: str) -> dict[str, Any]:
    """Return the document for *operations*, in path order."""
    ordered = sorted(operations, key=lambda operation: (operation.path, operation.method))
    models = [model for o in ordered for model in (o.body, o.reads, o.response) if model is not None]
    schemas, components = msgspec.json.schema_components(
        [*models, Problem], ref_template="#/components/schemas/{name}"
    )
    # By identity: unions such as PipelineDefinition have no name to look them up by.
    schema_of = {id(model): schema for model, schema in zip([*models, Problem], schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for operation in ordered:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headrace",
            "version": version,
            "description": "From an uploaded data file to a tested, versioned model behind a REST endpoint.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "the one origin of a stage"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _describe(operation: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": _responses(operation, schema_of),
    }
    if parameters := _parameters(operation):
        described["parameters"] = parameters
    if (model := operation.body or operation.reads) is not None:
        described["requestBody"] = {
            "required": operation.body is not None,
            "content": _content(operation.content_types, schema_of[id(model)]),
        }
    if operation.idempotent:
        described.setdefault("parameters", []).append(_KEY)
    if operation.scope is not None:
        described["security"] = [{"token": []}]
        described["description"] = f"Scope: `{operation.scope}`."
    return described


def _content(kinds: Iterable[str], schema: Any) -> dict[str, Any]:
    return {kind: {"schema": schema if kind in JSON_TYPES else _TEXT} for kind in kinds}


def _responses(operation: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done"}
    if operation.response is not None:
        success["content"] = _content(operation.response_types, schema_of[id(operation.response)])
    responses: dict[str, Any] = {str(operation.status): success}
    content = {MEDIA_TYPE: {"schema": schema_of[id(Problem)]}}
    for status, description in _SHARED_PROBLEMS.items():
        if operation.scope is not None or status in {"404", "429"}:
            responses[status] = {"description": description, "content": content}
    responses["default"] = {"description": "Any other error", "content": content}
    return responses


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    names = re.findall(r"{([^}]+)}", operation.path)
    path = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names]
    query = [
        {"name": name, "in": "query", "required": False, "description": what, "schema": _TEXT}
        for name, what in operation.query.items()
    ]
    return path + query
