"""The whole HTTP surface on one screen, and a request's way to its handler: fault handling, key, handler."""

import asyncio
from itertools import pairwise

from aiohttp import web

from oneai.core.recent import Ended
from oneai.errors import Draining, OneAIError
from oneai.gateway import admin, auth, faults, headers, listing, metrics, models, passing, run, status
from oneai.gateway.openapi import operations, surfaces
from oneai.gateway.openapi.published import Published
from oneai.gateway.pace import PACE, Pace
from oneai.gateway.routes import Needs, Route, Routes
from oneai.gateway.visit import Visit
from oneai.logs import Log
from oneai.runtime import Runtime
from oneai.types import Surface

_PUBLISHED = Published(lambda: ROUTES)
ROUTES: tuple[Route, ...] = (
    Route("GET", "/health", status.health, Needs.NOTHING, doc=operations.HEALTH),
    Route("GET", "/live", status.live, Needs.NOTHING, doc=operations.LIVE),
    Route("GET", "/ready", status.ready, Needs.NOTHING, doc=operations.READY),
    Route("GET", "/models", models.every, Needs.KEY, doc=operations.MODELS),
    Route("GET", "/models/{code}", models.one, Needs.KEY, doc=operations.MODEL),
    Route("POST", "/v1/run", run.run, Needs.KEY, Surface.RUN, operations.RUN),
    Route("POST", "/v1/chat/completions", passing.answer, Needs.KEY, Surface.CHAT, surfaces.CHAT),
    Route("POST", "/v1/completions", passing.answer, Needs.KEY, Surface.COMPLETIONS, surfaces.COMPLETIONS),
    Route("POST", "/v1/embeddings", passing.answer, Needs.KEY, Surface.EMBEDDINGS, surfaces.EMBEDDINGS),
    Route("POST", "/v1/responses", passing.answer, Needs.KEY, Surface.RESPONSES, surfaces.RESPONSES),
    Route("POST", "/v1/messages", passing.answer, Needs.KEY, Surface.MESSAGES, surfaces.MESSAGES),
    Route("POST", "/v1/messages/count_tokens", passing.answer, Needs.KEY, Surface.MESSAGES, surfaces.COUNT_TOKENS),
    Route("POST", "/v1/rerank", passing.answer, Needs.KEY, Surface.RERANK, surfaces.RERANK),
    Route("POST", "/v2/rerank", passing.answer, Needs.KEY, Surface.RERANK, surfaces.RERANK),
    Route("POST", "/rerank", passing.answer, Needs.KEY, Surface.RERANK, surfaces.RERANK_TEI),
    Route("GET", "/v1/models", listing.every, Needs.KEY, doc=surfaces.CARDS),
    Route("GET", "/v1/models/{id}", listing.one, Needs.KEY, doc=surfaces.CARD, slashes=True),
    Route("GET", "/", status.root, Needs.NOTHING, doc=surfaces.ROOT),
    Route("POST", "/admin/reload", admin.reload, Needs.ADMIN, doc=operations.RELOAD),
    Route("POST", "/admin/models/{code}/reset", admin.reset, Needs.ADMIN, doc=operations.RESET),
    Route("GET", "/admin/calls/{id}", admin.call, Needs.ADMIN, doc=operations.STORY),
    Route("GET", "/admin/state", admin.state, Needs.ADMIN, doc=operations.STATE),
    Route("GET", "/metrics", metrics.scrape, Needs.ADMIN, doc=operations.METRICS),
    Route("GET", "/openapi.json", _PUBLISHED.document, Needs.NOTHING, doc=operations.DOCUMENT),
    Route("GET", "/docs", _PUBLISHED.page, Needs.NOTHING, doc=operations.PAGE),
)
_SHOWN = 80
"""Characters of a model's name that are kept: of one that is none, a client may send megabytes."""


class App:
    """Answers every well-formed request; whatever goes wrong leaves in our envelope."""

    def __init__(self, runtime: Runtime, *, pace: Pace = PACE) -> None:
        self._runtime = runtime
        self._pace = pace
        self._routes = Routes(ROUTES)
        self._log = Log("gateway")

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        visit = Visit(request=request, pace=self._pace)
        self._runtime.in_flight += 1
        try:
            response = await self._answer(visit)
        except OneAIError as error:
            response = faults.response(error, visit)
            self._ended(visit, response.status, error)
        except asyncio.CancelledError:
            self._ended(visit, visit.status or 499, visit.error)
            self._log.info("client_gone", request_id=visit.request_id, route=visit.route)
            raise
        except Exception:
            self._log.exception("request_failed", request_id=visit.request_id, route=visit.route)
            response = faults.response(OneAIError(), visit)
            self._ended(visit, 500, OneAIError())
        else:
            self._ended(visit, visit.status or response.status, visit.error)
        finally:
            self._runtime.in_flight -= 1
        if self._runtime.closing:
            response.force_close()
        headers.sign(response.headers, visit)
        return response

    async def _answer(self, visit: Visit) -> web.StreamResponse:
        route, visit.params = self._routes.find(visit.request.method, visit.request.rel_url.raw_path)
        visit.route, visit.surface = route.path, route.surface
        auth.admit(self._runtime, visit, route.needs)
        if self._runtime.closing and route.needs is Needs.KEY:
            raise Draining(retry_after_s=5)
        return await route.handler(self._runtime, visit)

    def _ended(self, visit: Visit, status: int, error: OneAIError | None) -> None:
        """Count it, and keep a call for `oneai why`."""
        call, done = visit.call, visit.done
        task, model = (call.task.value if call else ""), (done.model.code if done else "")
        self._runtime.metrics.request(visit.route, task, model, status, visit.elapsed_s())
        if visit.surface is None:
            return
        attempts = tuple(visit.attempts)
        for left, gone_to in pairwise(attempts):
            self._runtime.metrics.fallbacks[left.model, gone_to.model, left.outcome] += 1
        self._runtime.recent.add(
            Ended(
                id=visit.id,
                request_id=visit.request_id,
                at=self._runtime.clock.wall(),
                status=status,
                route=visit.route,
                key_name=visit.key.name if visit.key else None,
                task=task or None,
                requested=call.requested[:_SHOWN] if call and call.requested else None,
                error=str(error) if error else None,
                code=error.code if error else None,
                attempts=attempts,
            )
        )
