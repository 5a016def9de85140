"""The columns of each table, their types and defaults, for the stores that keep the rules themselves."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

_INT_MAX = 2**31 - 1
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
NOW = object()
"""The default of a column that holds when its row was written."""


def text(value: Any) -> str:
    """A text, or a number as text; not one that PostgreSQL or UTF-8 cannot hold."""
    if type(value) is str and value.isascii() and "\0" not in value:
        return value  # as nearly all are: there are a dozen in every usage row
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError("is no text")
    written = str(value)
    if "\0" in written:
        raise ValueError("holds a NUL")
    written.encode()
    return written


def integer(value: Any) -> int:
    """A whole number of 32 bits."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("is no whole number")
    if abs(value) > _INT_MAX:
        raise ValueError("is out of range")
    return value


def boolean(value: Any) -> bool:
    """True or false, nothing like it."""
    if not isinstance(value, bool):
        raise TypeError("is neither true nor false")
    return value


def numeric(value: Any) -> float:
    """A finite number."""
    if isinstance(value, bool) or not math.isfinite(number := float(value)):
        raise ValueError("is no finite number")
    return number


def uuid(value: Any) -> str:
    """A UUID in its usual form."""
    # Those that we made are in it already, and there is one in every row.
    return value if isinstance(value, str) and _UUID.fullmatch(value) else str(UUID(str(value)))


def document(value: Any) -> Any:
    """A copy of a JSON value."""
    return orjson.loads(orjson.dumps(value))


def moment(value: Any) -> str:
    """A time in ISO-8601 as UTC text of one width, which sorts: `2026-01-02T03:04:05.678Z`. No zone means UTC."""
    read = datetime.fromisoformat(value)
    if _MOMENT.fullmatch(value):
        return str(value)
    known = read if read.tzinfo else read.replace(tzinfo=UTC)
    return known.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """This moment, in the same form."""
    return moment(datetime.now(UTC).isoformat())


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How a column reads what it is given, and what it holds when given nothing."""

    read: Callable[[Any], Any]
    nullable: bool = True
    default: Any = None


def _columns(read: Callable[[Any], Any], *names: str, nullable: bool = True) -> dict[str, Column]:
    return {name: Column(read=read, nullable=nullable) for name in names}


_STAMPS = {
    "created_at": Column(read=moment, default=NOW),
    "updated_at": Column(read=moment, default=NOW),
}

TABLES: Mapping[str, Mapping[str, Column]] = {
    "models": {
        **_columns(text, "model_code", "domain", "role", "provider", "endpoint", nullable=False),
        "timeout_ms": Column(read=integer, default=60_000),
        "max_tokens": Column(read=integer, default=4096),
        "active": Column(read=boolean, default=True),
        **_columns(text, "fallback_model_code"),
        "meta": Column(read=document, default={}),
        **_STAMPS,
    },
    "model_health": {
        **_columns(text, "model_code", nullable=False),
        "status": Column(read=text, default="healthy"),
        "failure_count": Column(read=integer, default=0),
        "success_count": Column(read=integer, default=0),
        "consecutive_failures": Column(read=integer, default=0),
        **_columns(moment, "last_failure_at", "last_success_at"),
        **_columns(text, "last_error_message"),
        "circuit_state": Column(read=text, default="closed"),
        **_columns(moment, "circuit_opened_at"),
        **_columns(integer, "avg_latency_ms", "p95_latency_ms"),
        "updated_at": Column(read=moment, default=NOW),
    },
    "model_usage_log": {
        **_columns(uuid, "id", nullable=False),
        **_columns(uuid, "tenant_id"),
        **_columns(text, "doc_id"),
        **_columns(text, "model_code", "task", nullable=False),
        **_columns(uuid, "wf_run_id"),
        **_columns(integer, "tokens_in", "tokens_out", "latency_ms"),
        **_columns(numeric, "cost_usd"),
        "success": Column(read=boolean, default=True),
        **_columns(text, "error_class"),
        "created_at": Column(read=moment, default=NOW),
        **_columns(text, "call_id", "request_id", "key_name", "profile", "provider"),
        **_columns(integer, "attempt"),
        **_columns(text, "requested_model"),
        **_columns(integer, "ttft_ms"),
        **_columns(text, "finish_reason"),
        **_columns(integer, "status"),
        **_columns(text, "message", "circuit", "tenant", "run"),
    },
    "api_keys": {
        **_columns(text, "key_hash", "name", nullable=False),
        **_columns(document, "allow"),
        "admin": Column(read=boolean, nullable=False, default=False),
        **_columns(moment, "expires_at"),
        **_columns(integer, "max_in_flight"),
        **_columns(moment, "revoked_at"),
        **_STAMPS,
    },
}

NEEDED: Mapping[str, tuple[str, ...]] = {
    table: tuple(name for name, column in columns.items() if not column.nullable or column.default is not None)
    for table, columns in TABLES.items()
}
"""The columns that are never null: filled in, or refused."""
