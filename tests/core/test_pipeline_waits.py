"""A call on its way past open circuits and full models, and one whose client leaves."""

import asyncio
from typing import Any

import pytest

from oneai.core.breaker import State
from oneai.errors import (
    ChainExhausted,
    DeadlinePassed,
    ModelsBusy,
    NothingCanAnswer,
    OneAIError,
)
from oneai.types import Attempt
from tests.core import walks
from tests.core.walks import World, chain_of, hangs, link, says, takes, trail, unusable
from tests.fakes.virtual_time import in_virtual_time


async def ends(world: World, **fields: Any) -> OneAIError:
    with pytest.raises(OneAIError) as caught:
        await world.ask(**fields)
    return caught.value


async def test_an_open_circuit_is_passed_over() -> None:
    world = World(*chain_of("lp1", "lp2"))
    world.servers = {"lp2": says()}
    await world.fail("lp1", 5)
    done = await world.ask()
    assert trail(done.attempts) == ["lp1=circuit_open", "lp2=ok"]
    assert done.attempts[0].circuit == "open"
    assert world.asked == ["lp2"]


@in_virtual_time
async def test_with_every_circuit_open_one_call_tries_what_is_due_next_and_the_others_are_told_when() -> None:
    world = World(*chain_of("lp1", "lp2", "lp3"))
    for code in ("lp2", "lp1", "lp3"):
        await world.fail(code, 5)
        world.skew += 1.0
    world.servers |= {"lp2": takes(5.0, says("two"))}
    trying = asyncio.create_task(world.ask())
    await asyncio.sleep(0)
    others = await asyncio.gather(*(world.ask() for _ in range(3)), return_exceptions=True)
    assert world.asked == ["lp2"]
    for other in others:
        assert isinstance(other, NothingCanAnswer)
        assert other.retry_after_s is not None
        assert 1.0 <= other.retry_after_s <= 15.0
    done = await trying
    assert trail(done.attempts) == ["lp1=circuit_open", "lp3=circuit_open", "lp2=ok"]
    assert world.pipeline.availability.circuit("lp2").state is State.CLOSED


@in_virtual_time
async def test_a_model_that_fails_when_it_was_due_leaves_its_circuit_open_for_longer() -> None:
    world = World(link("lp1"))
    await world.fail("lp1", 5)
    world.servers["lp1"] = unusable("unreachable")
    assert isinstance(await ends(world), ChainExhausted)
    assert world.pipeline.availability.circuit("lp1").retry_after(world.now()) == pytest.approx(30.0)


async def test_a_busy_model_among_open_ones_is_no_reason_to_try_an_open_one() -> None:
    world = World(link("lp1", "lp2"), link("lp2", meta={"max_in_flight": 1, "when_busy": "next"}))
    await world.fail("lp1", 5)
    world.servers = {"lp1": says(), "lp2": hangs}
    holding = asyncio.create_task(world.ask(requested="lp2"))
    await asyncio.sleep(0)
    assert isinstance(await ends(world), ModelsBusy)
    assert world.asked == ["lp2"]
    holding.cancel()


async def test_a_full_model_that_passes_on_is_busy_and_the_next_is_asked() -> None:
    world = World(link("lp1", "lp2", meta={"max_in_flight": 1, "when_busy": "next"}), link("lp2"))
    world.servers = {"lp1": hangs, "lp2": says("two")}
    holding = asyncio.create_task(world.ask())
    await asyncio.sleep(0)
    assert trail((await world.ask()).attempts) == ["lp1=busy", "lp2=ok"]
    told = await ends(world, falls_back=False)
    assert isinstance(told, ModelsBusy)
    assert told.retry_after_s is not None
    holding.cancel()


@in_virtual_time
async def test_a_full_model_is_waited_for_in_order() -> None:
    world = World(link("lp1", meta={"max_in_flight": 1}))
    world.servers = {"lp1": takes(1.0, says())}
    ended: list[int] = []

    async def one(number: int) -> None:
        await world.ask()
        ended.append(number)

    await asyncio.gather(*(one(number) for number in range(5)))
    assert ended == [0, 1, 2, 3, 4]
    assert world.now() == pytest.approx(5.0)


