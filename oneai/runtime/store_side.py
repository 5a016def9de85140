"""The store as the gateway has it: opened now or later, read, given usage and health, and pruned of what is old."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from oneai.config import Settings
from oneai.core.breaker import Circuit, State
from oneai.core.health import Health
from oneai.core.seams import Clock
from oneai.core.usage import timestamp
from oneai.errors import OneAIError, StoreAway
from oneai.logs import Log
from oneai.runtime import patience
from oneai.runtime.registrar import Registrar
from oneai.store import Store, opened
from oneai.store.journal import Journal
from oneai.store.shipper import Shipper

DAY_S = 86_400.0
LAST_FLUSH_S = 5.0

_log = Log("store")


class StoreSide:
    """Nothing here is in a call's way. `up` is whether the store answered when it was last read."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        journal: Journal,
        registrar: Registrar,
        health: Health,
        circuit_of: Callable[[str], Circuit],
        stack: AsyncExitStack,
    ) -> None:
        """`stack` closes the store in the end."""
        self.up = False
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._registrar = registrar
        self._health = health
        self._circuit_of = circuit_of
        self._stack = stack
        self._opening = asyncio.Lock()
        self._is_open = asyncio.Event()
        self._store: Store | None = None
        self._shipper: Shipper | None = None
        self._health_is_right = False

    @property
    def store(self) -> Store | None:
        """None until it could be opened."""
        return self._store

    @property
    def trouble(self) -> str | None:
        """Why usage rows do not reach the store."""
        return self._shipper.trouble if self._shipper else None

    async def reload(self, served: Mapping[str, str], *, force: bool = False) -> tuple[bool, str]:
        """Read the store, opening it where it is not yet: whether what it holds is in force, and why not.

        Raises StoreAway, and whatever else the store's setting deserves.
        """
        try:
            outcome = await self._registrar.refresh(await self._opened(), served, force=force)
        except StoreAway:
            self.up = False
            raise
        self.up = True
        if not self._health_is_right:
            self._health_is_right = True
            await self._correct_health()
        return outcome

    async def ship(self) -> None:
        """Ship usage rows for ever, from when the store is open."""
        await self._is_open.wait()
        assert self._shipper is not None
        await self._shipper.run()

    async def flush_health(self) -> None:
        """Give the store what happened to models since the last time. Raises StoreAway; nothing is lost then."""
        deltas = self._health.take(self._circuit_of, self._clock.monotonic(), self._clock.wall())
        if not deltas:
            return
        flushed = False
        try:
            await self._there().merge_health(deltas)
            flushed = True
        finally:
            if not flushed:
                self._health.give_back(deltas)

    async def prune(self) -> None:
        """Delete usage rows that are older than ONEAI_RETENTION_DAYS."""
        if self._settings.retention_days:
            before = timestamp(self._clock.wall() - self._settings.retention_days * DAY_S)
            gone = await self._there().prune(before)
            _log.info("usage_pruned", rows=gone, before=before)

    async def flush(self) -> None:
        """Before the end: what the store can still be given, within a few seconds; the journal keeps the rest."""
        try:
            async with asyncio.timeout(LAST_FLUSH_S):
                if self._shipper:
                    await self._shipper.ship()
                await self.flush_health()
        except (TimeoutError, OneAIError) as exc:
            _log.warning("last_flush_incomplete", reason=str(exc) or "time ran out")

    async def _opened(self) -> Store:
        async with self._opening:
            if self._store is None:
                await self._open()
            return self._there()

    async def _open(self) -> None:
        url, secret = self._settings.store_url, self._settings.supabase_service_key
        async with patience.within(patience.ANSWER_S, url):
            opening = opened(url, service_key=secret.get_secret_value() if secret else None)
            self._store = patience.bounded(await self._stack.enter_async_context(opening))
        self._shipper = Shipper(self._journal, self._store)
        self._is_open.set()

    def _there(self) -> Store:
        if self._store is None:
            raise StoreAway(store=self._settings.store_url, why="it could not be opened yet")
        return self._store

    async def _correct_health(self) -> None:
        """A circuit that was open when the gateway before us ended starts closed here: the store shall say so too."""
        try:
            rows = await self._there().health()
        except OneAIError as exc:
            _log.warning("health_unread", reason=exc.message)
            return
        for row in rows:
            if row.get("circuit_state") != State.CLOSED and row["model_code"] in self._registrar.registry.models:
                self._health.touch(row["model_code"])
