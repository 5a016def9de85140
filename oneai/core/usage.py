"""The usage row of an attempt, by the columns of `model_usage_log`: today's, then ours."""

from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID, uuid5

from oneai.types import Attempt, Call, Row

NAMESPACE = UUID("6f6e6561-6900-5000-8000-67617465776f")
"""A tenant or run id that is no UUID is stored as UUIDv5 of this; never change it, or old rows lose their owner."""


def row(call: Call, attempt: Attempt, number: int) -> Row:
    """The row of the call's attempt number `number`, counted from 1."""
    return {
        "id": attempt.id,
        "tenant_id": as_uuid(call.origin.tenant_id),
        "doc_id": call.origin.doc_id,
        "model_code": attempt.model,
        "task": call.task,
        "wf_run_id": as_uuid(call.origin.wf_run_id),
        "tokens_in": attempt.usage.tokens_in,
        "tokens_out": attempt.usage.tokens_out,
        "latency_ms": attempt.latency_ms,
        "cost_usd": attempt.usage.cost_usd,
        "success": attempt.ok,
        "error_class": None if attempt.ok else attempt.outcome,
        "created_at": timestamp(attempt.started_at),
        "call_id": call.id,
        "request_id": call.request_id,
        "key_name": call.key.name,
        "profile": call.profile,
        "provider": attempt.provider,
        "attempt": number,
        "requested_model": call.requested,
        "ttft_ms": attempt.ttft_ms,
        "finish_reason": attempt.finish_reason,
        "status": attempt.status,
        "message": attempt.message,
        "circuit": attempt.circuit,
        "tenant": call.origin.tenant_id,
        "run": call.origin.wf_run_id,
    }


def as_uuid(text: str | None) -> str | None:
    """The text as a UUID: itself where it is one, else one made from it, always the same."""
    if not text:
        return None
    try:
        return str(UUID(text))
    except ValueError:
        # A header that is no UTF-8 comes with surrogates, which cannot be hashed.
        return str(uuid5(NAMESPACE, text.encode("utf-8", "replace").decode()))


def timestamp(epoch_s: float) -> str:
    """ISO-8601 in UTC with milliseconds, of one width, so that texts sort as times do."""
    whole, milliseconds = divmod(int(epoch_s * 1000), 1000)
    return f"{_second(whole)}.{milliseconds:03d}Z"


@lru_cache(maxsize=64)
def _second(epoch_s: int) -> str:
    """Remembered, for thousands of rows are of one second."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
