"""The answer of `POST /v1/run`, in the shape of today's gateway."""

import orjson

from oneai.gateway import headers
from oneai.gateway.visit import Visit
from oneai.types import Reply


def whole(visit: Visit, reply: Reply) -> bytes:
    """The JSON of a call that `reply` ends; its attempts are all there."""
    call, done = visit.call, visit.done
    assert call is not None
    assert done is not None
    return orjson.dumps(
        {
            "id": call.id,
            "task": call.task,
            "profile": call.profile,
            "model": done.model.code,
            "requested": call.requested,
            "provider": done.model.provider,
            "output": reply.output,
            "usage": {
                "tokens_in": reply.usage.tokens_in,
                "tokens_out": reply.usage.tokens_out,
                "cost_usd": reply.usage.cost_usd,
            },
            "latency_ms": round((visit.elapsed_s() - visit.receiving_s) * 1000),
            "attempts": [headers.attempt(attempt) for attempt in visit.attempts],
        }
    )
