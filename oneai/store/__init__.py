"""The Store contract, and the one place that chooses a backend.

A row travels as a dict by the column names of today's schema plus ours (store/migrations). Backends raise `StoreAway`
when the store cannot be reached or does not answer in time, `StoreRefused` when it answered no, `StoreLacks` when a
table that the call needs is not there; nothing of a driver's own travels further.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from oneai.errors import BadSetting
from oneai.types import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuery:
    """What `oneai usage` asks: totals since a time, grouped by model, key or task."""

    since: str
    """ISO-8601, UTC; rounded down to the hour unless `exact`."""
    by: str = "model"
    """`model`, `key` or `task`."""
    exact: bool = False
    """Read the rows instead of the hourly roll-ups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLine:
    """Totals of one group; latencies in ms, None where nothing succeeded."""

    group: str
    calls: int
    errors: int
    tokens_in: int
    tokens_out: int
    cost_usd: float
    p50_ms: int | None
    p95_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthDelta:
    """What happened to one model since the last flush, and how it stands now."""

    model_code: str
    successes: int
    failures: int
    consecutive_failures: int
    status: str
    circuit_state: str
    circuit_opened_at: str | None
    last_success_at: str | None
    last_failure_at: str | None
    last_error_message: str | None
    avg_latency_ms: int | None
    p95_latency_ms: int | None
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that `oneai db check` saw."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    fatal: bool = False
    """The gateway cannot work without it (one of the three tables of today's system)."""


class Store(Protocol):
    """Models, keys, health and usage at rest."""

    @property
    def name(self) -> str:
        """Which store this is, without a secret: `sqlite:/path/oneai.db`, `supabase:https://host`."""

    async def models(self) -> list[Row]:
        """Every row of `models`, by code; read by key in pages of 1,000 until one is empty."""

    async def put_models(self, rows: Sequence[Row]) -> None:
        """Insert or replace rows in one statement, so that they may name each other as fallback in any order.

        Every row holds all the writable columns: model_code, domain, role, provider, endpoint, timeout_ms,
        max_tokens, active, fallback_model_code, meta. `created_at` of an existing row stays, `updated_at` is now.
        StoreRefused when a fallback is no model or a code is there twice.
        """

    async def change_model(self, code: str, changes: Row) -> bool:
        """Set columns of one row (and `updated_at`), never its code; False when there is no such row."""

    async def purge_model(self, code: str) -> bool:
        """Delete a model with its usage and health rows and unwire it from chains; False when there is none."""

    async def keys(self) -> list[Row]:
        """Every row of `api_keys`; StoreLacks where the table is missing."""

    async def put_key(self, row: Row) -> None:
        """Insert or replace a key's row by `key_hash`; `created_at` of an existing row stays.

        StoreRefused when another key that is not revoked has this name.
        """

    async def health(self) -> list[Row]:
        """Every row of `model_health`."""

    async def merge_health(self, deltas: Sequence[HealthDelta]) -> None:
        """Add counts and set states; rows of models that are gone are passed over.

        A last_success_at, last_failure_at, last_error_message, avg_latency_ms or p95_latency_ms of None leaves what
        was there.
        """

    async def add_usage(self, rows: Sequence[Row]) -> None:
        """Insert usage rows, all or none, idempotently by `id`; columns that the table lacks are left out.

        A backend may split more than 200 rows; each part goes in whole or not at all.
        Raises StoreRefused when a row breaks a rule of the table: the caller halves the batch to find it.
        """

    async def usage(self, query: UsageQuery) -> list[UsageLine]:
        """Totals by group, most calls first."""

    async def calls(self, id: str) -> list[Row]:
        """The usage rows of a call id or request id, call after call and in each by attempt (`rows.in_order`);
        empty where the columns are missing."""

    async def prune(self, before: str) -> int:
        """Delete usage rows older than `before` (ISO-8601); how many went. Their roll-ups stay."""

    async def check(self) -> list[Finding]:
        """What of the schema is there, what is missing, and what works without it."""

    async def close(self) -> None:
        """Close what was opened; the store is of no use after."""


async def _memory(rest: str, service_key: str | None) -> Store:
    from oneai.store.memory import connect

    return await connect()


async def _sqlite(rest: str, service_key: str | None) -> Store:
    from oneai.store.sqlite import connect

    return await connect(Path(rest))


async def _supabase(rest: str, service_key: str | None) -> Store:
    if not service_key:
        raise BadSetting(
            name="SUPABASE_SERVICE_KEY", found="nothing", accepted="the service role key of the Supabase project"
        )
    from oneai.store.supabase import connect

    return await connect(rest, service_key)


_SCHEMES: Mapping[str, Callable[[str, str | None], Awaitable[Store]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "supabase": _supabase,
}


@asynccontextmanager
async def opened(url: str, *, service_key: str | None = None) -> AsyncIterator[Store]:
    """The store at `memory:`, `sqlite:/path/oneai.db` or `supabase:https://host`, closed in the end.

    Raises BadSetting for another scheme, StoreAway when the store cannot be reached.
    """
    scheme, _, rest = url.partition(":")
    if scheme not in _SCHEMES:
        raise BadSetting(
            name="store", found=scheme or "nothing", accepted="memory:, sqlite:/path or supabase:https://host"
        )
    store = await _SCHEMES[scheme](rest, service_key)
    try:
        yield store
    finally:
        await store.close()
