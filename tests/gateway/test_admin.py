"""What an admin key may order."""

import pytest

from oneai.store import opened as opened_store
from tests.core.rows_of import row
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer
from tests.gateway.conftest import Gate, House

HI = {"task": "llm", "input": {"text": "Hi"}}


async def test_a_reload_puts_what_the_store_holds_in_force_at_once(gate: Gate, house: House) -> None:
    before = (await gate.get("/health")).json()["config_version"]
    fresh = {name: value for name, value in row("lb1").items() if not name.endswith("ed_at")}
    async with opened_store(f"sqlite:{house.home / 'oneai.db'}") as store:
        await store.put_models([fresh])
    said = (await gate.post("/admin/reload")).json()
    assert (said["reloaded"], said["models"], said["warnings"]) == (True, 10, [])
    assert said["config_version"] != before
    assert (await gate.get("/models/lb1", "plain")).status == 200


async def test_a_reload_that_loses_most_is_refused_until_forced(gate: Gate, house: House) -> None:
    async with opened_store(f"sqlite:{house.home / 'oneai.db'}") as store:
        for code in ("lp1", "lp2", "lp3", "op1", "os1", "vp1"):
            await store.purge_model(code)
    refused = (await gate.post("/admin/reload")).json()
    assert (refused["reloaded"], refused["models"]) == (False, 9)
    assert "6 of 9 models are gone" in refused["why"]
    assert (await gate.get("/health")).json()["status"] == "degraded"
    forced = (await gate.post("/admin/reload", {"force": True})).json()
    assert (forced["reloaded"], forced["models"]) == (True, 3)


@pytest.mark.parametrize("body", [{"force": "yes"}, {"other": 1}, [1], 5])
async def test_a_bad_reload_is_400(gate: Gate, body: object) -> None:
    assert (await gate.post("/admin/reload", body)).status == 400


async def test_a_circuit_is_closed_by_hand(gate: Gate, server: ModelServer) -> None:
    server.default = model_server.closes
    for _ in range(5):
        await gate.run(HI | {"model": "lp1", "fallback": False})
    assert (await gate.get("/models/lp1", "plain")).json()["circuit"] == "open"
    said = (await gate.post("/admin/models/lp1/reset")).json()
    assert said == {"code": "lp1", "circuit": "closed", "was": "open"}
    assert (await gate.get("/models/lp1", "plain")).json()["status"] == "healthy"
    assert (await gate.post("/admin/models/lp7/reset")).status == 404


async def test_a_calls_story_is_found_by_its_id_its_request_id_and_last(gate: Gate, server: ModelServer) -> None:
    server.default = model_server.answers({"error": "broken"}, 500)
    said = await gate.run(HI, headers={"X-Request-Id": "mine"})
    stories = [(await gate.get(f"/admin/calls/{id}", "admin")).json() for id in (said.json()["id"], "mine", "last")]
    assert stories[0] == stories[1] == stories[2]
    first, last = stories[0]["attempts"]
    assert (first["model"], first["outcome"], first["status"], first["message"]) == (
        "lp1",
        "upstream_error",
        500,
        "broken",
    )
    assert (last["model"], last["outcome"]) == ("lp2", "ok")
    unknown = await gate.get("/admin/calls/run_nothing", "admin")
    assert (unknown.status, unknown.error["code"]) == (404, "call_not_found")


async def test_the_state_says_how_each_model_stands(gate: Gate, server: ModelServer) -> None:
    server.default = model_server.answers({"error": "Unauthorized"}, 401)
    await gate.run(HI)
    state = (await gate.get("/admin/state", "admin")).json()
    assert state["models"]["lp1"]["misconfigured"] == "Unauthorized"
    assert state["models"]["lp1"]["circuit"] == "closed"
    assert state["registry"]["doubt"] is None
