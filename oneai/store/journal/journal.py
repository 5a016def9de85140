"""The journal: every attempt's usage row is in it before its reply has ended, and leaves it for the store."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from oneai.store.journal import adopt, refused, segment
from oneai.store.journal.lock import try_lock, unusable, waiting_lock
from oneai.store.journal.sealed import Sealed
from oneai.store.journal.segment import Batch, Segment
from oneai.store.journal.tail import Tail
from oneai.store.journal.troubles import Troubles
from oneai.types import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """How much the journal may hold: bytes on disk, lines in memory."""

    journal: int
    segment: int
    refused: int
    memory_lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalState:
    """How the journal stands; `degraded` says what is wrong, and is None when nothing is."""

    rows: int
    """On disk, not yet in the store."""
    in_memory: int
    dropped: int
    unreadable: int
    refused: int
    bytes: int
    degraded: str | None


class Journal:
    """A process's own folder of segments: the active one, and the sealed ones that wait for the shipper."""

    def __init__(self, folder: Path, lock: int, bounds: _Bounds, clock: Callable[[], float]) -> None:
        """As `open` makes it, in a folder whose lock is held. Raises OSError."""
        self._folder = folder
        self._lock = lock
        self._bounds = bounds
        self._clock = clock
        self._troubles = Troubles()
        self._sealed = Sealed()
        self._refused_path = folder.parent / "refused.jsonl"
        self._refused = refused.tally(self._refused_path)
        self._tail = Tail(folder, memory_lines=bounds.memory_lines, clock=clock, troubles=self._troubles)

    @classmethod
    def open(
        cls,
        root: Path,
        *,
        max_bytes: int,
        segment_bytes: int = 4 << 20,
        refused_bytes: int = 10_000_000,
        memory_lines: int = 10_000,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Take a fresh folder under `root` and adopt what dead processes left there. Raises BadSetting.

        `clock` is seconds since the epoch; files are named by it, so that names sort by age.
        """
        bounds = _Bounds(
            journal=max_bytes,
            segment=max(1, min(segment_bytes, max_bytes // 2)),
            refused=refused_bytes,
            memory_lines=memory_lines,
        )
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            return cls._opened(root, bounds, clock)
        except OSError as exc:
            raise unusable(root, exc) from exc

    @classmethod
    def _opened(cls, root: Path, bounds: _Bounds, clock: Callable[[], float]) -> Self:
        # Without the root's lock, one that starts beside us could take our folder for a dead one's before we lock it.
        with waiting_lock(root / "open.lock"), ExitStack() as held:
            found = adopt.dead(root)
            for dead in found:
                held.callback(adopt.leave, dead.folder, dead.lock)
            folder = root / f"{int(clock() * 1e6):017d}-{secrets.token_hex(4)}"
            folder.mkdir(mode=0o700)
            lock = try_lock(folder / adopt.LOCK)
            assert lock is not None, "nobody else knows a folder that was made under the root's lock"
            journal = cls(folder, lock, bounds, clock)
            journal._adopt(found)
            return journal

    def append(self, row: Row) -> None:
        """Write a row that is done. Never raises: where the disk takes nothing, the row waits in memory."""
        self._tail.put(row, begun=False)

    def begin(self, row: Row) -> None:
        """Write a row as known so far; without `append` of its id it ends as `gateway_died`. Never raises."""
        self._tail.put(row, begun=True)

    async def tend(self) -> None:
        """To be called each second: retry what waits, rotate, keep within bounds, and have it all on disk."""
        await self._tail.retry()
        if self._tail.active.length >= self._bounds.segment:
            self._rotate()
        try:
            await self._sealed.count()
            self._sealed.keep_within(self._bounds.journal - self._tail.active.length)
        except OSError as exc:
            self._troubles.begin("tend", exc)
        else:
            self._troubles.end("tend")
        await self._tail.flush()

    def state(self) -> JournalState:
        return JournalState(
            rows=self._sealed.rows + self._tail.active.rows,
            in_memory=self._tail.in_memory,
            dropped=self._sealed.dropped + self._tail.dropped,
            unreadable=self._sealed.unreadable,
            refused=self._refused,
            bytes=self._sealed.bytes + self._tail.active.length,
            degraded=self._troubles.text,
        )

    async def find(self, id: str) -> list[Row]:
        """The rows of a call id or request id that the store has not acknowledged, in the order written.

        Raises OSError where a file cannot be read.
        """
        places = [*self._sealed.places, (self._tail.active.path, 0)]
        in_memory = self._tail.lines_in_memory
        found = await asyncio.to_thread(segment.search, places, id)
        found += [row for raw in in_memory for row in segment.matching(raw, id)]
        return list({row["id"]: row for row in found}.values())

    def seal(self) -> None:
        """Start a new segment where the active one has rows, so that they can be shipped. Never raises."""
        if self._tail.active.rows:
            self._rotate()

    def oldest(self) -> Segment | None:
        """The sealed segment that is to be shipped next."""
        return self._sealed.oldest

    async def read(self, part: Segment, limit: int) -> Batch:
        """The segment's next rows that the store has not acknowledged. Raises OSError."""
        return await asyncio.to_thread(segment.read, part.path, part.at, limit)

    async def newest_row(self) -> Row | None:
        """The last row of the sealed segments. Raises OSError."""
        return await self._sealed.last_row()

    def acknowledge(self, part: Segment, batch: Batch) -> None:
        """The batch's rows are in the store or set aside; after its last the segment goes. Raises OSError."""
        self._sealed.acknowledge(part, batch)

    async def set_aside(self, refusals: Sequence[refused.Refusal]) -> None:
        """Keep rows that the store will never take in `refused.jsonl`, on disk on return. Raises OSError."""
        self._refused = await asyncio.to_thread(
            refused.set_aside,
            self._refused_path,
            refusals,
            now=self._clock(),
            max_bytes=self._bounds.refused,
        )

    def close(self) -> None:
        """Write what waits, have it on disk and let go of the folder; an empty one is removed. Never raises."""
        self._tail.close()
        adopt.leave(self._folder, self._lock)

    def _rotate(self) -> None:
        try:
            self._sealed.add(self._tail.rotate())
        except OSError as exc:
            self._troubles.begin("rotate", exc)
        else:
            self._troubles.end("rotate")

    def _adopt(self, found: Sequence[adopt.Dead]) -> None:
        for row in adopt.orphans(found):
            self._tail.expect(row)
            self.append(row | {"success": False, "error_class": "gateway_died"})
        self._sealed.add(*adopt.move(found, self._folder))
