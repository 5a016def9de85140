"""The Store contract over a Supabase project, with our migrations or with today's three tables only."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from postgrest import ReturnMethod

from oneai.store import Finding, HealthDelta, UsageLine, UsageQuery, rows
from oneai.store.columns import TABLES, moment, now
from oneai.store.supabase import checks
from oneai.store.supabase.gaps import Gaps
from oneai.store.supabase.link import Link, among
from oneai.store.supabase.usage import AT_ONCE, UsageLog
from oneai.types import Row

_CODES_AT_ONCE = 50
"""Codes in one address, which proxies cut at 8 KB."""
_MINIMAL = ReturnMethod.minimal

_Item = TypeVar("_Item")


class SupabaseStore:
    """Models, keys, health and usage in a project's tables; no call holds anything between two requests."""

    def __init__(self, link: Link, *, role: str | None, clock: Callable[[], float]) -> None:
        self._link = link
        self._role = role
        self._log = UsageLog(link, Gaps(clock))

    @property
    def name(self) -> str:
        return self._link.name

    async def models(self) -> list[Row]:
        return _timed("models", await self._link.rows("models", "model_code"))

    async def put_models(self, rows_: Sequence[Row]) -> None:
        # One request however many there are: a fallback may be any other row of the statement, but of no later one.
        fresh = [_unborn(row) for row in rows.models(rows_).values()]
        if fresh:
            query = self._link.table("models").upsert(fresh, on_conflict="model_code", returning=_MINIMAL)
            await self._link.ask(query)

    async def change_model(self, code: str, changes: Row) -> bool:
        fresh = rows.model_changes(changes)
        changed = self._link.table("models").update(fresh).eq("model_code", code).select("model_code")
        return bool(await self._link.ask(changed))

    async def purge_model(self, code: str) -> bool:
        """Delete a model with all that refers to it; False when there is none.

        PostgREST has no transaction over several requests. The steps are ordered so that a failure between them leaves
        a model that is out of every chain and inactive, with less history: the same call again finishes the work.
        """
        if not await self.change_model(code, {"active": False}):
            return False
        models = self._link.table("models")
        unwired: Row = {"fallback_model_code": None, "updated_at": now()}
        await self._link.ask(models.update(unwired, returning=_MINIMAL).eq("fallback_model_code", code))
        await self._log.purge(code)
        for table in ("model_health", "models"):
            await self._link.ask(self._link.table(table).delete(returning=_MINIMAL).eq("model_code", code))
        return True

    async def keys(self) -> list[Row]:
        return _timed("api_keys", await self._link.rows("api_keys", "key_hash"))

    async def put_key(self, row: Row) -> None:
        fresh = _unborn(rows.admit("api_keys", row) | {"updated_at": now()})
        await self._link.ask(self._link.table("api_keys").upsert([fresh], on_conflict="key_hash", returning=_MINIMAL))

    async def health(self) -> list[Row]:
        return _timed("model_health", await self._link.rows("model_health", "model_code"))

    async def merge_health(self, deltas: Sequence[HealthDelta]) -> None:
        codes = sorted({delta.model_code for delta in deltas})
        living = await self._of("models", ["model_code"], codes)
        kept = await self._of("model_health", TABLES["model_health"], sorted(living))
        for delta in deltas:
            if delta.model_code in living:
                kept[delta.model_code] = rows.merged(kept.get(delta.model_code), delta)
        for some in _chunks(list(kept.values()), AT_ONCE):
            query = self._link.table("model_health").upsert(some, on_conflict="model_code", returning=_MINIMAL)
            await self._link.ask(query)

    async def add_usage(self, rows_: Sequence[Row]) -> None:
        """As the contract says; of more than 500 rows, each 500 go in all or none."""
        await self._log.add(rows_)

    async def usage(self, query: UsageQuery) -> list[UsageLine]:
        return await self._log.totals(query)

    async def calls(self, id: str) -> list[Row]:
        return _timed("model_usage_log", await self._log.calls(id))

    async def prune(self, before: str) -> int:
        return await self._log.prune(before)

    async def check(self) -> list[Finding]:
        return await checks.findings(self._link, self._role)

    async def close(self) -> None:
        await self._link.close()

    async def _of(self, table: str, columns: Iterable[str], codes: Sequence[str]) -> dict[str, Row]:
        found: dict[str, Row] = {}
        for some in _chunks(codes, _CODES_AT_ONCE):
            query = self._link.table(table).select(",".join(columns)).filter("model_code", "in", among(some))
            found |= {row["model_code"]: row for row in await self._link.ask(query)}
        return found


def _chunks(values: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _unborn(row: Row) -> Row:
    """A row for an upsert: one that is there keeps its `created_at`, and a new one gets the column's default."""
    return {name: value for name, value in row.items() if name != "created_at"}


def _timed(table: str, found: Sequence[Row]) -> list[Row]:
    """Rows with their times in our one form instead of PostgreSQL's; columns that are not ours stay as they are."""
    times = [name for name, column in TABLES[table].items() if column.read is moment]
    return [row | {name: _moment(row[name]) for name in times if name in row} for row in found]


def _moment(value: Any) -> Any:
    """A time in our form; what is none (PostgreSQL knows `infinity`) as it is, for one row must not hide the others."""
    try:
        return value and moment(value)
    except ValueError:
        return value
