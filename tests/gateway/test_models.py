"""The registry as clients see it."""

from tests.fakes.model_server import ModelServer
from tests.gateway.conftest import Gate

TODAYS = {"code", "name", "description", "domain", "role", "provider", "active", "fallback"}


async def test_the_list_has_todays_fields_and_how_each_model_is_doing(gate: Gate) -> None:
    said = await gate.get("/models", "plain")
    models = {model["code"]: model for model in said.json()["models"]}
    assert said.status == 200
    assert set(models) == {"lp1", "lp2", "op1", "os1", "vp1", "tp1", "ep1", "rp1"}
    lp1 = models["lp1"]
    assert lp1.keys() >= TODAYS
    assert {name: lp1[name] for name in TODAYS} == {
        "code": "lp1",
        "name": "A model",
        "description": "For tests",
        "domain": "llm",
        "role": "primary",
        "provider": "any",
        "active": True,
        "fallback": "lp2",
    }
    assert (lp1["circuit"], lp1["status"], lp1["p95_latency_ms"]) == ("closed", "healthy", None)


async def test_the_inactive_are_shown_when_asked_for(gate: Gate) -> None:
    shown = (await gate.get("/models?all=true", "plain")).json()["models"]
    assert [model["code"] for model in shown if not model["active"]] == ["lp3"]


async def test_a_key_sees_what_it_may_call(gate: Gate) -> None:
    assert [model["code"] for model in (await gate.get("/models", "narrow")).json()["models"]] == ["lp2"]
    assert (await gate.get("/models/lp2", "narrow")).status == 200
    hidden = await gate.get("/models/lp1", "narrow")
    assert (hidden.status, hidden.error["code"]) == (404, "model_not_found")


async def test_one_model_by_its_code(gate: Gate) -> None:
    assert (await gate.get("/models/op1", "plain")).json()["fallback"] == "os1"
    unknown = await gate.get("/models/op9", "plain")
    assert (unknown.status, unknown.error["code"]) == (404, "model_not_found")
    assert "op9" in unknown.error["message"]


async def test_no_nodes_address_is_shown(gate: Gate, server: ModelServer) -> None:
    for path in ("/models?all=true", "/models/lp1", "/health"):
        said = (await gate.get(path, "admin")).body.decode()
        assert str(server.port) not in said
        assert "127.0.0.1" not in said


async def test_latency_is_shown_once_there_is_any(gate: Gate) -> None:
    await gate.run({"model": "lp1", "input": {"text": "Hi"}})
    shown = (await gate.get("/models/lp1", "plain")).json()
    assert isinstance(shown["p50_latency_ms"], int)
    assert shown["in_flight"] == 0
