"""Answers a call with a stream: fallback stays possible until content goes out, and then it never ends in silence."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from aiohttp import web

from oneai.core.journey import Done
from oneai.core.outcome import Outcome
from oneai.core.stream import Stream
from oneai.errors import OneAIError, Stopped, StreamBroken
from oneai.gateway import faults, headers
from oneai.gateway.event_stream import ClientStalled, EventStream
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime
from oneai.types import Ask, Reply, Surface

_PING = b": ping\n\n"
_PINGS = {Surface.MESSAGES: b'event: ping\ndata: {"type": "ping"}\n\n'}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What a surface adds to a stream: how a reply that came whole is told, and what follows the last frame."""

    whole: Callable[[Reply], bytes] | None = None
    """As frames; without it, it is answered as it came."""
    last: Callable[[Stream], bytes] = lambda _stream: b""


_AS_IT_COMES = Ending()


async def answered(
    runtime: Runtime, visit: Visit, *, free: Callable[[], None], ending: Ending = _AS_IT_COMES
) -> web.StreamResponse | Reply:
    """The response to the visit's call, sent to its end; or a whole reply, from a server that does not stream, to be
    answered as such.

    `free` gives up the call's body, once nobody will be asked with it any more; no caller holds the call meanwhile.
    """
    assert visit.call is not None
    ping, hold_s = _PINGS.get(visit.call.surface, _PING), runtime.settings.head_hold_ms / 1000
    with EventStream(visit, ping=ping, hold_s=hold_s) as line:
        runtime.cuts.add(line.cut)
        try:
            return await _answered(runtime, visit, line, free, ending)
        except (ClientStalled, ConnectionError):
            visit.status = 499
            return line.response
        except asyncio.CancelledError:
            if not runtime.stopped or not line.is_open:
                raise
            await _fail(visit, line, Stopped())
            return await line.end()
        finally:
            runtime.cuts.discard(line.cut)


async def _answered(
    runtime: Runtime, visit: Visit, line: EventStream, free: Callable[[], None], ending: Ending
) -> web.StreamResponse | Reply:
    assert visit.call is not None
    try:
        done = visit.done = await runtime.pipeline.answer(visit.call, visit.attempts)
        _let_go(visit, done)
        free()
        runtime.metrics.overhead.observe(headers.overhead_s(visit, done.upstream_s))
        if isinstance(done.reply, Reply) and ending.whole is None and not line.is_open:
            return done.reply
        await _tell(line, done, ending)
    except OneAIError as error:
        if not line.is_open:
            raise
        await _fail(visit, line, error)
    return await line.end()


async def _fail(visit: Visit, line: EventStream, error: OneAIError) -> None:
    assert visit.call is not None
    visit.error, visit.status = error, error.status
    error.attempts = error.attempts or tuple(visit.attempts)
    await line.send(faults.event(error, visit.request_id, visit.call.surface, _number(visit)))


def _let_go(visit: Visit, done: Done) -> None:
    """Of what was asked, which may be a document: a stream may last for half an hour."""
    assert visit.call is not None
    visit.call = replace(visit.call, ask=Ask(), passage=None)
    if isinstance(done.reply, Stream):
        done.reply.trial.journey.call = visit.call


async def _tell(line: EventStream, done: Done, ending: Ending) -> None:
    if isinstance(done.reply, Stream):
        await _pass(line, done.reply, ending)
    elif ending.whole is not None:
        await line.send(ending.whole(done.reply))
    else:
        raise StreamBroken(model=done.model.code, why="it does not stream", call="last")


async def _pass(line: EventStream, stream: Stream, ending: Ending) -> None:
    try:
        await line.send(stream.held)
        while frames := await stream.next():
            await line.send(frames)
        await line.send(ending.last(stream))
        await line.end()
        await stream.finish()
    except ClientStalled:
        stream.abandon(Outcome.CLIENT_STALLED)
        raise
    finally:
        stream.close()


def _number(visit: Visit) -> int:
    """The next number of a stream's events, where they are counted."""
    reply = visit.done.reply if visit.done else None
    return reply.listener.sequence_number if isinstance(reply, Stream) else 0
