import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from oneai.errors import OcrQueueFull, OcrWontStart
from oneai.ocr import traineddata, worker
from oneai.ocr.options import Options
from oneai.ocr.pool import Pool, opened
from oneai.ocr.worker import Job, Page, Refusal
from tests.ocr import pages


def pool(workers: int, max_queue: int) -> AbstractAsyncContextManager[Pool]:
    return opened(traineddata.folder(["eng"]), Options(workers=workers, max_queue=max_queue))


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop run until this holds."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - nothing tells a test of these changes
            await asyncio.sleep(0)


@asynccontextmanager
async def reading(pool: Pool, gate: Path) -> AsyncIterator["asyncio.Task[Page | Refusal]"]:
    """A page in the works that is read once its gate is there, which is at the end at the latest."""
    task = asyncio.create_task(pool.read(Job(base64=pages.behind(gate), lang="eng")))
    try:
        await until(lambda: bool(pool.running or pool.waiting))
        yield task
    finally:
        pages.open_gate(gate)


@pytest.fixture
def gated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "read", pages.wait_for_file)


async def test_as_many_pages_as_workers_are_read_at_once() -> None:
    async with pool(2, 0) as two:
        found = await asyncio.gather(two.read(pages.job("first")), two.read(pages.job("second")))
    assert [page.text for page in found if isinstance(page, Page)] == ["first", "second"]


@pytest.mark.usefixtures("gated")
async def test_beyond_the_queue_pages_are_turned_away_and_told_when_to_return(tmp_path: Path) -> None:
    async with pool(1, 1) as one, reading(one, tmp_path / "a") as first:
        second = asyncio.create_task(one.read(Job(base64=pages.behind(tmp_path / "a"), lang="eng")))
        await until(lambda: one.waiting == 1)
        with pytest.raises(OcrQueueFull, match="queue is full") as caught:
            await one.read(pages.job())
        assert (caught.value.status, caught.value.retry_after_s) == (503, 2)
        (tmp_path / "a").touch()
        assert await first == await second


@pytest.mark.usefixtures("gated")
async def test_a_client_that_leaves_before_its_turn_frees_its_place(tmp_path: Path) -> None:
    async with pool(1, 1) as one, reading(one, tmp_path / "a") as first:
        second = asyncio.create_task(one.read(pages.job()))
        await until(lambda: one.waiting == 1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert one.waiting == 0
        third = asyncio.create_task(one.read(Job(base64=pages.behind(tmp_path / "a"), lang="eng")))
        await until(lambda: one.waiting == 1)
        (tmp_path / "a").touch()
        assert await first == await third


@pytest.mark.usefixtures("gated")
async def test_a_client_that_leaves_during_its_page_takes_no_worker_away(tmp_path: Path) -> None:
    async with pool(1, 1) as one, reading(one, tmp_path / "a") as first:
        pid = one.lanes[0].pid
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert one.running == 1
        next_one = asyncio.create_task(one.read(Job(base64=pages.behind(tmp_path / "b"), lang="eng")))
        await until(lambda: one.waiting == 1)
        (tmp_path / "a").touch()
        (tmp_path / "b").touch()
        assert await next_one == Page(text="b", width=100, height=100)
        assert one.lanes[0].pid == pid


@pytest.mark.usefixtures("gated")
async def test_closing_waits_for_the_pages_in_the_works(tmp_path: Path) -> None:
    async with pool(1, 1) as one, reading(one, tmp_path / "a") as first:
        pass
    assert first.done()
    assert first.result() == Page(text="a", width=100, height=100)


@pytest.mark.usefixtures("gated")
async def test_a_worker_that_dies_takes_only_its_own_page_along(tmp_path: Path) -> None:
    async with pool(2, 0) as two, reading(two, tmp_path / "a") as first, reading(two, tmp_path / "b") as second:
        await until(lambda: two.running == 2)
        untouched = two.lanes[1].pid
        os.kill(two.lanes[0].pid, signal.SIGKILL)
        (tmp_path / "b").touch()
        assert await second == Page(text="b", width=100, height=100)
        (tmp_path / "a").touch()
        assert await first == Page(text="a", width=100, height=100)
        assert two.lanes[1].pid == untouched


async def test_a_pool_that_does_not_start_leaves_no_process_behind(tmp_path: Path) -> None:
    (tmp_path / "eng.traineddata").write_bytes(b"not what Tesseract wrote")
    with pytest.raises(OcrWontStart):
        async with opened(tmp_path, Options(workers=2)):
            pass
