"""What the Supabase store does beyond the contract: today's project as it is, pages, and what one request can't do."""

import re
from collections.abc import AsyncIterator

import pytest

from oneai.errors import StoreAway, StoreLacks
from oneai.store import UsageQuery
from oneai.store.migrations import all_sql
from tests.fakes.postgrest import OCR_MODELS, Asking, Postgrest, Refusal, on, todays
from tests.store.test_contract import attempt, delta, model

SINCE = "2026-01-01T00:00:00Z"


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def server() -> AsyncIterator[Postgrest]:
    async with todays(migrated=True) as server:
        yield server


@pytest.fixture
async def bare() -> AsyncIterator[Postgrest]:
    """A project with the three tables of today's system and nothing else."""
    async with todays(migrated=False) as server:
        yield server


def asked(server: Postgrest, method: str, table: str) -> list[dict[str, str]]:
    return [asking.query for asking in server.log if (asking.method, asking.table) == (method, table)]


def test_the_fake_has_the_tables_and_columns_of_our_scripts() -> None:
    sql = all_sql()
    tables = {
        name: set(re.findall(r"^  (\w+) (?!key)\w", body, re.MULTILINE))
        for name, body in re.findall(
            r"create table if not exists public\.(\w+) \((.*?)^\);", sql, re.DOTALL | re.MULTILINE
        )
    }
    tables["model_usage_log"] |= set(re.findall(r"add column if not exists (\w+)", sql))
    fake = Postgrest().database.tables
    assert {name: set(table.columns) for name, table in fake.items()} == tables


async def test_todays_models_are_listed_as_they_are(bare: Postgrest) -> None:
    async with on(bare) as store:
        found = await store.models()
    chain = [(row["model_code"], row["meta"]["name"], row["fallback_model_code"]) for row in found]
    assert chain == [(code, name, fallback) for code, name, _, _, fallback in OCR_MODELS]


async def test_todays_project_takes_models_and_changes(bare: Postgrest) -> None:
    async with on(bare) as store:
        await store.put_models([model("op6", fallback_model_code="op7"), model("op7")])
        assert await store.change_model("op5", {"fallback_model_code": "op6"})
        assert len(await store.models()) == 7


async def test_todays_project_logs_usage_without_the_columns_that_it_lacks(bare: Postgrest) -> None:
    async with on(bare) as store:
        await store.add_usage([attempt(1), attempt(2, success=False, error_class="timeout")])
    first, second = bare.database.rows["model_usage_log"].values()
    assert (first["tokens_in"], first["success"], second["error_class"]) == (10, True, "timeout")
    assert "call_id" not in first


async def test_missing_columns_are_learnt_once(bare: Postgrest) -> None:
    async with on(bare) as store:
        await store.add_usage([attempt(1)])
        bare.log.clear()
        await store.add_usage([attempt(2)])
    assert len(bare.log) == 1


async def test_a_migration_is_noticed_without_a_restart(bare: Postgrest) -> None:
    clock = Clock()
    async with on(bare, clock=clock) as store:
        await store.add_usage([attempt(1)])
        bare.migrate()
        clock.seconds += 299
        await store.add_usage([attempt(2)])
        clock.seconds += 2
        await store.add_usage([attempt(3)])
    logged = [row["call_id"] for row in bare.database.rows["model_usage_log"].values()]
    assert logged == [None, None, "run_3"]


async def test_todays_project_keeps_health(bare: Postgrest) -> None:
    async with on(bare) as store:
        await store.merge_health([delta("op1"), delta("op5")])
        await store.merge_health([delta("op1"), delta("op9")])
        counts = {row["model_code"]: row["success_count"] for row in await store.health()}
    assert counts == {"op1": 6, "op5": 3}


async def test_todays_project_has_no_keys_and_says_how_to_get_them(bare: Postgrest) -> None:
    async with on(bare) as store:
        with pytest.raises(StoreLacks, match=r"no table api_keys yet.*oneai db sql"):
            await store.keys()
        with pytest.raises(StoreLacks, match="table api_keys"):
            await store.put_key({"key_hash": "aa", "name": "n8n"})


