"""The composition root: opens home, journal, store, registry and upstream in order, and closes them in reverse."""

import asyncio
import random
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from oneai import ids, profiles
from oneai.config import Settings
from oneai.core import keys
from oneai.core.budget import Budget
from oneai.core.health import Health, status
from oneai.core.metrics import Metrics
from oneai.core.outcome import Outcome
from oneai.core.pass_dialect import PASSED, PassDialect
from oneai.core.pipeline import Pipeline
from oneai.core.quota import Quota
from oneai.core.recent import Recent
from oneai.core.recorder import Recorder
from oneai.core.registry import Registry
from oneai.core.rerank_dialect import RerankDialect
from oneai.core.run_dialect import RunDialect
from oneai.core.seams import Clock
from oneai.errors import StoreAway, StoreLacks, StoreRefused
from oneai.logs import Log
from oneai.runtime import report as reports
from oneai.runtime import story
from oneai.runtime.loops import repeat
from oneai.runtime.registrar import Registrar
from oneai.runtime.report import Report
from oneai.runtime.store_side import DAY_S, StoreSide
from oneai.store import local_key
from oneai.store.journal import Journal, home_lock
from oneai.types import Model, Surface
from oneai.upstream import probe
from oneai.upstream.client import Upstream
from oneai.upstream.names import ServedNames

REFRESH_S = 5.0
FLUSH_S = 2.0
PROBE_S = 5.0
PROBED_AT_ONCE = 64
NAMES_S = 2.0
TEND_S = 1.0
PRUNE_FIRST_S = 300.0
"""A gateway that is started anew each night would never live to see a day's end."""

_log = Log("runtime")


