"""`POST /v1/run`: a body in our own words becomes a call, and its reply the answer of today's gateway."""

from collections.abc import Callable, Mapping

from aiohttp import web

from oneai.core.registry import Registry
from oneai.errors import BadField, MissingField, UnknownModel, UnknownProfile, UnknownTask
from oneai.gateway import auth, headers, run_answer, run_body, run_images, run_stream, terms
from oneai.gateway.body import Body
from oneai.gateway.run_body import RunBody
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime
from oneai.types import Ask, Call, Domain, Origin, Reply, Surface

_SHOWN = 64
_SPOKEN = frozenset({Domain.OCR, Domain.LLM, Domain.VISION, Domain.TOOLS})
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


async def run(runtime: Runtime, visit: Visit) -> web.StreamResponse:
    """Answer one call by the chain of its task or model, whole or as a stream."""
    with runtime.quota.place(auth.holder(visit)):
        reading = Body(runtime.budget, visit)
        async with reading as raw:
            asked = run_body.parse(raw)
            raw.clear()  # a document is held once: from here on it is in the call
            visit.call = _call(runtime, visit, asked)
            del asked
            if visit.call.streams:
                return await run_stream.answered(runtime, visit, reading.free)
            done = visit.done = await runtime.pipeline.answer(visit.call, visit.attempts)
            assert isinstance(done.reply, Reply)
            answer = run_answer.whole(visit, done.reply)
    runtime.metrics.overhead.observe(headers.overhead_s(visit, done.upstream_s))
    fields = headers.of_call(visit, done.attempts)
    return web.Response(body=answer, headers=fields, content_type="application/json")


def _call(runtime: Runtime, visit: Visit, asked: RunBody) -> Call:
    requested = _requested(runtime.registry, asked)
    task = _task(runtime.registry, asked, requested)
    if asked.stream and task not in _SPOKEN:
        raise BadField(field="stream", found="true", accepted=f"false: task {task.value} answers whole")
    profiles = runtime.profiles.names(task)
    if asked.profile not in profiles:
        raise UnknownProfile(
            param="profile", task=task.value, found=_shown(asked.profile), accepted=", ".join(profiles)
        )
    http = visit.request.headers
    return Call(
        id=visit.id,
        request_id=visit.request_id,
        surface=Surface.RUN,
        task=task,
        key=auth.holder(visit),
        ask=_ask(runtime, asked, task),
        requested=requested,
        profile=asked.profile,
        streams=asked.stream,
        origin=_origin(visit, asked),
        falls_back=asked.fallback and terms.falls_back(http),
        timeout_s=terms.timeout_s(http),
        tunnelled=visit.tunnelled,
        headers=terms.through(http, Surface.RUN),
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
    """By header; the body's own word wins."""
    said, meta = terms.origin(visit.request.headers), asked.meta
    if meta.tenant_id is None and meta.doc_id is None and meta.wf_run_id is None:
        return said
    return Origin(
        tenant_id=meta.tenant_id or said.tenant_id,
        doc_id=meta.doc_id or said.doc_id,
        wf_run_id=meta.wf_run_id or said.wf_run_id,
    )
