"""One route as an OpenAPI operation."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

from oneai.gateway.openapi import failures, fields
from oneai.gateway.openapi.doc import EVENTS, JSON, Answered, Doc, Parameter
from oneai.gateway.openapi.schemas import Schemas
from oneai.gateway.routes import Needs, Route

_SCHEMES = ("ApiKey", "Bearer")
# Of each event of the stream, as OpenAPI 3.2 tells them; 3.1 has no word for a stream.
_EVENT: Mapping[str, Any] = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["data"],
}
_NO_WORD = re.compile(r"\W+")


def operation(route: Route, doc: Doc, schemas: Schemas) -> dict[str, Any]:
    """The operation object of a route."""
    summary, more = _words(route, doc)
    failed = failures.responses(route, doc, schemas.of(failures.shape(route.surface)))
    found: dict[str, Any] = {
        "tags": [doc.tag.value],
        "summary": summary,
        "description": more,
        "operationId": _id(route),
        "security": _security(route.needs),
        "parameters": [_parameter(one) for one in _parameters(route, doc)],
        "requestBody": _body(doc, schemas),
        "responses": _answers(doc.answered, schemas, is_call=route.surface is not None) | failed,
    }
    return {name: value for name, value in found.items() if value or name == "security"}


def _words(route: Route, doc: Doc) -> tuple[str, str]:
    """The first sentence, and what comes after it."""
    if doc.summary:
        return doc.summary, doc.says
    told = " ".join((inspect.getdoc(route.handler) or "").split())
    first, _, rest = told.partition(". ")
    return f"{first.rstrip('.')}.", f"{rest} {doc.says}".strip()


def _parameters(route: Route, doc: Doc) -> tuple[Parameter, ...]:
    return (*doc.parameters, *(fields.CALL if route.surface else ()), fields.REQUEST_ID)


def _id(route: Route) -> str:
    path = _NO_WORD.sub("_", route.path).strip("_") or "root"
    return f"{route.method.lower()}_{path}"


def _security(needs: Needs) -> list[dict[str, list[str]]]:
    roles = ["admin"] if needs is Needs.ADMIN else []
    return [] if needs is Needs.NOTHING else [{scheme: roles} for scheme in _SCHEMES]


def _parameter(one: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {"name": one.name, "in": one.place, "description": one.says, "schema": one.schema}
    found |= {"required": True} if one.place == "path" else {}
    return found if one.example is None else found | {"example": one.example}


def _body(doc: Doc, schemas: Schemas) -> dict[str, Any] | None:
    if doc.sent is None:
        return None
    content = {"schema": schemas.of(doc.sent.type), "example": doc.sent.example}
    return {"required": doc.sent.required, "content": {JSON: content}}


def _answers(answered: Answered, schemas: Schemas, *, is_call: bool) -> dict[str, Any]:
    always = ["X-Request-Id", *((*fields.OF_CALL, "X-OneAI-Model") if is_call else ())]
    always += ["ETag"] if answered.has_tag else []
    headers = fields.headers(always)
    found: dict[str, Any] = {
        "200": {"description": answered.says, "headers": headers, "content": _content(answered, schemas)}
    }
    if answered.has_tag:
        found["304"] = {"description": "You have it already.", "headers": headers}
    return found


def _content(answered: Answered, schemas: Schemas) -> Mapping[str, Any]:
    schema = schemas.of(answered.type) if answered.type else {"type": "string"}
    whole: dict[str, Any] = {"schema": schema}
    if answered.example is not None:
        whole["example"] = answered.example
    if answered.events is None:
        return {answered.media: whole}
    return {answered.media: whole, EVENTS: {"schema": _EVENT, "example": answered.events}}
