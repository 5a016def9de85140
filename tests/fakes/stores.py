"""A store in memory that a test can take away, have hang, or have answer with nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from oneai.errors import StoreAway
from oneai.store import HealthDelta, Store
from oneai.store.memory import MemoryStore
from oneai.types import Row


class ToldStore(MemoryStore):
    """`hangs`: no call of it ever ends. `blank`: it answers 200 and no rows, as with a wrong key."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs = False
        self.blank = False
        self.breaks_health: Exception | None = None
        self.merges = 0
        """How often health was brought here, taken or not."""

    @property
    def name(self) -> str:
        return "supabase:https://project.example"

    async def models(self) -> list[Row]:
        await self._maybe_hang()
        return [] if self.blank else await super().models()

    async def keys(self) -> list[Row]:
        await self._maybe_hang()
        return [] if self.blank else await super().keys()

    async def merge_health(self, deltas: Sequence[HealthDelta]) -> None:
        await self._maybe_hang()
        self.merges += 1
        if self.breaks_health:
            raise self.breaks_health
        await super().merge_health(deltas)

    async def calls(self, id: str) -> list[Row]:
        await self._maybe_hang()
        return await super().calls(id)

    async def _maybe_hang(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()


def opener(store: ToldStore) -> Callable[..., AbstractAsyncContextManager[Store]]:
    """What stands in for `oneai.store.opened`: this store, which cannot be opened while it is away."""

    @asynccontextmanager
    async def opened(url: str, *, service_key: str | None = None) -> AsyncIterator[Store]:
        if store.away is not None:
            raise StoreAway(store=store.name, why=store.away)
        yield store

    return opened
