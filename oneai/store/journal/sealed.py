"""The segments that nothing is added to any more: they wait, oldest first, until the store has their rows."""

import asyncio
from collections.abc import Iterable

from oneai.logs import Log
from oneai.store.journal import segment
from oneai.store.journal.segment import Batch, Segment
from oneai.types import Row

_log = Log("journal")


class Sealed:
    """A queue of files. Counts what was dropped from it, and what of it was unreadable."""

    def __init__(self) -> None:
        self.dropped = 0
        self.unreadable = 0
        self._parts: list[Segment] = []

    @property
    def rows(self) -> int:
        return sum(part.waiting for part in self._parts)

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self._parts)

    @property
    def oldest(self) -> Segment | None:
        return self._parts[0] if self._parts else None

    @property
    def places(self) -> list[segment.Place]:
        return [(part.path, part.at) for part in self._parts]

    def add(self, *parts: Segment) -> None:
        self._parts += parts

    async def last_row(self) -> Row | None:
        """The newest row there is. Raises OSError."""
        for part in reversed(self._parts):
            row = await asyncio.to_thread(segment.last_row, part.path)
            if row is not None:
                return row
        return None

    def acknowledge(self, part: Segment, batch: Batch) -> None:
        """Move on past the batch, and delete the file behind the last. Raises OSError."""
        if part not in self._parts:
            return
        if batch.last:
            part.path.unlink(missing_ok=True)
            self._parts.remove(part)
        part.at = batch.end
        part.passed += len(batch.rows) + batch.unreadable
        self.unreadable += batch.unreadable
        if batch.unreadable:
            _log.warning("journal_lines_unreadable", lines=batch.unreadable, segment=part.path.name)

    async def count(self) -> None:
        """Find out how many rows adopted segments hold, off the loop. Raises OSError."""
        for part in self._uncounted():
            part.rows = await asyncio.to_thread(segment.count, part.path)

    def keep_within(self, allowed: int) -> None:
        """Delete the oldest files until the rest have no more than `allowed` bytes. Raises OSError."""
        while self._parts and self.bytes > allowed:
            oldest = self._parts[0]
            oldest.path.unlink(missing_ok=True)
            self._parts.pop(0)
            self.dropped += oldest.waiting
            _log.warning("journal_full", rows_dropped=oldest.waiting, segment=oldest.path.name)

    def _uncounted(self) -> Iterable[Segment]:
        return [part for part in self._parts if part.rows is None]