@in_virtual_time
async def test_waiting_for_room_is_no_time_of_the_attempts() -> None:
    world = World(link("lp1", timeout_ms=10_000, meta={"max_in_flight": 1}))
    world.servers = {"lp1": takes(8.0, says())}
    first, second = await asyncio.gather(world.ask(), world.ask())
    assert [done.attempts[0].latency_ms for done in (first, second)] == [8_000, 8_000]


@in_virtual_time
async def test_after_waiting_for_room_a_cut_by_the_deadline_is_not_the_models_time_out() -> None:
    world = World(link("lp1", timeout_ms=120_000, meta={"max_in_flight": 1}))
    world.servers = {"lp1": takes(100.0, says())}
    first = asyncio.create_task(world.ask())
    await asyncio.sleep(0)
    told = await ends(world, timeout_s=130.0)
    assert isinstance(told, DeadlinePassed)
    assert trail(told.attempts) == ["lp1=deadline"]
    assert world.now() == pytest.approx(130.0)
    await first


@in_virtual_time
async def test_a_place_that_never_comes_free_is_busy_at_the_deadline() -> None:
    world = World(link("lp1", timeout_ms=600_000, meta={"max_in_flight": 1}))
    world.servers = {"lp1": hangs}
    holding = asyncio.create_task(world.ask())
    await asyncio.sleep(0)
    assert isinstance(await ends(world, timeout_s=10.0), ModelsBusy)
    assert world.pipeline.availability.room(world.registry.models["lp1"]).in_flight == 1
    holding.cancel()


async def test_a_raised_limit_lets_in_who_waits() -> None:
    world = World(link("lp1", meta={"max_in_flight": 1}))
    world.servers = {"lp1": hangs}
    calls = [asyncio.create_task(world.ask()) for _ in range(2)]
    await asyncio.sleep(0)
    assert len(world.heard) == 1
    world.registry = World(link("lp1", meta={"max_in_flight": 2})).registry
    world.pipeline.availability.room(world.registry.models["lp1"])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(world.heard) == 2
    for waiting in calls:
        waiting.cancel()


async def test_a_client_that_leaves_is_recorded_and_gives_everything_back() -> None:
    world = World(*chain_of("lp1", "lp2"))
    world.servers = {"lp1": hangs}
    seen: list[Attempt] = []
    calling = asyncio.create_task(world.pipeline.answer(walks.call(), seen))
    await asyncio.sleep(0)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert world.memory.outcomes == ["lp1=client_gone"]
    assert trail(seen) == ["lp1=client_gone"]
    assert world.asked == ["lp1"]
    assert world.pipeline.availability.room(world.registry.models["lp1"]).in_flight == 0
    assert world.pipeline.availability.circuit("lp1").failures_in_a_row == 0


@in_virtual_time
async def test_a_client_that_leaves_gives_the_lease_of_a_half_open_circuit_back() -> None:
    world = World(link("lp1"))
    await world.fail("lp1", 5)
    world.skew += 20.0
    world.servers["lp1"] = hangs
    calling = asyncio.create_task(world.ask())
    await asyncio.sleep(0)
    assert world.pipeline.availability.circuit("lp1").is_shut(world.now())
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    assert not world.pipeline.availability.circuit("lp1").is_shut(world.now())
    world.servers["lp1"] = says()
    assert (await world.ask()).model.code == "lp1"


async def test_a_client_that_leaves_while_it_waits_leaves_no_trace() -> None:
    world = World(link("lp1", meta={"max_in_flight": 1}))
    world.servers = {"lp1": hangs}
    holding, waiting = asyncio.create_task(world.ask()), asyncio.create_task(world.ask())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert world.memory.outcomes == []
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)
    assert world.pipeline.availability.room(world.registry.models["lp1"]).in_flight == 0
