import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from oneai.errors import OcrWontStart, PageCrashed, PageTimedOut
from oneai.ocr import traineddata, worker
from oneai.ocr.lane import Lane
from oneai.ocr.worker import Page
from tests.ocr import pages


@pytest_asyncio.fixture
async def lane() -> AsyncIterator[Lane]:
    lane = Lane(traineddata.folder(["eng"]), "eng", 60.0)
    await lane.start()
    yield lane
    await lane.close()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_worker_that_was_killed_is_replaced_and_the_page_read(lane: Lane) -> None:
    before = lane.pid
    os.kill(before, signal.SIGKILL)
    found = await lane.read(pages.job())
    assert isinstance(found, Page)
    assert found.text == "Hello 4711"
    assert lane.pid not in (0, before)


async def test_a_page_that_kills_two_workers_is_given_up_and_the_next_one_read(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(worker, "read", pages.die)
        with pytest.raises(PageCrashed):
            await lane.read(pages.job())
    assert isinstance(await lane.read(pages.job()), Page)


async def test_a_page_that_takes_too_long_ends_with_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "read", pages.hang)
    lane = Lane(traineddata.folder(["eng"]), "eng", 0.2)
    await lane.start()
    pid = lane.pid
    with pytest.raises(PageTimedOut, match=r"within 0\.2 s"):
        await lane.read(pages.job())
    assert lane.pid == 0
    assert not alive(pid)


async def test_after_a_page_that_took_too_long_the_next_one_is_read(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lane.pid
    with monkeypatch.context() as patched:
        patched.setattr(worker, "read", pages.hang)
        patched.setattr(lane, "_page_timeout_s", 0.2)
        with pytest.raises(PageTimedOut):
            await lane.read(pages.job())
    assert isinstance(await lane.read(pages.job()), Page)
    assert lane.pid not in (0, before)


async def test_closing_ends_the_process() -> None:
    lane = Lane(traineddata.folder(["eng"]), "eng", 60.0)
    await lane.start()
    pid = lane.pid
    await lane.close()
    assert not alive(pid)


async def test_signals_to_the_whole_group_do_not_end_a_worker(lane: Lane) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(lane.pid, number)
    before = lane.pid
    assert isinstance(await lane.read(pages.job()), Page)
    assert lane.pid == before


async def test_damaged_language_data_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "eng.traineddata").write_bytes(b"not what Tesseract wrote")
    with pytest.raises(OcrWontStart, match=str(tmp_path)):
        await Lane(tmp_path, "eng", 60.0).start()
