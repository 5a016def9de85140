"""Who is calling: the key is found, and checked against what the path needs, before a byte of the body is read."""

from aiohttp import hdrs, web
from multidict import istr

from oneai.core import keys
from oneai.errors import NoKey, NotAdmin
from oneai.gateway.routes import Needs
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime
from oneai.types import Key

_API_KEY = istr("X-API-Key")


def admit(runtime: Runtime, visit: Visit, needs: Needs) -> None:
    """Set the visit's key. Raises NoKey, BadKey, RevokedKey, ExpiredKey and NotAdmin."""
    settings = runtime.settings
    if needs is Needs.NOTHING or (visit.route == "/metrics" and settings.metrics_public):
        return
    presented = _presented(visit.request, settings.api_key_header)
    if needs is Needs.KEY and not settings.api_key_enabled:
        visit.key = keys.nobody()
        return
    if presented is None:
        raise NoKey(header=settings.api_key_header)
    visit.key = keys.find(runtime.registry.keys, presented, runtime.clock.wall())
    if needs is Needs.ADMIN and not visit.key.admin:
        raise NotAdmin()


def holder(visit: Visit) -> Key:
    """The key of a visit that was admitted by one."""
    assert visit.key is not None
    return visit.key


def _presented(request: web.BaseRequest, header: str) -> str | None:
    value = request.headers.get(header) or request.headers.get(_API_KEY)
    if value:
        return value.strip()
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
