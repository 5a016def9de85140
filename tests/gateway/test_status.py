"""Health, life and readiness, without a key."""

from tests.gateway.conftest import Gate, House


async def test_health_has_todays_fields_and_ours(gate: Gate) -> None:
    said = await gate.get("/health")
    document = said.json()
    assert said.status == 200
    assert document["status"] == "healthy"
    assert isinstance(document["version"], str)
    assert isinstance(document["uptime_seconds"], int)
    assert (document["models_registered"], document["routes_registered"]) == (8, 6)
    assert document["store"] == {"kind": "sqlite", "up": True}
    assert document["journal"] == {"rows": 0, "dropped": 0, "refused": 0, "unreadable": 0, "degraded": False}
    assert len(document["config_version"]) == 12


async def test_a_degraded_gateway_is_200_all_the_same_and_says_why(house: House) -> None:
    async with house.opened():
        pass
    for file in house.home.glob("oneai.db*"):
        file.unlink()
    house.home.joinpath("oneai.db").mkdir()
    async with house.opened() as gate:
        said = await gate.get("/health")
        assert said.status == 200
        assert said.json()["status"] == "degraded"
        assert "the store does not answer" in said.json()["troubles"]
        assert str(house.home) not in said.body.decode()
        assert (await gate.run({"task": "llm", "input": {"text": "Hi"}})).status == 200


async def test_it_is_alive_and_ready(gate: Gate) -> None:
    assert ((await gate.get("/live")).status, (await gate.get("/ready")).status) == (200, 200)


async def test_an_empty_registry_is_ready(house: House) -> None:
    house.home.joinpath("oneai.db").unlink()
    async with house.opened() as gate:
        assert (await gate.get("/ready")).status == 200
        assert (await gate.get("/health")).json()["models_registered"] == 0


async def test_draining_is_not_ready_and_calls_are_still_answered(gate: Gate) -> None:
    gate.running.draining = True
    ready = await gate.get("/ready")
    assert (ready.status, ready.error["code"], ready.headers["Retry-After"]) == (503, "draining", "5")
    assert (await gate.get("/live")).status == 200
    assert (await gate.run({"task": "llm", "input": {"text": "Hi"}})).status == 200


async def test_closing_refuses_new_calls_but_not_health(gate: Gate) -> None:
    gate.running.draining = gate.running.closing = True
    refused = await gate.run({"task": "llm", "input": {"text": "Hi"}})
    assert (refused.status, refused.error["code"], refused.headers["Retry-After"]) == (503, "draining", "5")
    assert (await gate.get("/health")).status == 200
