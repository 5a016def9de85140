"""One call's story as people and commands read it, from memory or from its usage rows: one shape."""

from collections.abc import Sequence
from typing import Any

from oneai.core.recent import Ended
from oneai.core.usage import timestamp
from oneai.types import Attempt, Row


def of_memory(ended: Ended) -> dict[str, Any]:
    """All that is known of a call that the gateway remembers."""
    return {
        "id": ended.id,
        "request_id": ended.request_id,
        "at": timestamp(ended.at),
        "status": ended.status,
        "route": ended.route,
        "key": ended.key_name,
        "task": ended.task,
        "requested": ended.requested,
        "error": ended.error,
        "code": ended.code,
        "attempts": [_of_attempt(attempt) for attempt in ended.attempts],
    }


def _of_attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "model": attempt.model,
        "provider": attempt.provider,
        "outcome": attempt.outcome,
        "tried": attempt.id is not None,
        "message": attempt.message,
        "status": attempt.status,
        "latency_ms": attempt.latency_ms,
        "circuit": attempt.circuit,
        "at": timestamp(attempt.started_at),
        "ttft_ms": attempt.ttft_ms,
        "tokens_in": attempt.usage.tokens_in,
        "tokens_out": attempt.usage.tokens_out,
    }


def of_rows(rows: Sequence[Row]) -> dict[str, Any]:
    """Of several calls with one request id, the newest. How it ended for the client is no longer known."""
    newest = max(rows, key=lambda row: str(row.get("created_at") or "")).get("call_id")
    attempts = sorted((row for row in rows if row.get("call_id") == newest), key=lambda row: row.get("attempt") or 0)
    first = attempts[0]
    return {
        "id": newest,
        "request_id": first.get("request_id"),
        "at": first.get("created_at"),
        "status": None,
        "route": None,
        "key": first.get("key_name"),
        "task": first.get("task"),
        "requested": first.get("requested_model"),
        "error": None,
        "code": None,
        "attempts": [_of_row(row) for row in attempts],
    }


def _of_row(row: Row) -> dict[str, Any]:
    return {
        "model": row["model_code"],
        "provider": row.get("provider"),
        "outcome": "ok" if row.get("success") else row.get("error_class"),
        "tried": True,
        "message": row.get("message"),
        "status": row.get("status"),
        "latency_ms": row.get("latency_ms"),
        "circuit": row.get("circuit"),
        "at": row.get("created_at"),
        "ttft_ms": row.get("ttft_ms"),
        "tokens_in": row.get("tokens_in"),
        "tokens_out": row.get("tokens_out"),
    }
