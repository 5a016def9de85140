"""What the Supabase store does beyond the contract: today's project as it is, its pages, and how it fails."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from oneai.errors import BadSetting, OneAIError, StoreAway, StoreLacks, StoreRefused
from oneai.store import HealthDelta, Store, UsageQuery
from oneai.store.supabase import connect
from oneai.store.supabase.link import Patience
from oneai.types import Row
from tests.fakes.postgrest import Asking, Broken, Postgrest, Refusal, token

OCR_MODELS = (
    ("op1", "DeepSeek-OCR", "deepseek", 8000, "op2"),
    ("op2", "GOT-OCR-2", "got-ocr", 8001, "op3"),
    ("op3", "olmOCR-2-7B", "olmocr", 8002, "op4"),
    ("op4", "PaddleOCR-VL", "paddle", 8003, "op5"),
    ("op5", "MinerU-2.5", "mineru", 8004, None),
)
SINCE = "2026-01-01T00:00:00Z"


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def model(code: str, **changes: Any) -> Row:
    return {
        "model_code": code,
        "domain": "ocr",
        "role": "primary",
        "provider": "paddle",
        "endpoint": "http://spark.example:8000/v1/chat/completions",
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


def delta(code: str) -> HealthDelta:
    return HealthDelta(
        model_code=code,
        successes=3,
        failures=1,
        consecutive_failures=0,
        status="healthy",
        circuit_state="closed",
        circuit_opened_at=None,
        last_success_at="2026-01-02T03:04:00.000Z",
        last_failure_at=None,
        last_error_message=None,
        avg_latency_ms=640,
        p95_latency_ms=1200,
        updated_at="2026-01-02T03:04:06.000Z",
    )


def seed(server: Postgrest) -> None:
    """What is in the project that this gateway takes over, put there by hand."""
    server.database.insert(
        "models",
        [
            model(code, provider=provider, fallback_model_code=fallback, meta={"name": name, "port": port})
            for code, name, provider, port, fallback in OCR_MODELS
        ],
        None,
    )


@asynccontextmanager
async def on(server: Postgrest, **options: Any) -> AsyncIterator[Store]:
    store = await connect(server.url, server.key, **options)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def server() -> AsyncIterator[Postgrest]:
    async with Postgrest() as server:
        seed(server)
        yield server


@pytest.fixture
async def bare() -> AsyncIterator[Postgrest]:
    """A project with the three tables of today's system and nothing else."""
    async with Postgrest(migrated=False) as server:
        seed(server)
        yield server


def asked(server: Postgrest, method: str, table: str) -> list[dict[str, str]]:
    return [asking.query for asking in server.log if (asking.method, asking.table) == (method, table)]


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


def said(status: int, code: str | None, message: str = "so it is", details: str | None = None) -> Broken:
    body = {"code": code, "message": message, "details": details, "hint": None}
    return Broken(status=status, body=json.dumps(body), kind="application/json")


PAGE = "<html><title>no</title></html>"


