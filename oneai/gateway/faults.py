"""Errors as they leave the gateway: one envelope, and the headers that clients act on."""

import math
from typing import Any

import orjson
from aiohttp import web

from oneai.errors import BadRequest, MethodNotAllowed, NoKey, OneAIError
from oneai.gateway import headers
from oneai.gateway.visit import Visit

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
        status=status, body=body(error, visit.request_id), headers=fields, content_type="application/json"
    )
    if error.status in (405, 408, 413):
        found.force_close()
    return found


def body(error: OneAIError, request_id: str) -> bytes:
    """The envelope: message, type, param, code, request_id, and the attempts of a call that made some."""
    fault: dict[str, Any] = {
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "code": error.code,
        "request_id": request_id,
    }
    if error.attempts:
        fault["attempts"] = [headers.attempt(attempt) for attempt in error.attempts]
    return orjson.dumps({"error": fault})


def malformed(why: str, request_id: str) -> bytes:
    """The envelope of what is no HTTP request."""
    return body(BadRequest(what=f"This is not a valid HTTP request: {why}"), request_id)
