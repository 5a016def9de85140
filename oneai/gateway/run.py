"""`POST /v1/run`: a body in our own words becomes a call, and its reply the answer of today's gateway."""

import re
from collections.abc import Callable, Mapping

import orjson
from aiohttp import web
from multidict import istr

from oneai.core.journey import Done
from oneai.core.registry import Registry
from oneai.errors import BadField, MissingField, UnknownModel, UnknownProfile, UnknownTask
from oneai.gateway import auth, headers, run_body, run_images
from oneai.gateway.body import Body
from oneai.gateway.run_body import RunBody
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime
from oneai.types import Ask, Call, Domain, Origin, Surface

_TIMEOUT_MS = (1_000, 3_600_000)
_SHOWN = 64
_DIGITS = re.compile(r"[0-9]{1,7}")
# Looked up in every call: an istr is folded once, a str each time.
_THROUGH = (istr("traceparent"), istr("tracestate"))
_FALLBACK, _TIMEOUT = istr("X-OneAI-Fallback"), istr("X-OneAI-Timeout-Ms")
_TENANT, _DOC, _WF_RUN = istr("X-Tenant-Id"), istr("X-Doc-Id"), istr("X-Workflow-Run-Id")
_TASKS = {domain.value: domain for domain in Domain}
_NEEDED: Mapping[Domain, tuple[Callable[[Ask], object], str]] = {
    Domain.OCR: (
        lambda ask: ask.images or ask.text or ask.messages,
        "input.image, or input.text to test the connection",
    ),
    Domain.VISION: (
        lambda ask: ask.images or ask.text or ask.messages,
        "input.image with input.text, or input.messages",
    ),
    Domain.LLM: (lambda ask: ask.text or ask.messages, "input.text or input.messages"),
    Domain.TOOLS: (lambda ask: ask.text or ask.messages, "input.text or input.messages, and input.tools"),
    Domain.EMBED: (lambda ask: ask.texts or ask.text, "input.texts or input.text"),
    Domain.RERANK: (lambda ask: ask.query and ask.documents, "input.query and input.documents"),
}


async def run(runtime: Runtime, visit: Visit) -> web.Response:
    """Answer one call whole."""
    with runtime.quota.place(auth.holder(visit)):
        async with Body(runtime.budget, visit) as raw:
            asked = run_body.parse(raw)
            raw.clear()  # a document is held once: from here on it is in the call
            visit.call = _call(runtime, visit, asked)
            del asked
            visit.done = await runtime.pipeline.answer(visit.call, visit.attempts)
            answer = _answer(visit, visit.done)
    runtime.metrics.overhead.observe(headers.overhead_s(visit, visit.done.upstream_s))
    fields = headers.of_call(visit, visit.done.attempts)
    return web.Response(body=answer, headers=fields, content_type="application/json")


def _answer(visit: Visit, done: Done) -> bytes:
    call = visit.call
    assert call is not None
    return orjson.dumps(
        {
            "id": call.id,
            "task": call.task,
            "profile": call.profile,
            "model": done.model.code,
            "requested": call.requested,
            "provider": done.model.provider,
            "output": done.reply.output,
            "usage": {
                "tokens_in": done.reply.usage.tokens_in,
                "tokens_out": done.reply.usage.tokens_out,
                "cost_usd": done.reply.usage.cost_usd,
            },
            "latency_ms": round((visit.elapsed_s() - visit.receiving_s) * 1000),
            "attempts": [headers.attempt(attempt) for attempt in done.attempts],
        }
    )


def _call(runtime: Runtime, visit: Visit, asked: RunBody) -> Call:
    if asked.stream:
        raise BadField(field="stream", found="true", accepted="false: /v1/run answers whole in this version")
    requested = _requested(runtime.registry, asked)
    task = _task(runtime.registry, asked, requested)
    profiles = runtime.profiles.names(task)
    if asked.profile not in profiles:
        raise UnknownProfile(
            param="profile", task=task.value, found=_shown(asked.profile), accepted=", ".join(profiles)
        )
    http = visit.request.headers
    fallback = http.get(_FALLBACK)
    return Call(
        id=visit.id,
        request_id=visit.request_id,
        surface=Surface.RUN,
        task=task,
        key=auth.holder(visit),
        ask=_ask(runtime, asked, task),
        requested=requested,
        profile=asked.profile,
        origin=_origin(visit, asked),
        falls_back=asked.fallback and (fallback is None or fallback.lower() != "off"),
        timeout_s=_timeout_s(http.get(_TIMEOUT)),
        tunnelled=visit.tunnelled,
        headers={name: http[name] for name in _THROUGH if name in http},
    )


def _requested(registry: Registry, asked: RunBody) -> str | None:
    """The code of the model asked for, by its code or an alias; None for a task's chain."""
    if asked.model is None or asked.model in _TASKS:
        return None
    return registry.aliases.get(asked.model, asked.model)


def _task(registry: Registry, asked: RunBody, requested: str | None) -> Domain:
    """The task by its word (a task's word is good for a model, too), else the asked model's domain."""
    word = asked.task if asked.task is not None or requested else asked.model
    if word is not None:
        if word not in _TASKS:
            raise UnknownTask(param="task", found=_shown(word))
        return _TASKS[word]
    if requested is None:
        raise MissingField(field="task", accepted=f"name a task ({', '.join(_TASKS)}) or a model")
    if requested not in registry.models:
        raise UnknownModel(param="model", model=requested[:80])
    return registry.models[requested].domain


def _ask(runtime: Runtime, asked: RunBody, task: Domain) -> Ask:
    given = asked.input
    ask = Ask(
        images=run_images.of_input(given, runtime.settings.allow_image_urls),
        text=given.text,
        messages=given.messages or (),
        texts=given.texts or (),
        query=given.query,
        documents=given.documents or (),
        tools=given.tools or (),
        params=asked.params,
    )
    given_any, accepted = _NEEDED[task]
    if not given_any(ask):
        raise MissingField(field="input", accepted=f"task {task.value} needs {accepted}")
    return ask


def _shown(word: str) -> str:
    return repr(word[:_SHOWN])


def _origin(visit: Visit, asked: RunBody) -> Origin:
    http = visit.request.headers
    return Origin(
        tenant_id=asked.meta.tenant_id or http.get(_TENANT),
        doc_id=asked.meta.doc_id or http.get(_DOC),
        wf_run_id=asked.meta.wf_run_id or http.get(_WF_RUN),
    )


def _timeout_s(header: str | None) -> float | None:
    if header is None:
        return None
    least, most = _TIMEOUT_MS
    if not _DIGITS.fullmatch(header) or not least <= int(header) <= most:
        raise BadField(
            field="X-OneAI-Timeout-Ms", found=_shown(header), accepted=f"milliseconds from {least} to {most}"
        )
    return int(header) / 1000
