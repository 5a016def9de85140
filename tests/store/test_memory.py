from uuid import UUID

import pytest

from oneai.errors import StoreAway, StoreRefused
from oneai.store import UsageQuery
from oneai.store.memory import MemoryStore
from oneai.types import Row

MODEL: Row = {
    "model_code": "op1",
    "domain": "ocr",
    "role": "primary",
    "provider": "paddle",
    "endpoint": "http://spark.example:8000/v1/chat/completions",
}


def attempt(number: int) -> Row:
    return {"id": str(UUID(int=number)), "model_code": "op1", "task": "ocr", "call_id": "run_1"}


async def test_a_store_that_is_told_to_be_away_is_until_it_is_told_otherwise() -> None:
    store = MemoryStore()
    await store.put_models([MODEL])
    store.away = "the cable is out"
    for call in (
        store.models(),
        store.keys(),
        store.health(),
        store.check(),
        store.calls("run_1"),
        store.put_models([]),
        store.change_model("op1", {}),
        store.purge_model("op1"),
        store.put_key({}),
        store.merge_health([]),
        store.add_usage([]),
        store.usage(UsageQuery(since="2026-01-01T00:00:00Z")),
        store.prune("2026-01-01T00:00:00Z"),
    ):
        with pytest.raises(StoreAway, match="the cable is out"):
            await call
    store.away = None
    assert [row["model_code"] for row in await store.models()] == ["op1"]


async def test_a_store_refuses_the_rows_it_is_told_to_with_their_whole_batch() -> None:
    store = MemoryStore()
    await store.put_models([MODEL])
    bad = attempt(2)["id"]
    store.refuses = lambda row: "it is the second" if row["id"] == bad else None
    with pytest.raises(StoreRefused, match="it is the second"):
        await store.add_usage([attempt(1), attempt(2)])
    assert await store.calls("run_1") == []
    await store.add_usage([attempt(1)])
    assert len(await store.calls("run_1")) == 1


async def test_what_a_caller_does_to_its_rows_does_not_reach_the_store() -> None:
    store = MemoryStore()
    meta: Row = {"name": "PaddleOCR"}
    await store.put_models([MODEL | {"meta": meta}])
    meta["name"] = "changed"
    (await store.models())[0]["meta"]["name"] = "changed too"
    assert (await store.models())[0]["meta"] == {"name": "PaddleOCR"}