async def test_todays_project_tells_no_calls(bare: Postgrest) -> None:
    async with on(bare) as store:
        await store.add_usage([attempt(1)])
        assert await store.calls("run_1") == []


@pytest.mark.parametrize("exact", [False, True])
async def test_todays_project_totals_its_rows(bare: Postgrest, exact: bool) -> None:
    async with on(bare) as store:
        await store.add_usage([attempt(1), attempt(2, latency_ms=300), attempt(3, model_code="op2", success=False)])
        lines = {by: await store.usage(UsageQuery(since=SINCE, by=by, exact=exact)) for by in ("model", "task", "key")}
    first, second = lines["model"]
    assert (first.group, first.calls, first.errors, first.tokens_in, first.cost_usd) == ("op1", 2, 0, 20, 0.5)
    assert (first.p50_ms, first.p95_ms) == (100, 300)
    assert (second.group, second.errors, second.p50_ms) == ("op2", 1, None)
    assert [(line.group, line.calls) for line in lines["task"] + lines["key"]] == [("ocr", 3), ("", 3)]


async def test_todays_project_is_pruned_and_purged(bare: Postgrest) -> None:
    async with on(bare) as store:
        await store.add_usage([attempt(1, model_code="op5"), attempt(2), attempt(3, created_at="2026-02-01T00:00:00Z")])
        assert await store.prune("2026-01-02T03:04:05Z") == 0
        assert await store.prune("2026-02-01T00:00:00Z") == 2
        await store.merge_health([delta("op5")])
        assert await store.purge_model("op5")
        assert [row["fallback_model_code"] for row in await store.models()] == ["op2", "op3", "op4", None]


async def test_checking_todays_project_finds_what_is_missing_and_nothing_fatal(bare: Postgrest) -> None:
    async with on(bare) as store:
        wrong = [finding for finding in await store.check() if not finding.ok]
    assert [finding.name for finding in wrong] == [
        "table api_keys",
        "model_usage_log, added columns",
        "table usage_hourly",
    ]
    assert not any(finding.fatal for finding in wrong)
    assert all("oneai db sql" in finding.remedy for finding in wrong)
    assert "call_id" in wrong[1].detail
    assert "run" in wrong[1].detail


async def test_checking_a_project_without_one_of_todays_tables_is_fatal(bare: Postgrest) -> None:
    bare.database.tables = {name: table for name, table in bare.database.tables.items() if name != "model_health"}
    async with on(bare) as store:
        fatal = [finding.name for finding in await store.check() if finding.fatal and not finding.ok]
    assert fatal == ["table model_health"]


async def test_checking_a_whole_project_names_the_role_and_what_it_sees(server: Postgrest) -> None:
    async with on(server) as store:
        findings = {finding.name: finding for finding in await store.check()}
    assert all(finding.ok for finding in findings.values())
    assert findings["service key"].detail == "role service_role, may write and sees 5 models"


async def test_checking_tells_a_key_that_may_only_read(server: Postgrest) -> None:
    server.readonly = True
    async with on(server) as store:
        (wrong,) = [finding for finding in await store.check() if not finding.ok]
    assert (wrong.name, wrong.fatal) == ("service key", True)
    assert "permission denied" in wrong.detail
    assert server.key not in wrong.detail


async def test_a_page_that_is_cut_short_is_not_the_last() -> None:
    async with Postgrest(max_rows=700) as server, on(server) as store:
        await store.put_models([model(f"op{number}") for number in range(1, 2501)])
        server.log.clear()
        found = [row["model_code"] for row in await store.models()]
        assert found == sorted(f"op{number}" for number in range(1, 2501))
        assert [query.get("model_code", "")[:3] for query in asked(server, "GET", "models")] == ["", *["gt."] * 4]


async def test_pages_go_on_past_any_code() -> None:
    codes = [
        "danger:v2",
        "a,b",
        "Ab",
        "aB",
        "(a)",
        'quo"te',
        "back\\slash",
        "per%cent",
        "a+b",
        "Grüße",
        " edge ",
        "null",
    ]
    async with Postgrest(max_rows=1) as server, on(server) as store:
        await store.put_models([model(code) for code in codes])
        assert [row["model_code"] for row in await store.models()] == sorted(codes)


