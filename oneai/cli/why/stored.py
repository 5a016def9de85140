"""A call's story from its usage rows, in the gateway's own shape, where no gateway runs to tell it."""

from collections.abc import Sequence
from typing import Any

from oneai.types import Row

_SAME = ("model_code", "provider", "message", "status", "latency_ms", "circuit", "tokens_in", "tokens_out")


def story(rows: Sequence[Row]) -> dict[str, Any]:
    """Of several calls with one request id, the newest. How it ended for its client is not in the rows."""
    newest = max(rows, key=lambda row: str(row.get("created_at") or "")).get("call_id")
    made = sorted((row for row in rows if row.get("call_id") == newest), key=lambda row: row.get("attempt") or 0)
    first = made[0]
    unknown = dict.fromkeys(("status", "route", "error", "code"))
    return unknown | {
        "id": newest,
        "request_id": first.get("request_id"),
        "at": first.get("created_at"),
        "key": first.get("key_name"),
        "task": first.get("task"),
        "requested": first.get("requested_model"),
        "attempts": [_attempt(row) for row in made],
    }


def _attempt(row: Row) -> dict[str, Any]:
    kept = {name.removesuffix("_code"): row.get(name) for name in _SAME}
    outcome = "ok" if row.get("success") else row.get("error_class")
    return kept | {"outcome": outcome, "tried": True, "at": row.get("created_at")}
