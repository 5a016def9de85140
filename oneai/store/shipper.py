"""Moves rows from the journal to the store: idempotently, in batches, and never faster than calls can spare."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence

from oneai.errors import StoreAway, StoreLacks, StoreRefused
from oneai.logs import Log
from oneai.store import Store
from oneai.store.journal import Journal, Segment
from oneai.types import Row

_BATCH_ROWS = 200
_REST = 3
"""Times the processor time of a batch that is rested after it: a quarter of a core at most."""
_IDLE_S = 2.0
_BACK_OFF_S = (1.0, 60.0)
_SUSPECT_ROWS = 10
"""Rows refused in a row for one reason that make us doubt the store rather than the rows."""

_log = Log("shipper")


class Shipper:
    """One journal's way to one store. `trouble` says why rows do not move; None while they do."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.process_time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`clock` counts the seconds that we are busy, `chance` is from 0 to 1."""
        self.trouble: str | None = None
        self._journal = journal
        self._store = store
        self._sleep = sleep
        self._clock = clock
        self._chance = chance
        self._failures = 0
        self._suspicion = _Suspicion()
        self._accepted: Row | None = None

    async def run(self) -> None:
        """Ship for ever, until cancelled: every 2 s, or after 1 s to 60 s, doubling, while it fails."""
        while True:
            shipped = await self.ship()
            await self._sleep(self._pause(shipped))

    async def ship(self) -> int:
        """One pass over all that waits: how many rows the store took.

        Ends early, with `trouble` set and what is left kept, where the store is away, lacks the table or refuses
        everything, or where the disk fails.
        """
        shipped = 0
        self._journal.seal()
        try:
            while part := self._journal.oldest():
                shipped += await self._ship_batch(part)
        except (StoreAway, StoreLacks, StoreRefused) as exc:
            self._stop(exc.message)
        except OSError as exc:
            self._stop(exc.strerror or str(exc))
        else:
            self._go_on()
        return shipped

    async def _ship_batch(self, part: Segment) -> int:
        began = self._clock()
        batch = await self._journal.read(part, _BATCH_ROWS)
        refusals = await self._send(batch.rows) if batch.rows else []
        if refusals:
            await self._journal.set_aside(refusals)
            _log.warning("usage_rows_refused", rows=len(refusals), reason=refusals[0][1])
        self._journal.acknowledge(part, batch)
        await self._sleep(_REST * (self._clock() - began))
        return len(batch.rows) - len(refusals)

    async def _send(self, rows: Sequence[Row]) -> list[tuple[Row, str]]:
        """The rows at fault, with the store's reason; all others are in it. Raises as `Store.add_usage`.

        Raises StoreRefused where the store, not the rows, seems to be at fault.
        """
        try:
            await self._store.add_usage(rows)
        except StoreRefused as exc:
            if len(rows) > 1:
                middle = len(rows) // 2
                return await self._send(rows[:middle]) + await self._send(rows[middle:])
            await self._doubt(exc)
            return [(rows[0], exc.message)]
        self._accepted = rows[-1]
        self._suspicion.clear()
        return []

    async def _doubt(self, refusal: StoreRefused) -> None:
        """Raise the refusal of a row again where the store takes nothing at all, such as without a permission."""
        self._suspicion.add(refusal.message)
        if self._suspicion.rows < _SUSPECT_ROWS:
            return
        if await self._takes(self._accepted) or await self._takes(await self._journal.newest_row()):
            self._suspicion.clear()
            return
        raise refusal

    async def _takes(self, row: Row | None) -> bool:
        # Adding a row again changes nothing, so that one that the store has taken before is a good question.
        try:
            await self._store.add_usage([row] if row else [])
        except StoreRefused:
            return False
        return row is not None

    def _pause(self, shipped: int) -> float:
        if self.trouble is None:
            self._failures = 0
            return _IDLE_S
        shortest, longest = _BACK_OFF_S
        self._failures = 1 if shipped else self._failures + 1
        # The exponent is bounded, for a store may be away for months.
        delay = min(longest, shortest * 2.0 ** min(self._failures - 1, 10))
        return max(shortest, delay * (0.5 + self._chance() / 2))

    def _stop(self, why: str) -> None:
        if why != self.trouble:
            _log.warning("shipping_stopped", reason=why, rows_waiting=self._journal.state().rows)
        self.trouble = why

    def _go_on(self) -> None:
        if self.trouble is not None:
            _log.info("shipping_resumed")
        self.trouble = None


class _Suspicion:
    """How many rows in a row the store has refused for one and the same reason."""

    def __init__(self) -> None:
        self.rows = 0
        self._reason = ""

    def add(self, reason: str) -> None:
        self.rows = self.rows + 1 if reason == self._reason else 1
        self._reason = reason

    def clear(self) -> None:
        self.rows = 0
