"""The end of the journal that grows: the active segment, the rows only begun, and those that wait for disk space."""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from oneai.logs import Log
from oneai.store.durable import sync_folder
from oneai.store.journal import adopt
from oneai.store.journal.active import Active
from oneai.store.journal.lines import encode
from oneai.store.journal.segment import Segment
from oneai.store.journal.troubles import Troubles
from oneai.types import Row

_RETRIES_A_TURN = 200

_log = Log("journal")


class _Waiting(NamedTuple):
    """A line that the disk had no room for."""

    id: str
    line: bytes
    is_row: bool


class Tail:
    """Writes rows. What the disk refuses waits in memory, `memory_lines` at most, and is tried again."""

    def __init__(self, folder: Path, *, memory_lines: int, clock: Callable[[], float], troubles: Troubles) -> None:
        """Start the first segment in the folder. Raises OSError."""
        self.dropped = 0
        self._folder = folder
        self._memory_lines = memory_lines
        self._clock = clock
        self._troubles = troubles
        self._open: dict[str, bytes] = {}
        self._waiting: deque[_Waiting] = deque()
        self._released: list[int] = []
        self._synced = 0
        self._names_synced = False
        self._last_name = 0
        self.active = Active(self._next_path())

    @property
    def in_memory(self) -> int:
        """Rows that wait for the disk."""
        return sum(waiting.is_row for waiting in self._waiting)

    @property
    def lines_in_memory(self) -> list[bytes]:
        return [waiting.line for waiting in self._waiting]

    def put(self, row: Row, *, begun: bool) -> None:
        """Write a row that is done, or has begun. Never raises."""
        try:
            line = encode(row, begun=begun)
        except ValueError as exc:
            self.dropped += not begun
            _log.error("usage_row_unwritable", reason=str(exc))
            return
        if begun:
            # orjson's own bytes hold on to some 8 KB each, which 2,000 open streams would have all the while.
            self._open[row["id"]] = bytes(memoryview(line))
        if not self._write(row["id"], line, is_row=not begun):
            self._keep(_Waiting(row["id"], line, not begun))

    def expect(self, row: Row) -> None:
        """Take a row that was begun elsewhere for one of ours, until it is done and on disk."""
        self._open[row["id"]] = encode(row, begun=True)

    async def retry(self) -> None:
        """Write what waits, as far as the disk takes it."""
        tries = 0
        while self.retry_one():
            tries += 1
            if tries % _RETRIES_A_TURN == 0:
                await asyncio.sleep(0)

    def retry_one(self) -> bool:
        """Write what has waited longest; False where nothing waits or the disk still takes nothing."""
        if not self._waiting:
            return False
        first = self._waiting[0]
        if not self._write(first.id, first.line, is_row=first.is_row):
            return False
        self._waiting.popleft()
        if not self._waiting:
            self._troubles.end("append")
        return True

    def rotate(self) -> Segment:
        """Start a new segment with the rows still open, and give the old one, sealed. Raises OSError, the old kept."""
        fresh = Active(self._next_path())
        try:
            if self._open:
                fresh.append(b"".join(self._open.values()))
        except OSError:
            fresh.discard()
            raise
        old, self.active = self.active, fresh
        self._released.append(old.release())
        self._synced, self._names_synced = 0, False
        return Segment(path=old.path, bytes=old.length, rows=old.rows)

    async def flush(self) -> None:
        """Have all that is written on disk, off the loop; nothing to do where it is already."""
        length, active = self.active.length, self.active
        if length == self._synced and not self._released:
            return
        try:
            files = [active.duplicate(), *self._take_released()]
            await asyncio.to_thread(_sync_and_close, files, None if self._names_synced else self._folder)
        except OSError as exc:
            self._troubles.begin("sync", exc)
            return
        self._troubles.end("sync")
        if active is self.active:
            self._synced, self._names_synced = length, True

    def close(self) -> None:
        """Write what waits and have it on disk; a segment without a line is deleted. Never raises."""
        while self.retry_one():
            pass
        if self._waiting:
            _log.error("journal_rows_lost", rows=self.in_memory)
        try:
            self._end_active()
            _sync_and_close(self._take_released(), self._folder)
        except OSError as exc:
            _log.error("journal_close_failed", reason=exc.strerror)

    def _end_active(self) -> None:
        if self.active.length:
            self._released.append(self.active.release())
        else:
            self.active.discard()

    def _write(self, id: str, line: bytes, *, is_row: bool) -> bool:
        try:
            self.active.append(line)
        except OSError as exc:
            self._troubles.begin("append", exc)
            return False
        if is_row:
            self.active.rows += 1
            # Not before: of a row that never reaches the disk, the beginning must stay there.
            self._open.pop(id, None)
        return True

    def _keep(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        if len(self._waiting) > self._memory_lines:
            oldest = self._waiting.popleft()
            self.dropped += oldest.is_row

    def _next_path(self) -> Path:
        # One more than the last where the clock stands or goes back, so that names sort by age.
        self._last_name = max(int(self._clock() * 1e6), self._last_name + 1)
        return self._folder / f"{self._last_name:017d}-{self._folder.name[-8:]}{adopt.SUFFIX}"

    def _take_released(self) -> list[int]:
        released, self._released = self._released, []
        return released


def _sync_and_close(files: Sequence[int], folder: Path | None) -> None:
    try:
        for file in files:
            _sync(file)
    finally:
        for file in files:
            os.close(file)
    if folder:
        sync_folder(folder)


def _sync(file: int) -> None:
    if hasattr(os, "fdatasync"):
        os.fdatasync(file)
    else:
        os.fsync(file)
