"""A store that hangs is away after a while."""

import asyncio

import pytest

from oneai.errors import StoreAway
from oneai.runtime import patience
from tests.fakes.stores import ToldStore
from tests.fakes.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_call_that_hangs_is_a_store_that_is_away_after_half_a_minute() -> None:
    store = ToldStore()
    store.hangs = True
    began = asyncio.get_running_loop().time()
    with pytest.raises(StoreAway, match="30 s"):
        await patience.bounded(store).models()
    assert asyncio.get_running_loop().time() - began == pytest.approx(30.0)


@in_virtual_time
async def test_pruning_may_take_minutes() -> None:
    class Slow(ToldStore):
        async def prune(self, before: str) -> int:
            await asyncio.sleep(500)
            return 7

    assert await patience.bounded(Slow()).prune("2026-01-01") == 7


async def test_what_answers_and_what_it_raises_pass_through() -> None:
    store = ToldStore()
    bounded = patience.bounded(store)
    assert await bounded.models() == []
    assert bounded.name == store.name
    store.away = "no route"
    with pytest.raises(StoreAway, match="no route"):
        await bounded.models()
