"""For people and orchestrators, without a key: is it well, is it alive, may it be sent calls."""

import orjson
from aiohttp import web

from oneai import __version__
from oneai.errors import Draining
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime


async def health(runtime: Runtime, visit: Visit) -> web.Response:
    """200 even when degraded: a gateway without its database still serves."""
    report = runtime.report()
    document = {
        "status": "degraded" if report.troubles else "healthy",
        "version": __version__,
        "uptime_seconds": int(runtime.uptime_s()),
        "models_registered": report.models,
        "routes_registered": report.tasks,
        "store": report.store,
        "journal": report.journal,
        "config_version": report.config_version,
        "registry_age_seconds": report.registry_age_s,
        "troubles": report.troubles,
    }
    return web.Response(body=orjson.dumps(document), content_type="application/json")


async def live(runtime: Runtime, visit: Visit) -> web.Response:
    """200 while the process answers at all."""
    return web.Response(body=b'{"status":"live"}', content_type="application/json")


async def ready(runtime: Runtime, visit: Visit) -> web.Response:
    """200 when calls may be sent here, an empty registry included; 503 when draining."""
    if runtime.draining:
        raise Draining(retry_after_s=5)
    return web.Response(body=b'{"status":"ready"}', content_type="application/json")


async def root(runtime: Runtime, visit: Visit) -> web.Response:
    """Who is here; Anthropic's clients look before they call."""
    document = {"name": "OneAI Gateway", "version": __version__, "docs": "/docs", "openapi": "/openapi.json"}
    return web.Response(body=orjson.dumps(document), content_type="application/json")
