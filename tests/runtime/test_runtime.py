"""A gateway without its HTTP: how it starts, what it does while the store is away, and what it leaves in order."""

import asyncio
import time
import uuid
from pathlib import Path

import pytest

from oneai import runtime
from oneai.core import usage
from oneai.core.breaker import State
from oneai.core.outcome import Verdict
from oneai.core.recent import Ended
from oneai.core.usage import timestamp
from oneai.errors import HomeInUse, StoreAway, StoreRefused
from oneai.runtime import Runtime, patience
from oneai.store import snapshot
from oneai.types import Attempt
from tests.core.rows_of import row
from tests.core.walks import call
from tests.fakes import model_server
from tests.fakes.stores import ToldStore
from tests.fakes.waiting import until
from tests.runtime.conftest import Open, writable


def note(running: Runtime, code: str = "lp1", outcome: str = "ok", id: str = "id-1") -> Attempt:
    attempt = Attempt(id=id, model=code, outcome=outcome, started_at=1_700_000_000.0, latency_ms=5)
    running.health.note(attempt)
    return attempt


async def test_it_serves_what_the_store_holds(open_runtime: Open) -> None:
    async with open_runtime() as running:
        report = running.report()
        assert (report.models, report.tasks, report.store["up"], report.troubles) == (3, 2, True, [])


async def test_it_starts_from_the_snapshot_while_the_store_is_away(open_runtime: Open, store: ToldStore) -> None:
    async with open_runtime():
        pass
    store.away = "no route"
    async with open_runtime() as running:
        assert set(running.registry.models) == {"lp1", "lp2", "op1"}
        assert "a" * 64 in running.registry.keys
        assert "the store does not answer" in running.report().troubles