async def test_health_of_more_models_than_an_address_holds_is_merged() -> None:
    codes = [f'a "long, code" ({number}) \\' for number in range(120)]
    async with Postgrest() as server, on(server) as store:
        await store.put_models([model(code) for code in codes])
        await store.merge_health([delta(code) for code in codes])
        await store.merge_health([delta(code) for code in codes])
        assert [row["success_count"] for row in await store.health()] == [6] * 120


async def test_rows_go_in_by_five_hundred_and_come_out_by_the_page() -> None:
    async with Postgrest(max_rows=100) as server, on(server) as store:
        await store.put_models([model("op1")])
        days = [f"2026-01-{day:02}T{hour:02}:30:00Z" for day in range(1, 31) for hour in range(24)]
        await store.add_usage([attempt(number, created_at=at) for number, at in enumerate(days, 1)])
        sizes = [asking.rows for asking in server.log if asking.table == "model_usage_log"]
        assert sizes == [500, 220]
        for exact in (False, True):
            (line,) = await store.usage(UsageQuery(since=SINCE, exact=exact))
            assert (line.calls, line.tokens_in) == (720, 7200)


async def test_a_roll_up_that_moves_to_a_later_page_meanwhile_counts_once() -> None:
    async with Postgrest(max_rows=2) as server, on(server) as store:
        await store.put_models([model("op1")])
        await store.add_usage([attempt(hour, created_at=f"2026-01-02T{hour:02}:00:00Z") for hour in range(1, 6)])

        def late(asking: Asking) -> None:
            if asking.query["offset"] == "2":
                early = attempt(9, created_at="2026-01-02T00:00:00Z")
                server.database.insert("model_usage_log", [early], "ignore-duplicates")

        server.before = late
        (line,) = await store.usage(UsageQuery(since=SINCE))
        assert line.calls == 5


async def test_old_rows_go_an_hour_at_a_time(server: Postgrest) -> None:
    async with on(server) as store:
        late = [attempt(hour, created_at=f"2026-01-{hour:02}T07:00:00.123456Z") for hour in range(1, 9)]
        await store.add_usage([*late, attempt(20, created_at="2026-01-03T07:59:00Z")])
        assert await store.prune("2026-01-06T07:00:00.123Z") == 6
    edges = [query["created_at"] for query in asked(server, "DELETE", "model_usage_log")]
    assert edges == [f"lt.2026-01-{day:02}T08:00:00.123Z" for day in range(1, 6)]


async def test_a_purge_that_is_cut_off_leaves_the_model_out_of_every_chain_and_can_be_repeated(
    server: Postgrest,
) -> None:
    def refuse(asking: Asking) -> None:
        if asking.method == "DELETE":
            raise Refusal(503, "57P01", "terminating connection due to administrator command")

    async with on(server) as store:
        await store.add_usage([attempt(1, model_code="op3")])
        server.before = refuse
        with pytest.raises(StoreAway):
            await store.purge_model("op3")
        left = {row["model_code"]: (row["active"], row["fallback_model_code"]) for row in await store.models()}
        assert (left["op3"][0], left["op2"]) == (False, (True, None))
        server.before = lambda asking: None
        assert await store.purge_model("op3")
        assert not await store.purge_model("op3")
        assert "op3" not in {row["model_code"] for row in await store.models()}


async def test_usage_without_its_table_is_lacking_not_lost(bare: Postgrest) -> None:
    bare.database.tables = {name: table for name, table in bare.database.tables.items() if name != "model_usage_log"}
    async with on(bare) as store:
        with pytest.raises(StoreLacks, match="table model_usage_log"):
            await store.add_usage([attempt(1)])


async def test_times_come_in_our_form_whatever_the_project_wrote(server: Postgrest) -> None:
    async with on(server) as store:
        await store.add_usage([attempt(1, created_at="2026-01-02T04:04:05.6+01:00")])
        (row,) = await store.calls("run_1")
    assert row["created_at"] == "2026-01-02T03:04:05.600Z"
