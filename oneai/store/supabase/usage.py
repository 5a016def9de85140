"""Usage at rest in Supabase: rows in, totals and a call's story out, old rows deleted piece by piece."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from postgrest import AsyncSelectRequestBuilder, CountMethod, ReturnMethod

from oneai.errors import StoreLacks
from oneai.store import UsageLine, UsageQuery, rollup, rows
from oneai.store.columns import TABLES, moment
from oneai.store.supabase.gaps import Gaps
from oneai.store.supabase.link import PAGE, Link, Narrow
from oneai.types import Row

AT_ONCE = 500
"""Rows of one insert at most. One request is one transaction, so that many go in all or none."""
LOG = "model_usage_log"
HOURLY = "usage_hourly"
_COUNTED = ("model_code", "task", "key_name", "tokens_in", "tokens_out", "latency_ms", "cost_usd", "success")
_SLICE = timedelta(hours=1)


class UsageLog:
    """The table `model_usage_log` of a project, and its roll-ups where it has them."""

    def __init__(self, link: Link, gaps: Gaps) -> None:
        self._link = link
        self._gaps = gaps

    async def add(self, fresh: Sequence[Row]) -> None:
        """Insert rows by id, those that are there already passed over; all or none of each AT_ONCE."""
        admitted = [rows.usage(row) for row in fresh]
        for start in range(0, len(admitted), AT_ONCE):
            await self._add(admitted[start : start + AT_ONCE])

    async def _add(self, fresh: list[Row]) -> None:
        async def insert(columns: list[str]) -> None:
            narrowed = [{name: row[name] for name in columns} for row in fresh]
            await self._link.ask(
                self._link.table(LOG).upsert(
                    narrowed, on_conflict="id", ignore_duplicates=True, returning=ReturnMethod.minimal
                )
            )

        await self._gaps.around(TABLES[LOG], insert)

    async def totals(self, query: UsageQuery) -> list[UsageLine]:
        """Totals by group: of the roll-ups, or of the rows where these are asked for or there are no roll-ups."""
        group, since = rollup.column(query.by), rows.since(query)
        if not query.exact:
            try:
                return rollup.lines(await self._rolled_up(since), query.by)
            except StoreLacks:
                pass
        totals = await self._gaps.around(_COUNTED, lambda columns: self._counted(group, since, columns))
        return rollup.lines(totals, query.by, at=int)

    async def _rolled_up(self, since: str) -> list[Row]:
        # The key has four columns, so pages go by offset. A row that comes in meanwhile moves others to a later
        # page, where one is read a second time: the key keeps it from being counted twice.
        found: dict[tuple[str, ...], Row] = {}
        offset = 0
        while page := await self._link.ask(self._hours(since).limit(PAGE).offset(offset)):
            found |= {tuple(row[name] for name in rollup.LABELS): row for row in page}
            offset += len(page)
        return list(found.values())

    def _hours(self, since: str) -> AsyncSelectRequestBuilder:
        query = self._link.table(HOURLY).select("*").gte("hour", since)
        for name in rollup.LABELS:
            query = query.order(name)
        return query

    async def _counted(self, group: str, since: str, columns: list[str]) -> list[Row]:
        totals: dict[str, Row] = {}
        pages = self._link.pages(
            LOG, "id", columns=",".join(["id", *columns]), narrow=lambda query: query.gte("created_at", since)
        )
        async for page in pages:
            _count(totals, group, page)
        return list(totals.values())

    async def calls(self, id: str) -> list[Row]:
        """The rows of a call id or request id, in order of attempt; empty where the columns are missing."""
        found: dict[str, Row] = {}
        try:
            for column in ("call_id", "request_id"):
                found |= {row["id"]: row for row in await self._where(column, id)}
        except StoreLacks:
            return []
        return rows.in_order(found.values())

    async def _where(self, column: str, value: str) -> list[Row]:
        pages = self._link.pages(LOG, "id", narrow=lambda query: query.eq(column, value))
        return [row async for page in pages for row in page]

    async def prune(self, before: str) -> int:
        """Delete rows older than `before`; how many went. What was deleted when an error comes stays deleted."""
        edge = datetime.fromisoformat(rows.cell(LOG, "created_at", before))
        return await self._delete(lambda query: query, edge)

    async def purge(self, code: str) -> None:
        """Delete every row and roll-up of a model."""
        await self._delete(lambda query: query.eq("model_code", code), None)
        try:
            await self._link.ask(self._link.table(HOURLY).delete(returning=ReturnMethod.minimal).eq("model_code", code))
        except StoreLacks:
            return

    async def _delete(self, narrow: Narrow, before: datetime | None) -> int:
        # An hour at a time, from the oldest on: one request for years of rows would run into every time-out on its way.
        gone = 0
        while True:
            oldest = await self._link.ask(
                narrow(self._link.table(LOG).select("created_at")).order("created_at").limit(1)
            )
            if not oldest:
                return gone
            edge = _edge(oldest[0]["created_at"], before)
            if edge is None and before is not None:
                return gone
            query = narrow(self._link.table(LOG).delete(count=CountMethod.exact, returning=ReturnMethod.minimal))
            deleted = await self._link.count(query.lt("created_at", edge) if edge else query)
            if not deleted:
                return gone
            gone += deleted


def _edge(oldest: str | None, before: datetime | None) -> str | None:
    """Where the next slice ends; None where no time bounds it, or none is left."""
    if oldest is None:
        return None
    start = datetime.fromisoformat(oldest)
    if before is not None and start >= before:
        return None
    return moment(min(start + _SLICE, before or start + _SLICE).isoformat())


def _count(totals: dict[str, Row], group: str, page: Iterable[Row]) -> None:
    blank: Row = dict.fromkeys(_COUNTED)
    for row in rollup.exact(blank | row for row in page):
        empty: Row = {group: row[group], "latency": Counter()} | dict.fromkeys(rollup.SUMS, 0)
        total = totals.setdefault(row[group], empty)
        for name in rollup.SUMS:
            total[name] += row[name]
        total["latency"].update(row["latency"])
