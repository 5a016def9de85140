"""Errors as they leave the gateway: one envelope, and the headers that clients act on."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from aiohttp import web

from oneai.errors import BadRequest, MethodNotAllowed, NoKey, OneAIError
from oneai.gateway import headers
from oneai.gateway.visit import Visit
from oneai.types import Surface

_SHOULD_NOT_RETRY = (502, 504)


def response(error: OneAIError, visit: Visit) -> web.Response:
    """The error as JSON, with Retry-After, WWW-Authenticate and the call's own headers where they apply."""
    status = error.status
    fields = headers.of_call(visit, visit.attempts) if visit.call else {}
    if status in _SHOULD_NOT_RETRY:
        fields["x-should-retry"] = "false"
        # Cloudflare's tunnel puts a page of its own in place of a 502 or 504.
        status = 503 if visit.tunnelled else status
    if error.retry_after_s is not None:
        fields["Retry-After"] = str(math.ceil(error.retry_after_s))
        fields["retry-after-ms"] = str(math.ceil(error.retry_after_s * 1000))
    if isinstance(error, NoKey):
        fields["WWW-Authenticate"] = 'Bearer realm="oneai"'
    if isinstance(error, MethodNotAllowed):
        fields["Allow"] = error.facts["accepted"]
    found = web.Response(
        status=status,
        body=body(error, visit.request_id, visit.surface),
        headers=fields,
        content_type="application/json",
    )
    if error.status in (405, 408, 413):
        found.force_close()
    return found


def body(error: OneAIError, request_id: str, surface: Surface | None = None) -> bytes:
    """The error in the words of a surface: Anthropic's on messages, ours elsewhere."""
    return orjson.dumps(_SHAPES.get(surface, _envelope)(error, request_id))


def event(error: OneAIError, request_id: str, surface: Surface, number: int = 0) -> bytes:
    """The end of a stream that broke off. `number` is the event's own, in a stream that counts them."""
    told = _SHAPES.get(surface, _envelope)(error, request_id)
    if surface is Surface.RESPONSES:
        told = {"type": "error", "code": error.code, "message": error.message, "param": None, **told}
        told["sequence_number"] = number
    name = b"event: error\n" if surface in _NAMES_EVENTS else b""
    return b"%bdata: %b\n\n" % (name, orjson.dumps(told))


def malformed(why: str, request_id: str) -> bytes:
    """The envelope of what is no HTTP request."""
    return body(BadRequest(what=f"This is not a valid HTTP request: {why}"), request_id)


def _envelope(error: OneAIError, request_id: str) -> dict[str, Any]:
    """message, type, param, code, request_id, and the attempts of a call that made some."""
    fault: dict[str, Any] = {
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "code": error.code,
        "request_id": request_id,
    }
    return {"error": fault | _attempts(error)}


def _anthropic(error: OneAIError, request_id: str) -> dict[str, Any]:
    fault: dict[str, Any] = {"type": _ANTHROPIC.get(error.status, "api_error"), "message": error.message}
    fault["code"] = error.code
    return {"type": "error", "error": fault | _attempts(error), "request_id": request_id}


def _cohere(error: OneAIError, request_id: str) -> dict[str, Any]:
    """Cohere's clients look for a message at the top."""
    return {"message": error.message, **_envelope(error, request_id)}


def _attempts(error: OneAIError) -> dict[str, Any]:
    return {"attempts": [headers.attempt(attempt) for attempt in error.attempts]} if error.attempts else {}


_SHAPES: Mapping[Surface | None, Callable[[OneAIError, str], dict[str, Any]]] = {
    Surface.MESSAGES: _anthropic,
    Surface.RERANK: _cohere,
}
_NAMES_EVENTS = frozenset({Surface.RUN, Surface.MESSAGES, Surface.RESPONSES})
# https://docs.anthropic.com/en/api/errors; 503 is theirs for nothing, and ours for what they call overloaded.
_ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "invalid_request_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
