"""The contract that every store keeps, backend by backend (see conftest.py)."""

import random
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from oneai.errors import StoreRefused
from oneai.store import HealthDelta, Store, UsageLine, UsageQuery
from oneai.types import Row

AWKWARD = [
    "danger:v2",
    "a,b",
    "a.b",
    "(a)",
    'quo"te',
    "apo'strophe",
    "back\\slash",
    "per%cent _under",
    "Grüße 模型 🚪",
    "null",
    "eq.x)&or=(y",
    "{a}",
    "new\nline",
    " edge ",
]


def model(code: str, **changes: Any) -> Row:
    return {
        "model_code": code,
        "domain": "ocr",
        "role": "primary",
        "provider": "paddle",
        "endpoint": "http://spark.example:8000/v1/chat/completions",
        "timeout_ms": 120_000,
        "max_tokens": 8192,
        "active": True,
        "fallback_model_code": None,
        "meta": {},
    } | changes


def attempt(number: int, **changes: Any) -> Row:
    return {
        "id": str(UUID(int=number)),
        "model_code": "op1",
        "task": "ocr",
        "tokens_in": 10,
        "tokens_out": 5,
        "latency_ms": 100,
        "cost_usd": 0.25,
        "success": True,
        "created_at": "2026-01-02T03:04:05.678Z",
        "call_id": f"run_{number}",
        "request_id": f"req_{number}",
        "key_name": "n8n",
        "attempt": 1,
    } | changes


def key(name: str, **changes: Any) -> Row:
    return {
        "key_hash": name.encode().hex(),
        "name": name,
        "allow": None,
        "admin": False,
        "expires_at": None,
        "max_in_flight": None,
        "revoked_at": None,
    } | changes


def delta(code: str, **changes: Any) -> HealthDelta:
    fresh = HealthDelta(
        model_code=code,
        successes=3,
        failures=1,
        consecutive_failures=1,
        status="degraded",
        circuit_state="open",
        circuit_opened_at="2026-01-02T03:04:05.678Z",
        last_success_at="2026-01-02T03:04:00.000Z",
        last_failure_at="2026-01-02T03:04:05.000Z",
        last_error_message="it hung",
        avg_latency_ms=640,
        p95_latency_ms=1200,
        updated_at="2026-01-02T03:04:06.000Z",
    )
    return replace(fresh, **changes)


async def by_code(store: Store) -> dict[str, Row]:
    return {row["model_code"]: row for row in await store.models()}


async def lines(store: Store, by: str = "model", exact: bool = False) -> list[UsageLine]:
    return await store.usage(UsageQuery(since="2026-01-01T00:00:00Z", by=by, exact=exact))


async def total(store: Store) -> int:
    rolled, counted = [sum(line.calls for line in await lines(store, exact=exact)) for exact in (False, True)]
    assert rolled == counted
    return rolled


async def test_a_new_store_is_empty(store: Store) -> None:
    assert [*await store.models(), *await store.keys(), *await store.health()] == []
    assert await total(store) == 0


async def test_models_come_back_as_they_went_in(store: Store) -> None:
    row = model("op1", active=False, meta={"name": "PaddleOCR", "price": {"in": 0.5}, "aliases": ["a", None, True]})
    await store.put_models([row])
    (found,) = await store.models()
    assert {name: found[name] for name in row} == row


async def test_models_may_name_each_other_in_any_order(store: Store) -> None:
    rows = [model("op1", fallback_model_code="op2"), model("op2", fallback_model_code="op3"), model("op3")]
    await store.put_models(rows)
    assert [row["fallback_model_code"] for row in await store.models()] == ["op2", "op3", None]


async def test_models_may_name_each_other_in_a_circle_and_themselves(store: Store) -> None:
    await store.put_models(
        [
            model("op1", fallback_model_code="op2"),
            model("op2", fallback_model_code="op1"),
            model("op3", fallback_model_code="op3"),
        ]
    )
    assert [row["fallback_model_code"] for row in await store.models()] == ["op2", "op1", "op3"]


