"""The OpenAPI 3.1 document of a route table."""

from collections.abc import Iterable
from typing import Any

import orjson

from oneai import __version__
from oneai.gateway.openapi import failures
from oneai.gateway.openapi.doc import Doc, Tag
from oneai.gateway.openapi.operation import operation
from oneai.gateway.openapi.schemas import Schemas
from oneai.gateway.routes import Route

_ABOUT = """\
The one door to the AI models that you run on your own machines.

A call names a model or a task. Where a model fails, the next one of its chain answers, and the answer says which it \
was. Send a key in `X-API-Key` or as `Authorization: Bearer`; the operator may have named another header beside it, \
or have opened the gateway to everybody.

Every GET answers HEAD too. Every answer has an `X-Request-Id`; give it to `oneai why` to be told what happened. \
Every error has one shape, with a `code` to act on and a message that says what to do."""
_TAGS = {
    Tag.RUN: "A document, a question or a list of texts in; one answer out, in one shape for every task.",
    Tag.OPENAI: "Point an OpenAI SDK here, with `/v1` in its base URL.",
    Tag.ANTHROPIC: "Point an Anthropic SDK or Claude Code here, without `/v1` in its base URL.",
    Tag.RERANK: "Point a Cohere or Jina client here.",
    Tag.MODELS: "What there is to call.",
    Tag.HEALTH: "For people and orchestrators.",
    Tag.ADMIN: "For the operator, with an admin key.",
    Tag.ABOUT: "The gateway about itself.",
}
_SCHEMES = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """OpenAPI 3.1 of the routes that have a doc. Takes a good part of a second: the schemas are made now."""
    table = [(route, route.doc) for route in routes if route.doc]
    schemas = _schemas(table)
    paths: dict[str, dict[str, Any]] = {}
    for route, doc in table:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route, doc, schemas)
    responses = _shared(made for methods in paths.values() for made in methods.values())
    used = {doc.tag for _, doc in table}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OneAI Gateway",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag.value, "description": _TAGS[tag]} for tag in Tag if tag in used],
        "paths": paths,
        "components": {"securitySchemes": _SCHEMES, "schemas": schemas.shared, "responses": responses},
    }


def _schemas(table: Iterable[tuple[Route, Doc]]) -> Schemas:
    read, written = [], []
    for route, doc in table:
        read += [doc.sent.type] if doc.sent else []
        written += [doc.answered.type] if doc.answered.type else []
        written.append(failures.shape(route.surface))
    return Schemas(read=read, written=written)


def _shared(operations: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The errors of the operations, each told once; in their place stand references to them."""
    names: dict[bytes, str] = {}
    found: dict[str, Any] = {}
    for status, responses in ((status, one["responses"]) for one in operations for status in one["responses"]):
        if status[0] in "45":
            told = orjson.dumps(responses[status])
            name = names.setdefault(told, f"E{status}_{len(names)}")
            found[name] = responses[status]
            responses[status] = {"$ref": f"#/components/responses/{name}"}
    return found
