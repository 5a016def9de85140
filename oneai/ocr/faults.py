"""Errors as this server says them: nested as OpenAI does, with the status as code, as vLLM and llama.cpp do."""

import math
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from oneai.errors import MethodNotAllowed, OcrBodyTooLarge, OcrUnknownPath, OneAIError
from oneai.logs import Log

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = Log("ocr")


@web.middleware
async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure as JSON: ours, aiohttp's own, and what nobody foresaw, which is logged."""
    try:
        return await handler(request)
    except OneAIError as error:
        _log.info("refused", status=error.status, code=error.code, reason=error.message)
        return response(error)
    except web.HTTPException as exc:
        allow = {"Allow": exc.headers["Allow"]} if "Allow" in exc.headers else {}
        return response(_ours(request, exc), **allow)
    except ConnectionResetError:
        raise
    except Exception:
        _log.exception("failed", path=request.path)
        return response(OneAIError())


def response(error: OneAIError, **headers: str) -> web.Response:
    """The error as JSON, with Retry-After where it says when."""
    said = {"message": error.message, "type": error.type, "param": error.param, "code": error.status}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    if error.status == 413:
        headers["Connection"] = "close"
    body = orjson.dumps({"error": said})
    return web.Response(status=error.status, body=body, headers=headers, content_type="application/json")


def _ours(request: web.Request, exc: web.HTTPException) -> OneAIError:
    if isinstance(exc, web.HTTPMethodNotAllowed):
        accepted = ", ".join(sorted(exc.allowed_methods))
        return MethodNotAllowed(method=request.method, path=request.path, accepted=accepted)
    if isinstance(exc, web.HTTPRequestEntityTooLarge):
        return OcrBodyTooLarge(limit_mb=request.client_max_size >> 20)
    if isinstance(exc, web.HTTPNotFound):
        paths = "/v1/chat/completions, /v1/models and /health"
        return OcrUnknownPath(method=request.method, path=request.path, accepted=paths)
    raise exc