async def test_a_fallback_that_is_no_model_is_refused_with_its_whole_batch(store: Store) -> None:
    with pytest.raises(StoreRefused):
        await store.put_models([model("op1"), model("op2", fallback_model_code="op9")])
    assert await store.models() == []


@pytest.mark.parametrize("column", ["model_code", "domain", "endpoint"])
async def test_a_model_without_what_it_must_have_is_refused(store: Store, column: str) -> None:
    with pytest.raises(StoreRefused):
        await store.put_models([model("op2"), model("op1") | {column: None}])
    assert await store.models() == []


async def test_one_code_twice_in_a_batch_is_refused(store: Store) -> None:
    with pytest.raises(StoreRefused):
        await store.put_models([model("op1"), model("op1", provider="other")])


async def test_a_replaced_model_keeps_when_it_was_made(store: Store) -> None:
    await store.put_models([model("op1"), model("op2", fallback_model_code="op1")])
    before = await by_code(store)
    await store.put_models([model("op1", provider="olmocr")])
    after = await by_code(store)
    assert after["op1"]["provider"] == "olmocr"
    assert after["op1"]["created_at"] == before["op1"]["created_at"]
    assert after["op1"]["updated_at"] >= before["op1"]["updated_at"]
    assert after["op2"] == before["op2"]


async def test_a_model_is_changed_in_the_named_columns_only(store: Store) -> None:
    await store.put_models([model("op1"), model("op2")])
    assert await store.change_model("op1", {"fallback_model_code": "op2", "active": False, "meta": {"a": [1]}})
    found = await by_code(store)
    assert (found["op1"]["fallback_model_code"], found["op1"]["active"], found["op1"]["meta"]) == (
        "op2",
        False,
        {"a": [1]},
    )
    assert found["op1"]["endpoint"] == model("op1")["endpoint"]
    assert found["op2"]["active"] is True


async def test_changing_a_missing_model_changes_nothing(store: Store) -> None:
    await store.put_models([model("op1")])
    before = await store.models()
    assert not await store.change_model("op9", {"active": False})
    assert await store.models() == before


async def test_a_change_to_a_fallback_that_is_no_model_is_refused(store: Store) -> None:
    await store.put_models([model("op1")])
    with pytest.raises(StoreRefused):
        await store.change_model("op1", {"fallback_model_code": "op9"})
    assert (await store.models())[0]["fallback_model_code"] is None


async def test_all_of_more_models_than_a_page_holds_are_read_once_and_in_order(store: Store) -> None:
    codes = [f"op{number}" for number in range(2500)]
    await store.put_models([model(code) for code in codes])
    found = [row["model_code"] for row in await store.models()]
    assert found == sorted(codes)


@pytest.mark.parametrize("text", AWKWARD)
async def test_awkward_texts_are_values_and_never_syntax(store: Store, text: str) -> None:
    await store.put_models([model(text, provider=text, meta={text: text}, fallback_model_code=text), model("op1")])
    assert await store.change_model(text, {"endpoint": text})
    row = (await by_code(store))[text]
    assert (row["provider"], row["endpoint"], row["meta"]) == (text, text, {text: text})

    await store.put_key(key("n", key_hash=text) | {"name": text, "allow": [text]})
    assert [(row["key_hash"], row["name"], row["allow"]) for row in await store.keys()] == [(text, text, [text])]

    ours = {"model_code": text, "task": text, "key_name": text, "call_id": text, "message": text}
    await store.add_usage([attempt(1, request_id=text, **ours), attempt(2)])
    assert [row["message"] for row in await store.calls(text)] == [text]
    assert {line.group for line in await lines(store)} == {text, "op1"}
    assert {line.group for line in await lines(store, "key", exact=True)} == {text, "n8n"}

    await store.merge_health([delta(text, last_error_message=text)])
    assert [row["last_error_message"] for row in await store.health()] == [text]
    assert await store.purge_model(text)
    assert list(await by_code(store)) == ["op1"]


