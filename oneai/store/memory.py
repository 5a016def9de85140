"""A store in memory: for trials, and for tests that need one which behaves, is away or refuses when told to."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from oneai.errors import StoreAway, StoreRefused
from oneai.store import Finding, HealthDelta, UsageLine, UsageQuery, rollup, rows
from oneai.store.columns import document, now
from oneai.types import Row


async def connect() -> "MemoryStore":
    """A new, empty store."""
    return MemoryStore()


class MemoryStore:
    """The Store contract over dicts; nothing outlives the process."""

    def __init__(self) -> None:
        self.away: str | None = None
        """Why the store cannot be reached just now; every call raises StoreAway while it is set."""
        self.refuses: Callable[[Row], str | None] = lambda row: None
        """Why a usage row is refused, or None."""
        self._models: dict[str, Row] = {}
        self._keys: dict[str, Row] = {}
        self._health: dict[str, Row] = {}
        self._usage: dict[str, Row] = {}
        self._hourly: dict[tuple[str, ...], Row] = {}

    @property
    def name(self) -> str:
        return "memory:"

    async def models(self) -> list[Row]:
        self._reach()
        return _sorted(self._models)

    async def put_models(self, rows_: Sequence[Row]) -> None:
        self._reach()
        after = self._models | {code: row | _born(self._models.get(code)) for code, row in rows.models(rows_).items()}
        _refuse_dangling(after)
        self._models = after

    async def change_model(self, code: str, changes: Row) -> bool:
        self._reach()
        fresh = rows.model_changes(changes)
        if code not in self._models:
            return False
        after = self._models | {code: self._models[code] | fresh}
        _refuse_dangling(after)
        self._models = after
        return True

    async def purge_model(self, code: str) -> bool:
        self._reach()
        if self._models.pop(code, None) is None:
            return False
        for row in self._models.values():
            if row["fallback_model_code"] == code:
                row |= {"fallback_model_code": None, "updated_at": now()}
        self._usage = {id: row for id, row in self._usage.items() if row["model_code"] != code}
        self._hourly = {at: row for at, row in self._hourly.items() if row["model_code"] != code}
        self._health.pop(code, None)
        return True

    async def keys(self) -> list[Row]:
        self._reach()
        return _sorted(self._keys)

    async def put_key(self, row: Row) -> None:
        self._reach()
        fresh = rows.admit("api_keys", row) | {"updated_at": now()}
        hash = fresh["key_hash"]
        live = {key["name"] for key in self._keys.values() if key["key_hash"] != hash and not key["revoked_at"]}
        if not fresh["revoked_at"] and fresh["name"] in live:
            raise StoreRefused(why=f"a live key is named {fresh['name']} already")
        self._keys[hash] = fresh | _born(self._keys.get(hash))

    async def health(self) -> list[Row]:
        self._reach()
        return _sorted(self._health)

    async def merge_health(self, deltas: Sequence[HealthDelta]) -> None:
        self._reach()
        for delta in deltas:
            if delta.model_code in self._models:
                self._health[delta.model_code] = rows.merged(self._health.get(delta.model_code), delta)

    async def add_usage(self, rows_: Sequence[Row]) -> None:
        self._reach()
        fresh: dict[str, Row] = {}
        for row in map(rows.usage, rows_):
            self._refuse(row)
            if row["id"] not in self._usage:
                fresh.setdefault(row["id"], row)
        self._usage |= fresh
        for total in rollup.hourly(fresh.values()):
            at = tuple(total[name] for name in rollup.LABELS)
            self._hourly[at] = rollup.add(self._hourly.get(at), total)

    async def usage(self, query: UsageQuery) -> list[UsageLine]:
        self._reach()
        since = rows.since(query)
        if not query.exact:
            return rollup.lines((row for row in self._hourly.values() if row["hour"] >= since), query.by)
        found = (row for row in self._usage.values() if row["created_at"] >= since)
        return rollup.lines(rollup.exact(found), query.by, at=int)

    async def calls(self, id: str) -> list[Row]:
        self._reach()
        return _copies(rows.in_order(row for row in self._usage.values() if id in (row["call_id"], row["request_id"])))

    async def prune(self, before: str) -> int:
        self._reach()
        cut = rows.cell("model_usage_log", "created_at", before)
        gone = [id for id, row in self._usage.items() if row["created_at"] < cut]
        for id in gone:
            del self._usage[id]
        return len(gone)

    async def check(self) -> list[Finding]:
        self._reach()
        return [Finding(name="memory", ok=True, detail="everything is here, until the process ends")]

    async def close(self) -> None:
        """Nothing is open."""

    def _reach(self) -> None:
        if self.away is not None:
            raise StoreAway(store=self.name, why=self.away)

    def _refuse(self, row: Row) -> None:
        if row["model_code"] not in self._models:
            raise StoreRefused(why=f"usage row {row['id']} is of model {row['model_code']}, which is not there")
        if why := self.refuses(row):
            raise StoreRefused(why=why)


def _copies(kept: Iterable[Row]) -> list[Row]:
    return [document(row) for row in kept]


def _sorted(kept: Mapping[str, Row]) -> list[Row]:
    return _copies(kept[key] for key in sorted(kept))


def _born(kept: Row | None) -> Row:
    return {"created_at": kept["created_at"]} if kept else {}


def _refuse_dangling(models: Mapping[str, Row]) -> None:
    for code, row in models.items():
        fallback = row["fallback_model_code"]
        if fallback is not None and fallback not in models:
            raise StoreRefused(why=f"{code} falls back to {fallback}, which is no model")
