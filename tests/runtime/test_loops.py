"""Work beside the calls: when it is done, and that no fault ends it."""

import asyncio

import pytest

from oneai.errors import StoreAway
from oneai.runtime.loops import repeat
from tests.fakes.virtual_time import in_virtual_time


class Work:
    """Notes when it is done; what it is given to raise, it raises first."""

    def __init__(self, *faults: Exception) -> None:
        self.at: list[float] = []
        self._faults = list(faults)

    async def __call__(self) -> None:
        self.at.append(asyncio.get_running_loop().time())
        if self._faults:
            raise self._faults.pop(0)


async def done_within(seconds: float, work: Work, every_s: float, first_s: float | None = None) -> list[float]:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await repeat("work", every_s, work, first_s=first_s)
    return work.at


@in_virtual_time
async def test_work_is_done_first_after_one_pause_and_then_after_each() -> None:
    assert await done_within(35, Work(), 10) == [10, 20, 30]


@in_virtual_time
async def test_what_is_due_once_a_day_is_done_soon_after_a_start() -> None:
    assert await done_within(200, Work(), 100, first_s=5) == [5, 105]


@in_virtual_time
async def test_no_fault_ends_it() -> None:
    work = Work(StoreAway(store="s", why="w"), RuntimeError("a driver's own"), StoreAway(store="s", why="w"))
    assert await done_within(45, work, 10) == [10, 20, 30, 40]