async def test_a_purged_model_leaves_nothing_behind(store: Store) -> None:
    await store.put_models([model("op1", fallback_model_code="op2"), model("op2", fallback_model_code="op2")])
    await store.add_usage([attempt(1), attempt(2, model_code="op2")])
    await store.merge_health([delta("op1"), delta("op2")])
    assert await store.purge_model("op2")
    assert [(row["model_code"], row["fallback_model_code"]) for row in await store.models()] == [("op1", None)]
    assert [row["model_code"] for row in await store.health()] == ["op1"]
    assert await store.calls("run_2") == []
    for exact in (False, True):
        assert [line.group for line in await lines(store, exact=exact)] == ["op1"]


async def test_purging_a_missing_model_touches_nothing(store: Store) -> None:
    await store.put_models([model("op1")])
    await store.add_usage([attempt(1)])
    assert not await store.purge_model("op9")
    assert await total(store) == 1


async def test_keys_come_back_as_they_went_in(store: Store) -> None:
    row = key("n8n", allow=["op1", "l"], admin=True, max_in_flight=4)
    await store.put_key(row)
    (found,) = await store.keys()
    assert {name: found[name] for name in row} == row


async def test_a_key_is_replaced_by_its_hash(store: Store) -> None:
    await store.put_key(key("n8n"))
    (before,) = await store.keys()
    await store.put_key(key("n8n", revoked_at="2026-01-02T00:00:00Z"))
    (after,) = await store.keys()
    assert after["revoked_at"].startswith("2026-01-02T00:00:00")
    assert after["created_at"] == before["created_at"]


async def test_a_name_belongs_to_one_live_key_and_any_number_of_revoked_ones(store: Store) -> None:
    await store.put_key(key("n8n", revoked_at="2026-01-02T00:00:00Z"))
    await store.put_key(key("n8n", key_hash="aa", revoked_at="2026-01-03T00:00:00Z"))
    await store.put_key(key("n8n", key_hash="bb"))
    with pytest.raises(StoreRefused):
        await store.put_key(key("n8n", key_hash="cc"))
    assert {row["key_hash"] for row in await store.keys()} == {key("n8n")["key_hash"], "aa", "bb"}


async def test_health_adds_counts_and_sets_states(store: Store) -> None:
    await store.put_models([model("op1")])
    await store.merge_health([delta("op1")])
    await store.merge_health(
        [delta("op1", consecutive_failures=0, status="healthy", circuit_state="closed", circuit_opened_at=None)]
    )
    (row,) = await store.health()
    assert (row["success_count"], row["failure_count"], row["consecutive_failures"]) == (6, 2, 0)
    assert (row["status"], row["circuit_state"], row["circuit_opened_at"]) == ("healthy", "closed", None)


async def test_health_keeps_what_a_delta_does_not_know(store: Store) -> None:
    await store.put_models([model("op1")])
    await store.merge_health([delta("op1")])
    before = (await store.health())[0]
    unknown = dict.fromkeys(("last_failure_at", "last_error_message", "avg_latency_ms", "p95_latency_ms"))
    await store.merge_health([delta("op1", last_success_at="2026-01-02T04:00:00.000Z", **unknown)])
    after = (await store.health())[0]
    assert after["last_success_at"].startswith("2026-01-02T04:00:00")
    assert {name: after[name] for name in unknown} == {name: before[name] for name in unknown}


async def test_health_of_a_model_that_is_gone_is_passed_over(store: Store) -> None:
    await store.put_models([model("op1")])
    await store.merge_health([delta("op9"), delta("op1")])
    assert [row["model_code"] for row in await store.health()] == ["op1"]


