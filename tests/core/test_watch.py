"""Limits of time on the many waits of one task."""

import asyncio

import pytest

from oneai.core.watch import Watch
from tests.fakes.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_wait_that_takes_too_long_is_a_time_out() -> None:
    watch, loop = Watch(), asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(TimeoutError), watch.within(5):
        await asyncio.sleep(60)
    assert loop.time() - started == 5


@in_virtual_time
async def test_each_wait_has_its_own_time() -> None:
    watch = Watch()
    for seconds in (4, 4, 9, 1):
        with watch.within(seconds + 1):
            await asyncio.sleep(seconds)
    watch.stop()


@in_virtual_time
async def test_a_shorter_wait_after_a_long_one_is_held_to_its_own_time() -> None:
    watch, loop = Watch(), asyncio.get_running_loop()
    with watch.within(60):
        await asyncio.sleep(1)
    started = loop.time()
    with pytest.raises(TimeoutError), watch.within(2):
        await asyncio.sleep(30)
    assert loop.time() - started == 2


@in_virtual_time
async def test_between_waits_nothing_rings() -> None:
    watch = Watch()
    with watch.within(1):
        pass
    await asyncio.sleep(10)


@in_virtual_time
async def test_after_a_time_out_the_task_goes_on() -> None:
    watch = Watch()
    for _ in range(2):
        with pytest.raises(TimeoutError), watch.within(1):
            await asyncio.sleep(10)
    await asyncio.sleep(10)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@in_virtual_time
async def test_a_cancellation_from_outside_stays_one() -> None:
    async def waits() -> None:
        with Watch().within(60):
            await asyncio.sleep(600)

    waiting = asyncio.create_task(waits())
    await asyncio.sleep(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@in_virtual_time
async def test_a_stopped_watch_rings_no_more() -> None:
    watch = Watch()
    with watch.within(1):
        watch.stop()
        await asyncio.sleep(10)
