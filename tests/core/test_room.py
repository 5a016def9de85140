import asyncio
from collections.abc import Awaitable
from random import Random

import pytest

from oneai.core import room as rooms
from oneai.core.room import Room

PATIENT_S = 3600.0


async def settled() -> None:
    """Let everything that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def waiting(room: Room, count: int) -> list[asyncio.Task[bool]]:
    tasks = [asyncio.create_task(room.enter(PATIENT_S)) for _ in range(count)]
    await settled()
    return tasks


def done(tasks: list[asyncio.Task[bool]]) -> list[bool]:
    return [task.done() for task in tasks]


async def quietly(task: Awaitable[bool]) -> None:
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_free_place_is_taken_at_once() -> None:
    room = Room(2)

    assert await room.enter(0.0)
    assert room.try_enter()
    assert not room.try_enter()
    assert room.in_flight == 2


async def test_places_go_to_who_waits_longest() -> None:
    room = Room(1)
    assert room.try_enter()
    tasks = await waiting(room, 3)

    for position in range(3):
        room.leave()
        await settled()
        assert done(tasks) == [number <= position for number in range(3)]
        assert room.in_flight == 1
    room.leave()

    assert room.in_flight == 0
    assert [await task for task in tasks] == [True] * 3


async def test_nobody_overtakes_who_waits() -> None:
    room = Room(1)
    assert room.try_enter()
    (waiter,) = await waiting(room, 1)

    room.leave()
    assert not room.try_enter()
    await settled()

    assert waiter.result() is True
    assert room.in_flight == 1


async def test_a_raised_limit_lets_nobody_overtake_who_waits() -> None:
    room = Room(1)
    assert room.try_enter()
    tasks = await waiting(room, 1)
    room.limit = 2

    assert not room.try_enter()
    room.admit_waiting()
    await settled()

    assert done(tasks) == [True]


async def test_patience_ends_and_the_place_goes_to_another() -> None:
    room = Room(1)
    assert room.try_enter()

    assert not await room.enter(0.0)
    room.leave()

    assert room.in_flight == 0
    assert room.try_enter()


async def test_a_place_that_comes_in_the_turn_in_which_patience_ends_is_not_lost() -> None:
    room = Room(1)
    assert room.try_enter()
    waiter = asyncio.create_task(room.enter(0.0))
    await asyncio.sleep(0)

    room.leave()

    assert await waiter
    assert room.in_flight == 1


async def test_who_is_cancelled_while_waiting_leaves_the_queue() -> None:
    room = Room(1)
    assert room.try_enter()
    first, second = await waiting(room, 2)

    first.cancel()
    await quietly(first)
    room.leave()
    await settled()

    assert second.result() is True
    assert room.in_flight == 1


async def test_a_place_that_comes_with_the_cancellation_goes_to_the_next() -> None:
    room = Room(1)
    assert room.try_enter()
    first, second = await waiting(room, 2)

    room.leave()
    first.cancel()
    await quietly(first)
    await settled()

    assert second.result() is True
    assert room.in_flight == 1


async def test_a_place_that_comes_after_the_cancellation_is_not_lost() -> None:
    room = Room(1)
    assert room.try_enter()
    first, second = await waiting(room, 2)

    first.cancel()
    room.leave()
    await quietly(first)
    await settled()

    assert second.result() is True
    room.leave()
    assert room.in_flight == 0


async def test_a_place_that_comes_with_the_last_ones_cancellation_is_free_again() -> None:
    room = Room(1)
    assert room.try_enter()
    (waiter,) = await waiting(room, 1)

    room.leave()
    waiter.cancel()
    await quietly(waiter)

    assert room.in_flight == 0
    assert room.try_enter()


async def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "MAX_WAITING", 2)
    room = Room(1)
    assert room.try_enter()
    tasks = await waiting(room, 2)

    (turned_away,) = await waiting(room, 1)
    assert done([turned_away, *tasks]) == [True, False, False]
    assert turned_away.result() is False

    room.leave()
    await settled()
    room.leave()
    assert [await task for task in tasks] == [True, True]


async def test_a_raised_limit_admits_as_many_as_it_has_room_for() -> None:
    room = Room(1)
    assert room.try_enter()
    tasks = await waiting(room, 4)

    room.limit = 3
    room.admit_waiting()
    await settled()

    assert done(tasks) == [True, True, False, False]
    assert room.in_flight == 3
    for task in tasks[2:]:
        task.cancel()
        await quietly(task)


async def test_a_lowered_limit_admits_nobody_until_enough_have_left() -> None:
    room = Room(3)
    for _ in range(3):
        assert room.try_enter()
    tasks = await waiting(room, 1)
    room.limit = 1

    room.leave()
    room.leave()
    await settled()
    assert done(tasks) == [False]
    room.leave()
    await settled()

    assert done(tasks) == [True]
    assert room.in_flight == 1


@pytest.mark.parametrize("seed", range(20))
async def test_no_place_is_lost_or_made_however_calls_come_and_go(seed: int) -> None:
    room, inside, most = Room(3), 0, 0
    chance = Random(seed)

    async def visit() -> None:
        nonlocal inside, most
        if not await room.enter(PATIENT_S if chance.random() < 0.8 else 0.0):
            return
        try:
            inside += 1
            most = max(most, inside)
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
        finally:
            inside -= 1
            room.leave()

    tasks = [asyncio.create_task(visit()) for _ in range(60)]
    for _ in range(10_000):
        if all(task.done() for task in tasks):
            break
        assert 0 <= room.in_flight <= 3
        await asyncio.sleep(0)
        if chance.random() < 0.3:
            chance.choice(tasks).cancel()

    assert all(task.done() for task in tasks)
    for task in tasks:
        assert task.cancelled() or task.exception() is None
    assert (room.in_flight, inside) == (0, 0)
    assert most <= 3
    assert room.try_enter()
