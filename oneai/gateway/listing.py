"""`GET /v1/models`: what may stand in `model`, in the words of OpenAI's and of Anthropic's clients at once."""

from collections.abc import Iterator
from typing import Any

import orjson
from aiohttp import web

from oneai.core import chain, keys
from oneai.core.registry import Registry
from oneai.errors import UnknownModel
from oneai.gateway import auth
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime
from oneai.types import Key, Model

_CREATED, _CREATED_AT = 0, "1970-01-01T00:00:00Z"
"""When a model was registered is nobody's business, and the clients want a time."""


async def every(runtime: Runtime, visit: Visit) -> web.Response:
    """The codes and aliases of the models that the key may call."""
    shown = [_entry(name, model) for name, model in _named(runtime.registry, auth.holder(visit))]
    document = {
        "object": "list",
        "data": shown,
        "has_more": False,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }
    return web.Response(body=orjson.dumps(document), content_type="application/json")


async def one(runtime: Runtime, visit: Visit) -> web.Response:
    """One model by its code, an alias, or a task's word."""
    name, registry = visit.params["id"], runtime.registry
    code = chain.resolve(registry, name)
    if code is None or not keys.may(auth.holder(visit), registry.models[code]):
        raise UnknownModel(param="model", model=name[:80])
    return web.Response(body=orjson.dumps(_entry(name, registry.models[code])), content_type="application/json")


def _named(registry: Registry, key: Key) -> Iterator[tuple[str, Model]]:
    names = {code: code for code in registry.models} | dict(registry.aliases)
    for name, code in names.items():
        model = registry.models[code]
        if model.active and keys.may(key, model):
            yield name, model


def _entry(name: str, model: Model) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "type": "model",
        "display_name": model.name or name,
        "created": _CREATED,
        "created_at": _CREATED_AT,
        "owned_by": model.provider or "oneai",
    }
