import asyncio
from collections.abc import Awaitable, Callable

import pytest

from oneai.core.limit import Limit


async def limited(seconds: float, work: Callable[[], Awaitable[object]]) -> object:
    with Limit(seconds):
        return await work()


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_what_is_through_in_time_gives_its_result() -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    assert await limited(10, work) == "done"


async def test_what_is_not_raises_a_time_out_and_leaves_the_task_uncancelled() -> None:
    with pytest.raises(TimeoutError):
        await limited(0, for_ever)

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_a_cancellation_from_outside_passes_as_itself() -> None:
    task = asyncio.create_task(limited(10, for_ever))
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_that_comes_together_with_the_limit_wins() -> None:
    started = asyncio.Event()

    async def work() -> None:
        started.set()
        await for_ever()

    limit = Limit(10)

    async def run() -> None:
        with limit:
            await work()

    task = asyncio.create_task(run())
    await started.wait()
    limit._ring()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_block_is_its_own_even_where_the_limit_has_rung() -> None:
    async def work() -> None:
        try:
            await for_ever()
        except asyncio.CancelledError:
            raise ValueError("its own") from None

    with pytest.raises(ValueError, match="its own"):
        await limited(0, work)

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_limit_inside_a_limit_ends_only_its_own_block() -> None:
    async def work() -> str:
        with pytest.raises(TimeoutError):
            await limited(0, for_ever)
        return "went on"

    assert await limited(10, work) == "went on"


async def test_a_limit_that_was_kept_never_rings_later() -> None:
    limit = Limit(0)
    with limit:
        pass

    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert not limit._rang
