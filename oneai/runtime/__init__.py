"""The composition root: opens home, journal, store, registry and upstream in order, and closes them in reverse."""

import asyncio
import random
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from oneai import ids, profiles
from oneai.config import Settings
from oneai.core import keys
from oneai.core.breaker import State
from oneai.core.budget import Budget
from oneai.core.health import Health, status
from oneai.core.metrics import Metrics
from oneai.core.pipeline import Pipeline
from oneai.core.quota import Quota
from oneai.core.recent import Recent
from oneai.core.recorder import Recorder
from oneai.core.registry import Registry
from oneai.core.run_dialect import RunDialect
from oneai.core.seams import Clock
from oneai.core.usage import timestamp
from oneai.errors import OneAIError, StoreAway, StoreLacks, StoreRefused
from oneai.logs import Log
from oneai.runtime import patience, story
from oneai.runtime import report as reports
from oneai.runtime.loops import repeat
from oneai.runtime.registrar import Registrar
from oneai.runtime.report import Report
from oneai.store import Store, local_key
from oneai.store import opened as opened_store
from oneai.store.journal import Journal, home_lock
from oneai.store.shipper import Shipper
from oneai.types import Model, Surface
from oneai.upstream import client, probe
from oneai.upstream.client import Upstream
from oneai.upstream.names import ServedNames

REFRESH_S = 5.0
FLUSH_S = 2.0
PROBE_S = 5.0
PROBED_AT_ONCE = 64
NAMES_S = 2.0
TEND_S = 1.0
DAY_S = 86_400.0
PRUNE_FIRST_S = 300.0
"""A gateway that is started anew each night would never live to see a day's end."""
LAST_FLUSH_S = 5.0

_log = Log("runtime")