@pytest.mark.parametrize(
    ("broken", "error", "words"),
    [
        (Broken(status=540, body=PAGE), StoreAway, "answered 540: the project is paused; resume it in the dashboard"),
        (Broken(status=402, body=PAGE), StoreAway, "answered 402: the project is restricted"),
        (Broken(status=429, body="slow down", kind="text/plain"), StoreAway, "answered 429: too many requests"),
        (Broken(status=404, body=PAGE), StoreAway, "check SUPABASE_URL"),
        (Broken(status=500, body=PAGE), StoreAway, "answered 500"),
        (Broken(status=521, body=PAGE), StoreAway, "answered 521"),
        (Broken(status=503, body="[1]", kind="application/json"), StoreAway, "answered 503"),
        (Broken(status=307, headers={"Location": "/elsewhere"}), StoreAway, "a redirect, which is not followed"),
        (Broken(body=PAGE), StoreAway, "not JSON"),
        (Broken(body='[{"model_code": "op', kind="application/json"), StoreAway, "not JSON"),
        (Broken(body='{"a": 1}', kind="application/json"), StoreAway, "not JSON"),
        (Broken(body="", kind="application/json"), StoreAway, "answered 200"),
        (Broken(status=204), StoreAway, "answered 204"),
        (Broken(cuts=True), StoreAway, "cannot be reached"),
        (Broken(hangs=True), StoreAway, r"no answer within 0\.2 s"),
        (said(503, "PGRST002", "Could not query the database for the schema cache. Retrying."), StoreAway, "PGRST002"),
        (said(500, "57014", "canceling statement due to statement timeout"), StoreAway, "statement timeout"),
        (said(405, "25006", "cannot execute INSERT in a read-only transaction"), StoreAway, "read-only"),
        (said(400, "42P10", "there is no unique or exclusion constraint"), StoreAway, "answered 400"),
        (said(401, None, "Invalid API key"), StoreAway, "the service key was refused: Invalid API key"),
        (Broken(status=403, body=PAGE), StoreAway, "the service key was refused: answered 403"),
        (said(401, "PGRST301", "No suitable key or wrong key type"), StoreAway, "the service key was refused"),
        (said(401, "PGRST303", "JWT expired"), StoreAway, "the service key was refused: JWT expired"),
        (said(403, "42501", "permission denied for table models"), StoreAway, "permission denied.*service_role key"),
        (said(409, "23505", "duplicate key value", "Key (name)=(n8n) already exists."), StoreRefused, "n8n"),
        (said(409, "23503", "violates foreign key", 'Key (a)=(b) is not in "models".'), StoreRefused, "foreign key"),
        (said(400, "22P02", 'invalid input syntax for type uuid: "x"'), StoreRefused, "22P02"),
        (said(400, "23502", "null value", "Failing row contains (private)."), StoreRefused, "null value"),
        (said(400, "22003", "integer out of range"), StoreRefused, "out of range"),
        (said(400, "P0001", "our own trigger says no"), StoreRefused, "trigger says no"),
        (Broken(status=413, body=PAGE), StoreRefused, "too large"),
        (said(404, "42P01", 'relation "public.models" does not exist'), StoreLacks, "no table models yet"),
        (said(404, "PGRST205", "Could not find the table 'public.models' in the schema cache"), StoreLacks, "models"),
        (said(400, "42703", "column models.meta does not exist"), StoreLacks, "no column meta"),
        (said(400, "PGRST204", "Could not find the 'meta' column of 'models' in the schema cache"), StoreLacks, "meta"),
    ],
)
async def test_an_answer_means(server: Postgrest, broken: Broken, error: type[OneAIError], words: str) -> None:
    async with on(server, patience=Patience(total_s=0.2)) as store:
        server.broken = broken
        with pytest.raises(error, match=words) as caught:
            await store.models()
        assert "private" not in str(caught.value)
        assert "html" not in str(caught.value)
        server.broken = None
        assert len(await store.models()) == 5


@pytest.mark.parametrize(
    "broken", [Broken(body=PAGE), Broken(status=540), Broken(cuts=True), said(503, "PGRST001", "no connection")]
)
async def test_a_write_that_did_not_arrive_is_never_taken_for_done(server: Postgrest, broken: Broken) -> None:
    server.broken = broken
    async with on(server) as store:
        with pytest.raises(StoreAway):
            await store.add_usage([attempt(1)])
    assert server.database.rows["model_usage_log"] == {}


async def test_the_service_key_is_in_no_message_even_where_the_server_repeats_it(server: Postgrest) -> None:
    server.broken = said(401, None, f"Invalid API key: {server.key}")
    async with on(server) as store:
        with pytest.raises(StoreAway) as caught:
            await store.models()
        assert server.key not in store.name
    assert "Invalid API key" in str(caught.value)
    assert server.key not in str(caught.value)
    assert server.key.rpartition(".")[2] not in str(caught.value)


