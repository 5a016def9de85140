"""What answers, silences and broken connections of a Supabase project become: our errors, and nothing of the key."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator

import pytest

from oneai.errors import OneAIError, StoreAway, StoreLacks, StoreRefused
from oneai.store.supabase import connect
from oneai.store.supabase.link import Patience
from tests.fakes.postgrest import Broken, Postgrest, on, todays, token
from tests.store.test_contract import attempt


@pytest.fixture
async def server() -> AsyncIterator[Postgrest]:
    async with todays(migrated=True) as server:
        yield server


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


@pytest.mark.parametrize("opaque", [False, True])
async def test_the_service_key_is_in_no_message_even_where_the_server_repeats_it(
    server: Postgrest, opaque: bool
) -> None:
    server.key = secrets.token_urlsafe(32) if opaque else server.key
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


async def test_a_read_that_is_cut_off_is_asked_once(server: Postgrest) -> None:
    server.broken = Broken(cuts=True)
    async with on(server) as store:
        with pytest.raises(StoreAway):
            await store.models()
    assert len(server.log) == 1


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
