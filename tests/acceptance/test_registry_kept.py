"""A store that shows nothing any more, as Supabase does to a wrong key with `200 []`: the registry stays."""

from collections.abc import AsyncIterator

import pytest

from tests.acceptance.processes import House, model
from tests.fakes.model_server import ModelServer
from tests.fakes.postgrest import Postgrest

LLM = {"task": "llm", "input": {"text": "Hello"}}


@pytest.fixture
async def project(house: House, server: ModelServer) -> AsyncIterator[Postgrest]:
    async with Postgrest() as running:
        running.database.insert("models", [model("lp1", server.endpoint, "lp2"), model("lp2", server.endpoint)], None)
        house.settings |= {"SUPABASE_URL": running.url, "SUPABASE_SERVICE_KEY": running.key}
        yield running


async def test_it_stays_while_serving_and_at_the_next_start(house: House, project: Postgrest) -> None:
    async with house.serving() as gateway:
        project.empty = True
        while_serving = await gateway.reload()
        said = [await gateway.run(LLM)]
        health = await gateway.health()
    async with house.serving() as gateway:
        at_the_next_start = (await gateway.get("/models")).json()["models"]
        said.append(await gateway.run(LLM))
    assert (while_serving["reloaded"], while_serving["models"]) == (False, 2)
    assert "2 of 2 models are gone" in while_serving["why"]
    assert health["status"] == "degraded"
    assert health["models_registered"] == 2
    assert any("not believed" in trouble for trouble in health["troubles"])
    assert [one["code"] for one in at_the_next_start] == ["lp1", "lp2"]
    assert [one.status for one in said] == [200, 200]


async def test_it_is_taken_at_its_word_by_force_only(house: House, project: Postgrest) -> None:
    async with house.serving() as gateway:
        project.empty = True
        headers = {"X-API-Key": gateway.admin}
        forced = await gateway.send("POST", "/admin/reload", data=b'{"force": true}', headers=headers)
        said = await gateway.run(LLM)
    assert (forced.json()["reloaded"], forced.json()["models"]) == (True, 0)
    assert said.status == 503


async def test_one_bad_row_takes_out_that_row_alone(house: House, project: Postgrest) -> None:
    project.database.insert("models", [model("lp3", "no address")], None)
    async with house.serving() as gateway:
        models = (await gateway.get("/models")).json()["models"]
        doctor = await house.cli("doctor", "--json")
    assert [one["code"] for one in models] == ["lp1", "lp2"]
    assert doctor.code == 7
    assert "lp3" in doctor.out
