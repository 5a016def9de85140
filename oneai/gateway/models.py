"""`GET /models`: the registry as clients may see it, with how each model is doing. A node's address stays inside."""

from typing import Any

import orjson
from aiohttp import web

from oneai.core import keys
from oneai.errors import UnknownModel
from oneai.gateway import auth
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime
from oneai.types import Model


async def every(runtime: Runtime, visit: Visit) -> web.Response:
    """The active models that the key may call; `?all=true` shows the inactive too."""
    key, show_all = auth.holder(visit), visit.request.query.get("all") == "true"
    shown = [model for model in runtime.registry.models.values() if (model.active or show_all) and keys.may(key, model)]
    document = {"models": [_entry(runtime, model) for model in shown]}
    return web.Response(body=orjson.dumps(document), content_type="application/json")


async def one(runtime: Runtime, visit: Visit) -> web.Response:
    """One model by its code."""
    model = runtime.registry.models.get(visit.params["code"])
    if model is None or not keys.may(auth.holder(visit), model):
        raise UnknownModel(model=visit.params["code"])
    return web.Response(body=orjson.dumps(_entry(runtime, model)), content_type="application/json")


def _entry(runtime: Runtime, model: Model) -> dict[str, Any]:
    latency = runtime.health.of(model.code).latency()
    return {
        "code": model.code,
        "name": model.name,
        "description": model.description,
        "domain": model.domain.value,
        "role": model.role.value if model.role else None,
        "provider": model.provider,
        "active": model.active,
        "fallback": model.fallback,
        "status": runtime.status_of(model.code),
        "circuit": runtime.pipeline.availability.circuit(model.code).state.value,
        "avg_latency_ms": latency.average,
        "p50_latency_ms": latency.p50,
        "p95_latency_ms": latency.p95,
        "in_flight": runtime.pipeline.availability.room(model).in_flight,
    }