async def test_a_batch_sent_twice_counts_once(store: Store) -> None:
    await store.put_models([model("op1")])
    batch = [attempt(number) for number in range(1, 51)]
    await store.add_usage(batch)
    await store.add_usage(batch)
    assert await total(store) == 50


async def test_overlapping_batches_count_each_row_once(store: Store) -> None:
    await store.put_models([model("op1")])
    rows = [attempt(number) for number in range(1, 31)]
    await store.add_usage(rows[:20])
    await store.add_usage(rows[10:])
    await store.add_usage([*rows[5:8], *rows[5:8]])
    assert await total(store) == 30


async def test_more_rows_than_one_batch_holds_all_go_in(store: Store) -> None:
    await store.put_models([model("op1")])
    await store.add_usage([attempt(number) for number in range(1, 502)])
    assert await total(store) == 501


@pytest.mark.parametrize(
    "fault",
    [
        {"model_code": "op9"},
        {"model_code": None},
        {"task": None},
        {"tenant_id": "no uuid"},
        {"tokens_in": "many"},
        {"created_at": "yesterday-ish"},
    ],
)
async def test_a_refused_batch_leaves_nothing_behind(store: Store, fault: Row) -> None:
    await store.put_models([model("op1")])
    with pytest.raises(StoreRefused):
        await store.add_usage([attempt(1), attempt(2) | fault, attempt(3)])
    assert await total(store) == 0
    await store.add_usage([attempt(1), attempt(3)])
    assert await total(store) == 2


async def test_columns_that_the_table_lacks_are_left_out(store: Store) -> None:
    await store.put_models([model("op1")])
    await store.add_usage([attempt(1, a_column_of_tomorrow="x")])
    assert "a_column_of_tomorrow" not in (await store.calls("run_1"))[0]


@pytest.mark.parametrize("by", ["model", "key", "task"])
async def test_rollups_and_rows_agree(store: Store, by: str) -> None:
    dice = random.Random(3)
    await store.put_models([model(code) for code in ("op1", "op2", "lp1")])
    rows = [
        attempt(
            number,
            model_code=dice.choice(["op1", "op1", "op2", "lp1"]),
            task=dice.choice(["ocr", "llm"]),
            key_name=dice.choice(["n8n", "dev", None]),
            success=dice.random() > 0.2,
            latency_ms=dice.choice([None, int(dice.lognormvariate(6, 1)) + 1]),
            tokens_in=dice.choice([None, dice.randrange(2000)]),
            tokens_out=dice.choice([None, dice.randrange(500)]),
            cost_usd=dice.choice([None, 0.5, 0.125]),
            created_at=f"2026-01-0{dice.randrange(1, 4)}T{dice.randrange(24):02}:{dice.randrange(60):02}:01.5Z",
        )
        for number in range(1, 801)
    ]
    for start in range(0, 800, 160):
        await store.add_usage(rows[start : start + 160])
    rolled, counted = await lines(store, by), await lines(store, by, exact=True)
    assert sum(line.calls for line in counted) == 800
    assert [replace(line, p50_ms=None, p95_ms=None) for line in rolled] == [
        replace(line, p50_ms=None, p95_ms=None) for line in counted
    ]
    for near, true in zip(rolled, counted, strict=True):
        assert near.p50_ms == pytest.approx(true.p50_ms, rel=0.05)
        assert near.p95_ms == pytest.approx(true.p95_ms, rel=0.05)


@pytest.mark.parametrize(("exact", "off"), [(False, 0.05), (True, 0.0)])
async def test_percentiles_are_of_the_successes(store: Store, exact: bool, off: float) -> None:
    await store.put_models([model("op1")])
    slow = [attempt(500 + number, success=False, latency_ms=90_000) for number in range(50)]
    await store.add_usage([*(attempt(number, latency_ms=number * 10) for number in range(1, 101)), *slow])
    (line,) = await lines(store, exact=exact)
    assert (line.calls, line.errors) == (150, 50)
    assert line.p50_ms == pytest.approx(500, rel=off)
    assert line.p95_ms == pytest.approx(950, rel=off)


