"""The tables of today's system and what the migrations add, as PostgreSQL types and keeps them."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

from tests.fakes.postgrest.refusal import Refusal

Kind = Callable[[Any], Any]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")


def text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _unreadable("text", value)
    if "\0" in str(value):
        raise Refusal(400, "22P05", "unsupported Unicode escape sequence", "\\u0000 cannot be converted to text.")
    return str(value)


def whole(name: str, bits: int, value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)):
        raise _unreadable(name, value)
    if not -(2 ** (bits - 1)) <= int(value) < 2 ** (bits - 1):
        raise Refusal(400, "22003", f'value "{value}" is out of range for type {name}')
    return int(value)


integer: Kind = partial(whole, "integer", 32)
bigint: Kind = partial(whole, "bigint", 64)


def numeric(value: Any) -> float:
    if isinstance(value, bool) or not _NUMBER.fullmatch(str(value)):
        raise _unreadable("numeric", value)
    return float(value)


def boolean(value: Any) -> bool:
    if value in (True, "true", "t"):
        return True
    if value in (False, "false", "f"):
        return False
    raise _unreadable("boolean", value)


def uuid(value: Any) -> str:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise _unreadable("uuid", value)
    return value.lower()


def timestamptz(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError as exc:
        raise Refusal(400, "22007", f'invalid input syntax for type timestamp with time zone: "{value}"') from exc
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def jsonb(value: Any) -> Any:
    if "\\u0000" in json.dumps(value):
        raise Refusal(400, "22P05", "unsupported Unicode escape sequence", "\\u0000 cannot be converted to text.")
    return value


def shown(value: Any) -> Any:
    """A value as PostgreSQL writes it in JSON: times with an offset and no zeros behind the last digit."""
    if not isinstance(value, datetime):
        return value
    seconds = value.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{value.microsecond:06}".rstrip("0") if value.microsecond else ""
    return f"{seconds}{fraction}+00:00"


def _unreadable(kind: str, value: Any) -> Refusal:
    return Refusal(400, "22P02", f'invalid input syntax for type {kind}: "{value}"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    kind: Kind
    required: bool = False
    default: Callable[[], Any] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    refers: Mapping[str, str] = field(default_factory=dict)
    """Column to the table whose key it holds."""


def _these(kind: Kind, *names: str, required: bool = False) -> dict[str, Column]:
    return {name: Column(kind=kind, required=required) for name in names}


def _default(kind: Kind, value: Any, required: bool = False) -> Column:
    return Column(kind=kind, default=lambda: value, required=required)


def _now(required: bool = False) -> Column:
    return Column(kind=timestamptz, default=lambda: datetime.now(UTC), required=required)


def todays() -> dict[str, Table]:
    """The three tables that every system has."""
    models = Table(
        key=("model_code",),
        columns={
            **_these(text, "model_code", "domain", "role", "provider", "endpoint", required=True),
            "timeout_ms": _default(integer, 60000),
            "max_tokens": _default(integer, 4096),
            "active": _default(boolean, True),
            **_these(text, "fallback_model_code"),
            "meta": _default(jsonb, {}),
            "created_at": _now(),
            "updated_at": _now(),
        },
        refers={"fallback_model_code": "models"},
    )
    health = Table(
        key=("model_code",),
        columns={
            **_these(text, "model_code", required=True),
            "status": _default(text, "healthy"),
            "failure_count": _default(integer, 0),
            "success_count": _default(integer, 0),
            "consecutive_failures": _default(integer, 0),
            **_these(timestamptz, "last_failure_at", "last_success_at", "circuit_opened_at"),
            **_these(text, "last_error_message"),
            "circuit_state": _default(text, "closed"),
            **_these(integer, "avg_latency_ms", "p95_latency_ms"),
            "updated_at": _now(),
        },
        refers={"model_code": "models"},
    )
    log = Table(
        key=("id",),
        columns={
            "id": Column(kind=uuid, required=True, default=lambda: str(uuid4())),
            **_these(uuid, "tenant_id", "wf_run_id"),
            **_these(text, "doc_id", "error_class"),
            **_these(text, "model_code", "task", required=True),
            **_these(integer, "tokens_in", "tokens_out", "latency_ms"),
            **_these(numeric, "cost_usd"),
            "success": _default(boolean, True),
            "created_at": _now(),
        },
        refers={"model_code": "models"},
    )
    return {"models": models, "model_health": health, "model_usage_log": log}


def migrated() -> dict[str, Table]:
    """The tables after every migration."""
    tables = todays()
    added = {
        **_these(text, "call_id", "request_id", "key_name", "profile", "provider", "requested_model"),
        **_these(text, "finish_reason", "message", "circuit", "tenant", "run"),
        **_these(integer, "attempt", "ttft_ms", "status"),
    }
    log = tables["model_usage_log"]
    keys = Table(
        key=("key_hash",),
        columns={
            **_these(text, "key_hash", "name", required=True),
            **_these(jsonb, "allow"),
            "admin": _default(boolean, False, required=True),
            **_these(timestamptz, "expires_at", "revoked_at"),
            **_these(integer, "max_in_flight"),
            "created_at": _now(required=True),
            "updated_at": _now(required=True),
        },
    )
    counts = ("calls", "errors", "tokens_in", "tokens_out")
    hourly = Table(
        key=("hour", "model_code", "task", "key_name"),
        columns={
            **_these(timestamptz, "hour", required=True),
            **_these(text, "model_code", "task", required=True),
            "key_name": _default(text, "", required=True),
            **{name: _default(bigint, 0, required=True) for name in counts},
            "cost_usd": _default(numeric, 0, required=True),
            "latency": _default(jsonb, {}, required=True),
        },
    )
    grown = replace(log, columns={**log.columns, **added})
    return tables | {"model_usage_log": grown, "api_keys": keys, "usage_hourly": hourly}
