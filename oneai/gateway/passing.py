"""The surfaces of other people's clients: a call goes on as it came, and its answer back, but for the model's name."""

import asyncio

from aiohttp import web

from oneai.core import chain, members
from oneai.core.members import Outline
from oneai.core.registry import Registry
from oneai.errors import MissingField, UnknownModel
from oneai.gateway import auth, headers, streaming, terms
from oneai.gateway.body import Body
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime
from oneai.types import Call, Domain, Passage, Reply, Surface

_TASKS = {domain.value: domain for domain in Domain}
_STREAMED = frozenset({Surface.CHAT, Surface.COMPLETIONS, Surface.RESPONSES, Surface.MESSAGES})
_JSON = "application/json"
_LARGE = 4 << 20


async def answer(runtime: Runtime, visit: Visit) -> web.StreamResponse:
    """Answer by the chain of the model that is named: a code, an alias, or a task's word."""
    with runtime.quota.place(auth.holder(visit)):
        reading = Body(runtime.budget, visit)
        async with reading as raw:
            visit.call = _call(runtime, visit, raw, await _outlined(raw))
            if visit.call.streams:
                found = await streaming.answered(runtime, visit, free=reading.free)
                return _whole(visit, found) if isinstance(found, Reply) else found
            done = visit.done = await runtime.pipeline.answer(visit.call, visit.attempts)
    runtime.metrics.overhead.observe(headers.overhead_s(visit, done.upstream_s))
    assert isinstance(done.reply, Reply)
    return _whole(visit, done.reply)


def _whole(visit: Visit, reply: Reply) -> web.Response:
    assert visit.done is not None
    assert reply.answer is not None
    theirs = headers.passed(reply.answer.headers)
    theirs.setdefault("Content-Type", _JSON)
    ours = headers.of_call(visit, visit.done.attempts)
    return web.Response(status=reply.answer.status, body=reply.answer.body, headers=theirs | ours)


async def _outlined(raw: bytearray) -> Outline:
    """Read off the loop where that may take long: others would wait for it."""
    return members.read(raw) if len(raw) <= _LARGE else await asyncio.to_thread(members.read, raw)


def _call(runtime: Runtime, visit: Visit, raw: bytearray, outline: Outline) -> Call:
    surface, request = visit.surface, visit.request
    assert surface is not None
    http = request.headers
    requested, task = _wanted(runtime.registry, surface, outline.model)
    return Call(
        id=visit.id,
        request_id=visit.request_id,
        surface=surface,
        task=task,
        key=auth.holder(visit),
        passage=_passage(visit, raw, outline),
        streams=outline.streams and surface in _STREAMED,
        requested=requested,
        origin=terms.origin(http),
        falls_back=terms.falls_back(http),
        timeout_s=terms.timeout_s(http),
        tunnelled=visit.tunnelled,
        headers=terms.through(http, surface),
    )


def _wanted(registry: Registry, surface: Surface, name: str | None) -> tuple[str | None, Domain]:
    """The code that was asked for (None for a task's chain), and the task that it is."""
    if name is None:
        if surface is not Surface.RERANK:
            raise MissingField(field="model", accepted="a model's code or alias, or a task's word (GET /v1/models)")
        return None, Domain.RERANK  # TEI's own clients name no model
    if name in _TASKS and name not in registry.models and name not in registry.aliases:
        return None, _TASKS[name]
    code = chain.resolve(registry, name)
    if code is None:
        raise UnknownModel(param="model", model=name[:80])
    return code, registry.models[code].domain


def _passage(visit: Visit, raw: bytearray, outline: Outline) -> Passage:
    options = outline.stream_options
    return Passage(
        body=raw,
        path=visit.route,
        query=visit.request.rel_url.raw_query_string,
        model=outline.model_span,
        stream_options=outline.stream_options_span,
        asks_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )
