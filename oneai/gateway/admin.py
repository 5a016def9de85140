"""What an admin key may ask and order: reload, reset a circuit, one call's story, the gateway's state."""

from dataclasses import asdict

import orjson
from aiohttp import web

from oneai.errors import BadField, NotJson, UnknownCall, UnknownModel
from oneai.gateway.body import Body
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime


async def reload(runtime: Runtime, visit: Visit) -> web.Response:
    """Read the store now. `{"force": true}` takes a registry that lost most of its models or keys at its word."""
    async with Body(runtime.budget, visit) as sent:
        force = _force(sent)
    accepted, why = await runtime.reload(force=force)
    report = runtime.report()
    document = {
        "reloaded": accepted,
        "why": why,
        "models": len(runtime.registry.models),
        "keys": len(runtime.registry.keys),
        "config_version": report.config_version,
        "warnings": [asdict(warning) for warning in runtime.registry.warnings],
    }
    return _json(document)


async def reset(runtime: Runtime, visit: Visit) -> web.Response:
    """Close a model's circuit by hand."""
    code = visit.params["code"]
    if code not in runtime.registry.models:
        raise UnknownModel(model=code)
    before = runtime.reset(code)
    return _json({"code": code, "circuit": "closed", "was": before})


async def call(runtime: Runtime, visit: Visit) -> web.Response:
    """One call by its id, by its X-Request-Id, or `last`: how it ended and every attempt in order."""
    story = await runtime.story(visit.params["id"])
    if story is None:
        raise UnknownCall(id=visit.params["id"])
    return _json(story)


async def state(runtime: Runtime, visit: Visit) -> web.Response:
    """What `oneai doctor` needs to know of a running gateway."""
    return _json(runtime.state())


def _force(sent: bytearray) -> bool:
    if not sent:
        return False
    try:
        force = orjson.loads(sent)["force"]
    except (orjson.JSONDecodeError, TypeError, KeyError) as exc:
        raise NotJson(why='accepted is nothing, or {"force": true}') from exc
    if not isinstance(force, bool):
        raise BadField(field="force", found=repr(force), accepted="true or false")
    return force


def _json(document: object) -> web.Response:
    return web.Response(body=orjson.dumps(document), content_type="application/json")