async def test_the_key_of_another_project_is_refused(server: Postgrest) -> None:
    store = await connect(server.url, token("service_role"))
    with pytest.raises(StoreAway, match="the service key was refused: Invalid API key"):
        await store.models()
    await store.close()


async def test_a_key_that_row_level_security_binds_reads_nothing_and_writes_nothing(server: Postgrest) -> None:
    server.empty = True
    async with on(server) as store:
        assert await store.models() == []
        assert not await store.change_model("op1", {"active": False})
        with pytest.raises(StoreAway, match="row-level security"):
            await store.add_usage([attempt(1)])
        assert await store.prune("2027-01-01T00:00:00Z") == 0


async def test_a_project_that_nobody_answers_for_is_away(server: Postgrest) -> None:
    async with Postgrest() as gone:
        url = gone.url
    store = await connect(url, server.key)
    with pytest.raises(StoreAway, match="cannot be reached"):
        await store.models()
    await store.close()


async def test_connecting_asks_nothing(server: Postgrest) -> None:
    async with on(server):
        assert server.log == []
        assert server.connections == 0


async def test_a_call_that_is_cancelled_stays_cancelled_and_harms_none_after(server: Postgrest) -> None:
    async with on(server) as store:
        server.broken = Broken(hangs=True)
        task = asyncio.create_task(store.models())
        await asyncio.wait_for(server.hanging.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.broken = None
        assert len(await store.models()) == 5


async def test_a_closed_store_leaves_no_connection_and_is_of_no_use(server: Postgrest) -> None:
    async with on(server) as store:
        await asyncio.gather(*(store.models() for _ in range(20)))
        assert 1 <= server.connections <= 8
    await asyncio.wait_for(server.emptied(), 10)
    assert server.connections == 0
    with pytest.raises(StoreAway, match="closed"):
        await store.models()


async def test_a_code_that_no_address_can_hold_is_refused(server: Postgrest) -> None:
    async with on(server) as store:
        with pytest.raises(StoreRefused, match="cannot be sent"):
            await store.change_model("\ud800", {"active": False})


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


def made(key: str) -> str:
    """A key as it is, or a JWT of a role, made here: parameters name their tests, so they must not change by the run."""
    return token(key.removeprefix("role ")) if key.startswith("role ") else key


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("role anon", "a key of role anon"),
        ("role authenticated", "a key of role authenticated"),
        ("sb_publishable_abcdef", "a publishable key"),
        ("", "nothing"),
        ("two\nlines", "a key with spaces, line breaks"),
    ],
)
async def test_a_key_that_is_no_service_key_is_refused_at_once(key: str, found: str) -> None:
    key = made(key)
    with pytest.raises(BadSetting, match=f"SUPABASE_SERVICE_KEY: found {found}.*the service_role key") as caught:
        await connect("https://project.supabase.example", key)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("key", ["role service_role", "sb_secret_abcdef", "of.another.kind", "opaque"])
async def test_a_key_that_may_be_a_service_key_is_taken(key: str) -> None:
    store = await connect("https://project.supabase.example", made(key))
    await store.close()


@pytest.mark.parametrize(
    "url",
    ["", "project.supabase.example", "ftp://project.example", "https://", "https://a:b", "https://[", "https://a b"],
)
async def test_a_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(BadSetting, match=r"SUPABASE_URL: .*https://<project-ref>\.supabase\.co"):
        await connect(url, token("service_role"))


async def test_a_login_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadSetting) as caught:
        await connect("https://me:hidden@project.example", token("service_role"))
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("path", ["", "/", "/rest/v1", "/rest/v1/"])
async def test_the_url_may_be_that_of_the_rest_api(path: str) -> None:
    store = await connect(f"https://project.supabase.example{path}", token("service_role"))
    assert store.name == "supabase:https://project.supabase.example"
    await store.close()
