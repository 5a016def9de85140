"""`"stream": true` on `/v1/run`: `delta` events as the reply comes, then `done` with the whole answer."""

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from oneai.core.listening import RunListener
from oneai.core.stream import Stream
from oneai.gateway import run_answer, streaming
from oneai.gateway.streaming import Ending
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime
from oneai.types import Reply


async def answered(runtime: Runtime, visit: Visit, free: Callable[[], None]) -> web.StreamResponse:
    """The response, sent to its end."""
    ending = Ending(whole=lambda reply: _whole(visit, reply), last=lambda stream: _done(visit, _collected(stream)))
    response = await streaming.answered(runtime, visit, free=free, ending=ending)
    assert isinstance(response, web.StreamResponse), "a reply that came whole is told as events too"
    return response


def _whole(visit: Visit, reply: Reply) -> bytes:
    """Of a server that does not stream: one delta."""
    delta = {name: value for name, value in reply.output.items() if name in ("text", "tool_calls") and value}
    return (b"event: delta\ndata: %b\n\n" % orjson.dumps(delta) if delta else b"") + _done(visit, reply)


def _done(visit: Visit, reply: Reply) -> bytes:
    return b"event: done\ndata: %b\n\n" % run_answer.whole(visit, reply)


def _collected(stream: Stream) -> Reply:
    listener, trial = stream.listener, stream.trial
    assert isinstance(listener, RunListener), "a run's stream is heard by one"
    output: dict[str, Any] = {"text": listener.text}
    if listener.tool_calls:
        output["tool_calls"] = listener.tool_calls
    output["finish_reason"] = listener.finish_reason
    return Reply(output=output, usage=trial.usage, finish_reason=listener.finish_reason)