class Runtime:
    """A gateway without its HTTP: everything that a surface needs, open and tended."""

    def __init__(self, settings: Settings, journal: Journal, upstream: Upstream, admin_key: str | None) -> None:
        self.settings = settings
        self.clock = Clock(monotonic=time.monotonic, wall=time.time, jitter=random.random, new_id=ids.uuid7)
        self.metrics = Metrics()
        self.health = Health()
        self.recent = Recent()
        self.profiles = profiles.load()
        self.budget = Budget(each_mb=settings.max_body_mb, total_mb=settings.max_body_total_mb)
        self.quota = Quota()
        self.in_flight = 0
        self.draining = False
        """/ready says no; calls are still answered."""
        self.closing = False
        """New calls are refused."""
        self._started = self.clock.monotonic()
        self._journal = journal
        self._upstream = upstream
        self._credentials = {name: secret.get_secret_value() for name, secret in settings.credentials.items()}
        self._registrar = Registrar(settings, admin_key, self.clock)
        self._store: Store | None = None
        self._store_up = False
        self._store_is_open = asyncio.Event()
        self._shipper: Shipper | None = None
        self._names = self._served_names({})
        self.pipeline = self._pipeline()

    @property
    def registry(self) -> Registry:
        return self._registrar.registry

    def uptime_s(self) -> float:
        return self.clock.monotonic() - self._started

    def status_of(self, code: str) -> str:
        """healthy, degraded or unhealthy."""
        return status(self.pipeline.circuit(code), self.health.of(code))

    def report(self) -> Report:
        """How the gateway stands."""
        read_at = self._registrar.read_at
        return reports.report(
            self._registrar,
            self._journal.state(),
            store_kind=self.settings.store_url.partition(":")[0],
            store_up=self._store_up,
            shipping=self._shipper.trouble if self._shipper else None,
            age_s=self.clock.monotonic() - (self._started if read_at is None else read_at),
        )

    def state(self) -> dict[str, Any]:
        """How everything stands, for an admin."""
        return reports.state(self._registrar, self.health, self.pipeline, self._names, self._journal.state())

    async def reload(self, *, force: bool = False) -> tuple[bool, str]:
        """Read the store now: whether what it holds is in force, and why not. Raises StoreAway."""
        try:
            outcome = await self._registrar.refresh(self._opened_store(), self._names.known(), force=force)
        except StoreAway:
            self._store_up = False
            raise
        self._store_up = True
        return outcome

    def reset(self, code: str) -> str:
        """Close a circuit by hand: the state that it was in."""
        circuit = self.pipeline.circuit(code)
        before = circuit.state.value
        circuit.reset(self.clock.monotonic())
        self.health.touch(code)
        return before

    async def story(self, id: str) -> dict[str, Any] | None:
        """One call's story, None where nothing knows it. Raises StoreAway."""
        return await story.tell(id, self.recent, self._journal, self._store)

    async def open_store(self, stack: AsyncExitStack) -> None:
        """Open the store and read the registry. Raises StoreAway and whatever else the store's setting deserves."""
        secret = self.settings.supabase_service_key
        service_key = secret.get_secret_value() if secret else None
        async with patience.within(patience.ANSWER_S, self.settings.store_url):
            store = await stack.enter_async_context(opened_store(self.settings.store_url, service_key=service_key))
        self._store = patience.bounded(store)
        self._shipper = Shipper(self._journal, self._store)
        self._store_is_open.set()
        await self.reload()
        await self._correct_health()

    def restore(self) -> bool:
        """Serve from the snapshot on disk; False where there is none of this store."""
        served = self._registrar.restore(self.settings.store_url)
        if served is None:
            return False
        self._names = self._served_names(served)
        self.pipeline = self._pipeline()
        return True

    async def run_loops(self, stack: AsyncExitStack) -> None:
        """Tend everything until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(repeat("journal", TEND_S, self._journal.tend))
            group.create_task(repeat("names", NAMES_S, self._learn_names))
            group.create_task(repeat("probe", PROBE_S, self._probe, jitter=0.2))
            group.create_task(repeat("health", FLUSH_S, self._flush_health))
            group.create_task(repeat("refresh", REFRESH_S, lambda: self._refresh(stack), jitter=0.1))
            group.create_task(repeat("ship", TEND_S, self._ship))
            group.create_task(repeat("retention", DAY_S, self._prune, jitter=0.1, first_s=PRUNE_FIRST_S))

    async def flush(self) -> None:
        """Before the end: what the store can still be given, within a few seconds; the journal keeps the rest."""
        try:
            async with asyncio.timeout(LAST_FLUSH_S):
                if self._shipper:
                    await self._shipper.ship()
                await self._flush_health()
        except (TimeoutError, OneAIError) as exc:
            _log.warning("last_flush_incomplete", reason=str(exc) or "time ran out")

    def _served_names(self, known: Mapping[str, str]) -> ServedNames:
        return ServedNames(self._upstream.send, self._credentials, monotonic=self.clock.monotonic, known=known)

    def _pipeline(self) -> Pipeline:
        return Pipeline(
            registry=lambda: self._registrar.registry,
            dialects={Surface.RUN: RunDialect(self.profiles, self._credentials)},
            send=self._upstream.send,
            names=self._names,
            recorder=Recorder(journal=self._journal, health=self.health, metrics=self.metrics),
            clock=self.clock,
        )

    def _opened_store(self) -> Store:
        if self._store is None:
            raise StoreAway(store=self.settings.store_url, why="it could not be opened yet")
        return self._store

    async def _refresh(self, stack: AsyncExitStack) -> None:
        if self._store is None:
            await self.open_store(stack)
        else:
            await self.reload()

    async def _ship(self) -> None:
        await self._store_is_open.wait()
        assert self._shipper is not None
        await self._shipper.run()

    async def _learn_names(self) -> None:
        before = self._names.known()
        await self._names.learn(self.registry.models.values())
        if (known := self._names.known()) != before and self._store is not None:
            await asyncio.to_thread(self._registrar.save, self._store.name, known)

    async def _probe(self) -> None:
        shut = [m for m in self.registry.models.values() if self.pipeline.circuit(m.code).state is State.OPEN]
        gate = asyncio.Semaphore(PROBED_AT_ONCE)
        await asyncio.gather(*(self._probe_one(model, gate) for model in shut))

    async def _probe_one(self, model: Model, gate: asyncio.Semaphore) -> None:
        async with gate:
            answered = await probe.answers(self._upstream.send, model, self._credentials)
        if answered:
            self.pipeline.circuit(model.code).probed(self.clock.monotonic())
            self.health.touch(model.code)

    async def _flush_health(self) -> None:
        now = self.clock.monotonic()
        deltas = self.health.take(self.pipeline.circuit, now, self.clock.wall())
        if not deltas:
            return
        flushed = False
        try:
            await self._opened_store().merge_health(deltas)
            flushed = True
        finally:
            if not flushed:
                self.health.give_back(deltas)

    async def _correct_health(self) -> None:
        """A circuit that was open when the gateway before us ended starts closed here: the store shall say so too."""
        try:
            rows = await self._opened_store().health()
        except OneAIError as exc:
            _log.warning("health_unread", reason=exc.message)
            return
        for row in rows:
            if row.get("circuit_state") != State.CLOSED and row["model_code"] in self.registry.models:
                self.health.touch(row["model_code"])

    async def _prune(self) -> None:
        if self.settings.retention_days:
            before = timestamp(self.clock.wall() - self.settings.retention_days * DAY_S)
            gone = await self._opened_store().prune(before)
            _log.info("usage_pruned", rows=gone, before=before)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime that serves. Raises HomeInUse, BadSetting, and StoreAway where there is no snapshot to serve from."""
    async with AsyncExitStack() as stack:
        stack.enter_context(home_lock(settings.home))
        admin_key = _admin_key(settings)
        journal = Journal.open(settings.home / "journal", max_bytes=settings.journal_max_mb << 20)
        stack.callback(journal.close)
        upstream = await stack.enter_async_context(client.opened())
        runtime = Runtime(settings, journal, upstream, admin_key)
        await _start(runtime, stack)
        tending = asyncio.create_task(runtime.run_loops(stack))
        try:
            yield runtime
        finally:
            tending.cancel()
            await asyncio.gather(tending, return_exceptions=True)
            await runtime.flush()


async def _start(runtime: Runtime, stack: AsyncExitStack) -> None:
    # First, so that a store that shows nothing any more is judged by what it held, as in any other refresh.
    restored = runtime.restore()
    try:
        await runtime.open_store(stack)
    except (StoreAway, StoreRefused, StoreLacks) as exc:
        if not restored:
            raise
        _log.warning("serving_from_snapshot", reason=exc.message, models=len(runtime.registry.models))


def _admin_key(settings: Settings) -> str | None:
    """The local key; made, and shown once, where nobody else could call /admin."""
    if (kept := local_key.read(settings.home)) or settings.admin_api_keys:
        return kept
    made = keys.generate(secrets.token_bytes(32))
    local_key.keep(settings.home, made)
    print(
        f"A first key was made, for admin and calls: {made}\nIt is kept in {settings.home}/local.key.", file=sys.stderr
    )
    return made
