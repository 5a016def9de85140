"""The store goes, at the start or while calls come in: calls are answered, /health says so, rows arrive in the end."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from tests.acceptance.processes import Gateway, House, model
from tests.fakes.model_server import ModelServer
from tests.fakes.postgrest import Postgrest
from tests.fakes.waiting import until

LLM = {"task": "llm", "input": {"text": "Hello"}}
AWAY = "the store does not answer"


class Project(Postgrest):
    """A project whose server can be taken away, connections and all."""

    @property
    def settings(self) -> dict[str, str]:
        return {"SUPABASE_URL": self.url, "SUPABASE_SERVICE_KEY": self.key}

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        host, port = self._runner.addresses[0][:2]
        await self._runner.cleanup()
        try:
            yield
        finally:
            self._runner = web.AppRunner(self._app(), handler_cancellation=True, shutdown_timeout=1.0)
            await self._runner.setup()
            await web.TCPSite(self._runner, host, port).start()


async def is_healthy(gateway: Gateway) -> bool:
    return bool((await gateway.health())["status"] == "healthy")


def rows_in(project: Postgrest) -> set[str]:
    return {row["call_id"] for row in project.database.rows["model_usage_log"].values()}


async def test_a_sqlite_file_that_is_gone_at_the_start_is_stood_in_for_by_the_snapshot(
    house: House, server: ModelServer
) -> None:
    database, kept = house.home / "oneai.db", house.home / "kept.db"
    await house.register(model("lp1", server.endpoint))
    async with house.serving() as gateway:
        assert (await gateway.health())["store"] == {"kind": "sqlite", "up": True}
    database.rename(kept)
    database.mkdir()
    async with house.serving() as gateway:
        said = await gateway.run(LLM)
        health = await gateway.health()
        models = (await gateway.get("/models")).json()["models"]
        listed = await house.cli("models", "list", "--json")
    assert said.status == 200
    assert [one["code"] for one in models] == ["lp1"]
    assert (health["status"], health["store"]["up"], health["journal"]["rows"]) == ("degraded", False, 1)
    assert AWAY in health["troubles"]
    assert (listed.code, listed.json["error"]["code"]) == (6, "store_unreachable")
    database.rmdir()
    kept.rename(database)
    async with house.serving() as gateway:
        await until(gateway.shipped)
        assert (await gateway.health())["status"] == "healthy"
    assert house.sql("select call_id from model_usage_log") == [(said.headers["X-OneAI-Call"],)]


async def test_a_supabase_that_is_away_at_the_start_is_taken_up_again_when_it_answers(
    house: House, server: ModelServer
) -> None:
    async with Project() as project:
        project.database.insert("models", [model("lp1", server.endpoint)], None)
        house.settings |= project.settings
        async with house.serving():
            pass
        async with AsyncExitStack() as stack:
            async with project.away():
                gateway = await stack.enter_async_context(house.serving())
                said = await gateway.run(LLM)
                health = await gateway.health()
            await until(lambda: said.headers["X-OneAI-Call"] in rows_in(project))
            await until(lambda: is_healthy(gateway))
    assert said.status == 200
    assert (health["status"], health["store"]["up"]) == ("degraded", False)


async def test_a_supabase_that_goes_while_serving_stops_no_call_and_gets_its_rows_when_it_is_back(
    house: House, server: ModelServer
) -> None:
    async with Project() as project:
        project.database.insert("models", [model("lp1", server.endpoint)], None)
        house.settings |= project.settings
        async with house.serving() as gateway:
            before = await gateway.run(LLM)
            await until(lambda: before.headers["X-OneAI-Call"] in rows_in(project))
            async with project.away():
                refused = await gateway.reload()
                said = [await gateway.run(LLM) for _ in range(20)]
                during = await gateway.health()
            accepted = await gateway.reload()
            ids = {one.headers["X-OneAI-Call"] for one in said}
            await until(lambda: ids <= rows_in(project))
            await until(gateway.shipped)
            after = await gateway.health()
        assert {one.status for one in said} == {200}
        assert refused["error"]["code"] == "store_unreachable"
        assert (during["status"], during["store"]["up"], during["journal"]["rows"]) == ("degraded", False, 20)
        assert accepted["reloaded"] is True
        assert after["status"] == "healthy", after
        assert len(rows_in(project)) == len(project.database.rows["model_usage_log"]) == 21
