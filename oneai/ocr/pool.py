"""Who reads the next page: a free worker, in the order in which the pages came, and how many may wait for one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from oneai.errors import OcrQueueFull
from oneai.ocr.lane import Lane
from oneai.ocr.options import Options
from oneai.ocr.worker import Job, Page, Refusal


class Pool:
    """Workers, and the pages that wait for one."""

    def __init__(self, folder: Path, options: Options) -> None:
        self.lanes = [Lane(folder, options.lang, options.page_timeout_s) for _ in range(options.workers)]
        self._free: asyncio.Queue[Lane] = asyncio.Queue()
        self._max_queue = options.max_queue
        self._running: set[asyncio.Task[Page | Refusal]] = set()
        self.waiting = 0

    @property
    def running(self) -> int:
        """Pages in a worker's hands."""
        return len(self._running)

    async def start(self) -> None:
        """Return when every worker is ready. Raises OcrWontStart."""
        started = await asyncio.gather(*(lane.start() for lane in self.lanes), return_exceptions=True)
        for failure in started:
            if failure is not None:
                raise failure
        for lane in self.lanes:
            self._free.put_nowait(lane)

    async def close(self) -> None:
        """End the workers after the pages in their hands."""
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.gather(*(lane.close() for lane in self.lanes))

    def admit(self) -> None:
        """Raises OcrQueueFull, with when to come again (a page takes a worker about a second)."""
        if self._free.empty() and self.waiting >= self._max_queue:
            raise OcrQueueFull(waiting=self.waiting, retry_after_s=1 + self.waiting // len(self.lanes))

    async def read(self, job: Job) -> Page | Refusal:
        """What stands on the page. Raises OcrQueueFull and what a lane does.

        Cancelled before a worker has the page, its place is free at once; later, the worker reads to the end first.
        """
        self.admit()
        self.waiting += 1
        try:
            lane = await self._free.get()
        finally:
            self.waiting -= 1
        reading = asyncio.create_task(self._read(lane, job))
        self._running.add(reading)
        reading.add_done_callback(self._ended)
        return await asyncio.shield(reading)

    async def _read(self, lane: Lane, job: Job) -> Page | Refusal:
        try:
            return await lane.read(job)
        finally:
            self._free.put_nowait(lane)

    def _ended(self, reading: asyncio.Task[Page | Refusal]) -> None:
        self._running.discard(reading)
        # Looked at here too, for the page whose client has left: else asyncio complains that nobody did.
        if not reading.cancelled():
            reading.exception()


@asynccontextmanager
async def opened(folder: Path, options: Options) -> AsyncIterator[Pool]:
    """A pool whose workers are ready, and which ends them."""
    pool = Pool(folder, options)
    try:
        await pool.start()
        yield pool
    finally:
        await pool.close()