async def test_it_starts_from_the_snapshot_while_the_store_refuses_it(
    open_runtime: Open, store: ToldStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_runtime():
        pass

    async def refuse() -> list[dict[str, object]]:
        raise StoreRefused(why="invalid API key")

    monkeypatch.setattr(store, "models", refuse)
    async with open_runtime() as running:
        assert len(running.registry.models) == 3


async def test_without_store_and_snapshot_it_ends_with_what_is_wrong(open_runtime: Open, store: ToldStore) -> None:
    store.away = "no route"
    with pytest.raises(StoreAway, match="no route"):
        async with open_runtime():
            pass


async def test_another_stores_snapshot_is_not_served(open_runtime: Open, store: ToldStore) -> None:
    async with open_runtime():
        pass
    store.away = "no route"
    with pytest.raises(StoreAway):
        async with open_runtime(SUPABASE_URL="https://other.example"):
            pass


async def test_a_store_that_shows_nothing_at_a_start_does_not_wipe_what_it_held(
    open_runtime: Open, store: ToldStore, home: Path
) -> None:
    async with open_runtime():
        pass
    store.blank = True
    async with open_runtime() as running:
        assert len(running.registry.models) == 3
        assert any("not believed" in trouble for trouble in running.report().troubles)
    kept = snapshot.load(home / "registry.snapshot")
    assert kept is not None
    assert len(kept.models) == 3


async def test_a_first_start_over_an_empty_store_is_no_doubt(open_runtime: Open, store: ToldStore) -> None:
    store.blank = True
    async with open_runtime() as running:
        assert (running.registry.models, running.report().troubles) == ({}, [])


async def test_a_store_that_comes_back_is_read_again(
    open_runtime: Open, store: ToldStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_runtime():
        pass
    store.away = "no route"
    monkeypatch.setattr(runtime, "REFRESH_S", 0.01)
    async with open_runtime() as running:
        with pytest.raises(StoreAway, match="no route"):
            await running.reload()
        store.away = None
        await store.put_models(writable(row("lp3")))
        await until(lambda: "lp3" in running.registry.models)
        await until(lambda: running.report().troubles == [])


async def test_a_store_that_goes_away_while_serving_is_said_and_the_registry_stays(
    open_runtime: Open, store: ToldStore
) -> None:
    async with open_runtime() as running:
        store.away = "no route"
        with pytest.raises(StoreAway):
            await running.reload()
        assert len(running.registry.models) == 3
        assert running.report().troubles == ["the store does not answer"]


async def test_a_store_that_hangs_is_away_and_hangs_nothing_else(
    open_runtime: Open, store: ToldStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "ANSWER_S", 0.02)
    async with open_runtime() as running:
        store.hangs = True
        async with asyncio.timeout(10):
            with pytest.raises(StoreAway):
                await running.reload()
            with pytest.raises(StoreAway):
                await running.story("run_unknown")
        assert len(running.registry.models) == 3
        store.hangs = False
        assert await running.reload() == (True, "")


async def test_a_store_that_hangs_when_it_is_opened_is_away(
    open_runtime: Open, store: ToldStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "ANSWER_S", 0.02)
    store.hangs = True
    async with asyncio.timeout(10):
        with pytest.raises(StoreAway):
            async with open_runtime():
                pass


async def test_a_second_gateway_on_one_home_is_refused(open_runtime: Open) -> None:
    async with open_runtime():
        with pytest.raises(HomeInUse):
            async with open_runtime():
                pass


async def test_the_local_key_is_made_once_for_its_owner_alone(
    open_runtime: Open, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_runtime(ADMIN_API_KEYS="") as running:
        admins = [key for key in running.registry.keys.values() if key.admin]
        assert [key.name for key in admins] == ["local"]
    made = (home / "local.key").read_text().strip()
    assert made in capsys.readouterr().err
    assert (home / "local.key").stat().st_mode & 0o777 == 0o600
    async with open_runtime(ADMIN_API_KEYS=""):
        pass
    assert (home / "local.key").read_text().strip() == made
    assert made not in capsys.readouterr().err


async def test_no_local_key_is_made_where_there_are_admin_keys(
    open_runtime: Open, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_runtime():
        pass
    assert not (home / "local.key").exists()
    assert "key" not in capsys.readouterr().err


async def test_health_reaches_the_store_and_what_failed_is_given_back(
    open_runtime: Open, store: ToldStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "FLUSH_S", 0.01)
    async with open_runtime() as running:
        for number, broken in enumerate((StoreAway(store="x", why="y"), RuntimeError("a driver's own")), start=1):
            store.breaks_health, before = broken, store.merges
            note(running)
            await until(lambda before=before: store.merges > before)  # type: ignore[misc]
            assert running.health.of("lp1").successes == number
        note(running, outcome="timeout")
        store.breaks_health = None
        await until(lambda: not running.health.of("lp1").changed)
        [kept] = await store.health()
        assert (kept["success_count"], kept["failure_count"]) == (2, 1)


async def test_old_usage_goes_soon_after_a_start_for_some_gateways_start_daily(
    open_runtime: Open, store: ToldStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "PRUNE_FIRST_S", 0.01)
    for id, made in (("old", "2020-01-02T00:00:00.000Z"), ("new", timestamp(time.time()))):
        row = usage.row(call(id=id), Attempt(id=str(uuid.uuid4()), model="lp1", outcome="ok"), 1)
        await store.add_usage([row | {"created_at": made}])
    async with open_runtime(ONEAI_RETENTION_DAYS="30"):

        async def gone() -> bool:
            return not await store.calls("old")

        await until(gone)
        assert await store.calls("new")


async def test_circuits_that_a_gateway_left_open_are_not_so_for_ever(
    open_runtime: Open, store: ToldStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_runtime() as running:
        for _ in range(2):
            admission = running.pipeline.availability.circuit("lp1").admit(0.0, 1.0)
            assert admission is not None
            running.pipeline.availability.circuit("lp1").settle(admission, Verdict.CONNECT_FAILURE, 0.0, 0.5)
        note(running, outcome="unreachable")
    assert [row["circuit_state"] for row in await store.health()] == ["open"]
    monkeypatch.setattr(runtime, "FLUSH_S", 0.01)
    async with open_runtime():

        async def closed() -> bool:
            return [row["circuit_state"] for row in await store.health()] == ["closed"]

        await until(closed)
    [kept] = await store.health()
    assert (kept["status"], kept["failure_count"], kept["last_error_message"]) == ("healthy", 1, "unreachable")


async def test_what_is_left_is_flushed_at_the_end(open_runtime: Open, store: ToldStore) -> None:
    async with open_runtime() as running:
        note(running)
    [kept] = await store.health()
    assert kept["success_count"] == 1


async def test_rows_reach_the_store_though_shipping_broke_once(
    open_runtime: Open, store: ToldStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "TEND_S", 0.01)
    broken, add = [RuntimeError("a driver's own")], store.add_usage

    async def break_once(rows: list[dict[str, object]]) -> None:
        if broken:
            raise broken.pop()
        await add(rows)

    monkeypatch.setattr(store, "add_usage", break_once)
    async with model_server.serving() as server, open_runtime(MODEL_LP1_ENDPOINT=server.endpoint) as running:
        await running.pipeline.answer(call(id="run_shipped"))
        await until(lambda: not broken)

        async def shipped() -> bool:
            return bool(await store.calls("run_shipped"))

        await until(shipped)


async def test_a_story_is_told_from_memory_the_journal_and_the_store(open_runtime: Open, store: ToldStore) -> None:
    async with model_server.serving() as server, open_runtime(MODEL_LP1_ENDPOINT=server.endpoint) as running:
        done = await running.pipeline.answer(call(id="run_1", request_id="mine"))
        from_journal = await running.story("run_1")
        running.recent.add(
            Ended(id="run_1", request_id="mine", at=1.0, status=200, route="/v1/run", attempts=done.attempts)
        )
        from_memory = await running.story("mine")
        assert from_memory == await running.story("last")
    async with open_runtime() as running:
        from_store = await running.story("mine")
        assert await running.story("unheard-of") is None
    stories = [from_memory, from_journal, from_store]
    for story in stories:
        assert story is not None
        assert (story["id"], story["request_id"]) == ("run_1", "mine")
        [attempt] = story["attempts"]
        assert (attempt["model"], attempt["outcome"], attempt["tried"]) == ("lp1", "ok", True)
        assert (attempt["tokens_in"], attempt["tokens_out"]) == (12, 3)
    assert stories[0] is not None
    assert stories[0]["status"] == 200


async def test_an_open_circuit_is_probed_and_half_opens_when_its_server_answers(
    open_runtime: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "PROBE_S", 0.01)
    async with model_server.serving() as server, open_runtime(MODEL_LP1_ENDPOINT=server.endpoint) as running:
        server.listing = model_server.answers({}, 503)
        server.default = model_server.closes
        for _ in range(5):
            await asyncio.gather(running.pipeline.answer(call(falls_back=False)), return_exceptions=True)
        circuit = running.pipeline.availability.circuit("lp1")
        assert circuit.state is State.OPEN
        before = len(server.heard)
        await until(lambda: len(server.asked) > 2)
        assert circuit.state is State.OPEN
        server.listing = model_server.answers(model_server.models("x"))
        await until(lambda: circuit.state is State.HALF_OPEN)
        assert len(server.heard) == before
        assert running.reset("lp1") == "half_open"
        assert running.status_of("lp1") == "healthy"


async def test_no_more_than_so_many_servers_are_probed_at_once(
    open_runtime: Open, store: ToldStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "PROBED_AT_ONCE", 2)
    await store.put_models(writable(*(row(f"op{number}") for number in range(2, 7))))
    under_way, most, asked = 0, 0, 0

    async def answers(*_: object) -> bool:
        nonlocal under_way, most, asked
        under_way, asked = under_way + 1, asked + 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return False

    monkeypatch.setattr("oneai.upstream.probe.answers", answers)
    async with open_runtime() as running:
        for code in running.registry.models:
            circuit = running.pipeline.availability.circuit(code)
            for _ in range(5):
                admission = circuit.admit(0.0, 1.0)
                if admission is not None:
                    circuit.settle(admission, Verdict.FAILURE, 0.0, 0.5)
        await running._probe()
    assert (asked, most) == (8, 2)


async def test_served_names_are_learnt_and_survive_a_restart(
    open_runtime: Open, store: ToldStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "NAMES_S", 0.01)
    async with model_server.serving() as server:
        async with open_runtime(MODEL_LP1_ENDPOINT=server.endpoint) as running:
            await until(lambda: running.state()["models"]["lp1"]["served_model"] == "served-name")
            await until(lambda: b"served-name" in (home / "registry.snapshot").read_bytes())
        store.away = "no route"
        monkeypatch.setattr(runtime, "NAMES_S", 60.0)
        async with open_runtime(MODEL_LP1_ENDPOINT=server.endpoint) as running:
            await running.pipeline.answer(call())
            assert server.heard[-1].json()["model"] == "served-name"


async def test_an_override_of_the_environment_wins_over_the_row(open_runtime: Open) -> None:
    async with open_runtime(MODEL_LP1_TIMEOUT="1234") as running:
        assert running.registry.models["lp1"].timeout_ms == 1234
