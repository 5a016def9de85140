"""The Store contract over one SQLite file: a lane that writes, and one that reads beside it."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from oneai.errors import StoreAway
from oneai.store import Finding, HealthDelta, UsageLine, UsageQuery, rows
from oneai.store.columns import now
from oneai.store.sqlite import checkup, mounts, registry, schema, usage
from oneai.store.sqlite.lane import Lane
from oneai.types import Row

BATCH = 200
"""How many usage rows a transaction inserts at most, so that another process gets its turn."""
_PRUNED_AT_ONCE = 2000
_PATIENCE_S = 5.0


async def connect(path: Path, *, mounted: Callable[[], str] = mounts.table) -> "SqliteStore":
    """The store in this file, made where it is missing and brought up to date.

    Raises BadSetting for a file on a network file system (by what `mounted` gives, in the form of /proc/mounts),
    StoreAway when the file cannot be used, StoreRefused when a newer oneai wrote it.
    """
    mounts.refuse_network(path, mounted())
    store = SqliteStore(path)
    try:
        await store.open()
    except BaseException:
        await store.close()
        raise
    return store


class SqliteStore:
    """Opened by `connect`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer, self._reader = Lane(self.name), Lane(self.name)

    @property
    def name(self) -> str:
        return f"sqlite:{self._path}"

    async def open(self) -> None:
        """Make the file, open both lanes on it and climb to the newest schema."""
        try:
            _own(self._path)
        except OSError as exc:
            raise StoreAway(store=self.name, why=f"{exc.strerror} ({exc.filename})") from exc
        await self._writer.open(self._path, _ready_to_write)
        await self._reader.open(self._path, _ready_to_read)

    async def models(self) -> list[Row]:
        return await self._reader.run(registry.all_rows("models", "model_code"))

    async def put_models(self, rows_: Sequence[Row]) -> None:
        fresh = list(rows.models(rows_).values())
        await self._writer.run(lambda db: registry.put_models(db, fresh))

    async def change_model(self, code: str, changes: Row) -> bool:
        fresh = rows.model_changes(changes)
        return await self._writer.run(lambda db: registry.change_model(db, code, fresh))

    async def purge_model(self, code: str) -> bool:
        return await self._writer.run(lambda db: registry.purge_model(db, code))

    async def keys(self) -> list[Row]:
        return await self._reader.run(registry.all_rows("api_keys", "key_hash"))

    async def put_key(self, row: Row) -> None:
        fresh = rows.admit("api_keys", row) | {"updated_at": now()}
        await self._writer.run(lambda db: registry.put_key(db, fresh))

    async def health(self) -> list[Row]:
        return await self._reader.run(registry.all_rows("model_health", "model_code"))

    async def merge_health(self, deltas: Sequence[HealthDelta]) -> None:
        await self._writer.run(lambda db: registry.merge_health(db, deltas))

    async def add_usage(self, rows_: Sequence[Row]) -> None:
        for start in range(0, len(rows_), BATCH):
            await self._add(rows_[start : start + BATCH])

    async def _add(self, batch: Sequence[Row]) -> None:
        await self._writer.run(lambda db: usage.add(db, [rows.usage(row) for row in batch]))

    async def usage(self, query: UsageQuery) -> list[UsageLine]:
        return await self._reader.run(lambda db: usage.totals(db, query))

    async def calls(self, id: str) -> list[Row]:
        return await self._reader.run(lambda db: usage.calls(db, id))

    async def prune(self, before: str) -> int:
        cut = rows.cell("model_usage_log", "created_at", before)
        gone, last = 0, _PRUNED_AT_ONCE
        while last == _PRUNED_AT_ONCE:
            last = await self._writer.run(lambda db: usage.prune(db, cut, _PRUNED_AT_ONCE))
            gone += last
        return gone

    async def check(self) -> list[Finding]:
        return await self._reader.run(lambda db: checkup.findings(db, self._path))

    async def close(self) -> None:
        """End a read under way, wait for a write, and close both lanes."""
        self._reader.interrupt()
        stopping = [lane.stop() for lane in (self._reader, self._writer)]
        closed = [asyncio.wrap_future(each) for each in stopping if each is not None]
        await asyncio.shield(asyncio.gather(*closed))


def _own(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _ready_to_write(db: sqlite3.Connection) -> None:
    _write_ahead(db)
    schema.climb(db)


def _write_ahead(db: sqlite3.Connection) -> None:
    """Of several processes that open a new file at once, SQLite tells all but one that it is locked, at once and
    whatever its busy_timeout: it cannot wait for a lock while it gives up another."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            db.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(0.01)
        else:
            return


def _ready_to_read(db: sqlite3.Connection) -> None:
    db.execute("pragma query_only = on")