class Runtime:
    """A gateway without its HTTP: everything that a surface needs, open and tended."""

    def __init__(
        self,
        settings: Settings,
        *,
        journal: Journal,
        upstream: Upstream,
        admin_key: str | None,
        stack: AsyncExitStack,
    ) -> None:
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
        self.stopped = False
        """Those that still run are cut off."""
        self.cuts: set[Callable[[], None]] = set()
        """What ends each open stream, and tells its client."""
        self._started = self.clock.monotonic()
        self._journal = journal
        self._upstream = upstream
        self._credentials = settings.secrets
        self._registrar = Registrar(settings, admin_key, self.clock)
        self._names = ServedNames(upstream.send, self._credentials, monotonic=self.clock.monotonic)
        self.pipeline = self._pipeline()
        self._store_side = StoreSide(
            settings,
            self.clock,
            journal=journal,
            registrar=self._registrar,
            health=self.health,
            circuit_of=self.pipeline.availability.circuit,
            stack=stack,
        )

    @property
    def registry(self) -> Registry:
        return self._registrar.registry

    def uptime_s(self) -> float:
        return self.clock.monotonic() - self._started

    def status_of(self, code: str) -> str:
        """healthy, degraded or unhealthy."""
        return status(self.pipeline.availability.circuit(code), self.health.of(code))

    def report(self) -> Report:
        """How the gateway stands."""
        read_at = self._registrar.read_at
        return reports.report(
            self._registrar,
            self._journal.state(),
            store_kind=self.settings.store_url.partition(":")[0],
            store_up=self._store_side.up,
            shipping=self._store_side.trouble,
            age_s=self.clock.monotonic() - (self._started if read_at is None else read_at),
        )

    def state(self) -> dict[str, Any]:
        """How everything stands, for an admin."""
        return reports.state(self._registrar, self.health, self.pipeline, self._names, self._journal.state())

    async def reload(self, *, force: bool = False) -> tuple[bool, str]:
        """Read the store now: whether what it holds is in force, and why not. Raises StoreAway."""
        return await self._store_side.reload(self._names.known(), force=force)

    def reset(self, code: str) -> str:
        """Close a circuit by hand, and forget what its server lacked: the state that it was in."""
        self.pipeline.availability.forget_routes(code)
        circuit = self.pipeline.availability.circuit(code)
        before = circuit.state.value
        circuit.reset(self.clock.monotonic())
        self.health.touch(code)
        return before

    async def story(self, id: str) -> dict[str, Any] | None:
        """One call's story, None where nothing knows it. Raises StoreAway."""
        return await story.tell(id, self.recent, self._journal, self._store_side.store)

    def restore(self) -> bool:
        """Serve from the snapshot on disk; False where there is none of this store."""
        served = self._registrar.restore(self.settings.store_url)
        if served is None:
            return False
        self._names.recall(served)
        return True

    async def run_loops(self) -> None:
        """Tend everything until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(repeat("journal", TEND_S, self._journal.tend, first_s=0.0))
            group.create_task(repeat("names", NAMES_S, self._learn_names))
            group.create_task(repeat("probe", PROBE_S, self._probe, jitter=0.2))
            group.create_task(repeat("health", FLUSH_S, self._store_side.flush_health))
            group.create_task(repeat("refresh", REFRESH_S, self.reload, jitter=0.1))
            group.create_task(repeat("ship", TEND_S, self._store_side.ship))
            group.create_task(repeat("retention", DAY_S, self._store_side.prune, jitter=0.1, first_s=PRUNE_FIRST_S))

    async def flush(self) -> None:
        """Before the end: give the store what it can still take."""
        await self._store_side.flush()

    def _pipeline(self) -> Pipeline:
        return Pipeline(
            registry=lambda: self._registrar.registry,
            dialects={
                Surface.RUN: RunDialect(self.profiles, self._credentials),
                Surface.RERANK: RerankDialect(self._credentials),
                **{surface: PassDialect(surface, self._credentials) for surface in PASSED},
            },
            send=self._upstream.send,
            open=self._upstream.open,
            names=self._names,
            recorder=Recorder(journal=self._journal, health=self.health, metrics=self.metrics),
            clock=self.clock,
            stream_max_s=self.settings.stream_max_s,
            left=lambda: Outcome.GATEWAY_STOPPED if self.stopped else Outcome.CLIENT_GONE,
        )

    async def _learn_names(self) -> None:
        before = self._names.known()
        await self._names.learn(self.registry.models.values())
        if (known := self._names.known()) != before and (store := self._store_side.store) is not None:
            await asyncio.to_thread(self._registrar.save, store.name, known)

    async def _probe(self) -> None:
        codes = self.pipeline.availability.open_circuits()
        shut = [model for code in codes if (model := self.registry.models.get(code))]
        gate = asyncio.Semaphore(PROBED_AT_ONCE)
        await asyncio.gather(*(self._probe_one(model, gate) for model in shut))

    async def _probe_one(self, model: Model, gate: asyncio.Semaphore) -> None:
        async with gate:
            answered = await probe.answers(self._upstream.send, model, self._credentials)
        if answered:
            self.pipeline.availability.circuit(model.code).probed(self.clock.monotonic())
            self.health.touch(model.code)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime that serves. Raises HomeInUse, BadSetting, and StoreAway where there is no snapshot to serve from."""
    async with AsyncExitStack() as stack:
        stack.enter_context(home_lock(settings.home))
        admin_key = _admin_key(settings)
        journal = Journal.open(settings.home / "journal", max_bytes=settings.journal_max_mb << 20)
        stack.callback(journal.close)
        upstream = await stack.enter_async_context(Upstream())
        runtime = Runtime(settings, journal=journal, upstream=upstream, admin_key=admin_key, stack=stack)
        await _start(runtime)
        tending = asyncio.create_task(runtime.run_loops())
        try:
            yield runtime
        finally:
            tending.cancel()
            await asyncio.gather(tending, return_exceptions=True)
            await runtime.flush()


async def _start(runtime: Runtime) -> None:
    # First, so that a store that shows nothing any more is judged by what it held, as in any other refresh.
    restored = runtime.restore()
    try:
        await runtime.reload()
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