@pytest.mark.parametrize("exact", [False, True])
async def test_nothing_succeeded_means_no_percentile(store: Store, exact: bool) -> None:
    await store.put_models([model("op1")])
    await store.add_usage([attempt(1, success=False, key_name=None)])
    (line,) = await lines(store, "key", exact)
    assert line == UsageLine(
        group="", calls=1, errors=1, tokens_in=10, tokens_out=5, cost_usd=0.25, p50_ms=None, p95_ms=None
    )


async def test_usage_begins_at_the_hour_or_where_exact_at_the_moment(store: Store) -> None:
    await store.put_models([model("op1")])
    at = ("2026-01-02T02:59:59Z", "2026-01-02T03:10:00Z", "2026-01-02T03:50:00Z", "2026-01-02T04:00:00Z")
    await store.add_usage([attempt(number, created_at=moment) for number, moment in enumerate(at, 1)])
    for exact, calls in ((False, 3), (True, 2)):
        (line,) = await store.usage(UsageQuery(since="2026-01-02T04:30:00+01:00", exact=exact))
        assert line.calls == calls


async def test_the_busiest_group_comes_first(store: Store) -> None:
    await store.put_models([model("op1"), model("op2"), model("op3")])
    await store.add_usage(
        [attempt(number, model_code="op3" if number % 3 else "op2") for number in range(1, 10)]
        + [attempt(100 + number) for number in range(3)]
    )
    assert [line.group for line in await lines(store)] == ["op3", "op1", "op2"]


async def test_a_call_is_found_by_its_id_in_order_of_attempt(store: Store) -> None:
    await store.put_models([model("op1")])
    ours = {"call_id": "run_a", "request_id": "req_a"}
    await store.add_usage(
        [
            attempt(1, attempt=2, created_at="2026-01-02T03:00:02.000Z", **ours),
            attempt(2, attempt=3, created_at="2026-01-02T03:00:02.000Z", **ours),
            attempt(3, attempt=1, created_at="2026-01-02T03:00:01.000Z", **ours),
            attempt(4),
        ]
    )
    assert [row["attempt"] for row in await store.calls("run_a")] == [1, 2, 3]
    assert await store.calls("run_nowhere") == []


async def test_a_request_id_finds_each_of_its_calls_one_after_the_other(store: Store) -> None:
    await store.put_models([model("op1")])
    await store.add_usage(
        [
            attempt(1, call_id="run_b", request_id="same", attempt=1, created_at="2026-01-02T03:00:00.000Z"),
            attempt(2, call_id="run_a", request_id="same", attempt=1, created_at="2026-01-02T03:00:01.000Z"),
            attempt(3, call_id="run_b", request_id="same", attempt=2, created_at="2026-01-02T03:00:02.000Z"),
            attempt(4),
        ]
    )
    found = [(row["call_id"], row["attempt"]) for row in await store.calls("same")]
    assert found == [("run_b", 1), ("run_b", 2), ("run_a", 1)]


async def test_pruning_deletes_rows_older_than_a_moment_and_keeps_their_totals(store: Store) -> None:
    await store.put_models([model("op1")])
    old = [attempt(number, created_at="2026-01-02T03:00:00+01:00") for number in range(1, 6)]
    await store.add_usage([*old, attempt(9, created_at="2026-01-02T02:00:00.001Z")])
    assert await store.prune("2026-01-02T02:00:00.001Z") == 5
    assert await store.prune("2026-01-02T02:00:00.001Z") == 0
    assert [row["call_id"] for row in await store.calls("run_9")] == ["run_9"]
    assert await store.calls("run_1") == []
    assert [line.calls for line in await lines(store)] == [6]


async def test_a_sound_store_checks_out(store: Store) -> None:
    findings = await store.check()
    assert findings
    assert [finding for finding in findings if not finding.ok] == []
