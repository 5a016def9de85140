"""One worker process: started anew when it crashes, killed when a page takes too long."""

import asyncio
import contextlib
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from oneai.errors import OcrWontStart, PageCrashed, PageTimedOut
from oneai.logs import Log
from oneai.ocr import worker
from oneai.ocr.worker import Job, Page, Refusal


class Lane:
    """A pool of one process, so that a page that kills it or is killed takes no other page with it.

    It reads one page at a time: the caller sees to that.
    """

    def __init__(self, folder: Path, lang: str, page_timeout_s: float) -> None:
        self._folder = folder
        self._lang = lang
        self._page_timeout_s = page_timeout_s
        self._executor: ProcessPoolExecutor | None = None
        self._pid = 0
        self._log = Log("ocr")

    @property
    def pid(self) -> int:
        """The worker process; 0 while there is none."""
        return self._pid

    async def start(self) -> None:
        """Return when the worker is ready. Raises OcrWontStart."""
        # Spawned, because a fork would take a copy of the running loop's sockets and locks along.
        self._executor = ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), initializer=worker.start, initargs=(str(self._folder), self._lang)
        )
        try:
            self._pid = await asyncio.wrap_future(self._executor.submit(worker.process_id))
        except (BrokenProcessPool, OSError) as exc:
            await self.close()
            raise OcrWontStart(lang=self._lang, folder=self._folder, why=f"its process ended at once ({exc})") from exc

    async def read(self, job: Job) -> Page | Refusal:
        """What stands on the page. Raises PageTimedOut, PageCrashed or OcrWontStart."""
        for _ in range(2):
            try:
                return await self._once(job)
            except BrokenProcessPool:
                # Once may be another's doing: the kernel, short of memory, kills whom it likes.
                self._log.warning("worker_died", pid=self._pid)
                await self.close()
        raise PageCrashed()

    async def _once(self, job: Job) -> Page | Refusal:
        if self._executor is None:
            await self.start()
        assert self._executor is not None
        reading = asyncio.wrap_future(self._executor.submit(worker.read, job))
        # Not wait_for, which would cancel: a cancelled future of a dying pool breaks the pool's own clean-up.
        await asyncio.wait((reading,), timeout=self._page_timeout_s)
        if reading.done():
            return reading.result()
        self._log.warning("page_timed_out", pid=self._pid, seconds=self._page_timeout_s)
        self._kill()
        with contextlib.suppress(BrokenProcessPool):
            await reading
        await self.close()
        raise PageTimedOut(seconds=self._page_timeout_s)

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._pid:
                os.kill(self._pid, signal.SIGKILL)

    async def close(self) -> None:
        """End the worker once it has read its page; a later `read` starts another."""
        executor, self._executor, self._pid = self._executor, None, 0
        if executor is not None:
            await asyncio.to_thread(executor.shutdown)
