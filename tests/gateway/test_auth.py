"""Who may come in, by which header, and what is said to who may not."""

import pytest

from tests.fakes.model_server import ModelServer
from tests.gateway.conftest import Gate, House

HI = {"task": "llm", "input": {"text": "Hi"}}
ADMIN_PATHS = [
    ("POST", "/admin/reload"),
    ("POST", "/admin/models/lp1/reset"),
    ("GET", "/admin/calls/last"),
    ("GET", "/admin/state"),
    ("GET", "/metrics"),
]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-API-Key", "{}"),
        ("x-api-key", "{}"),
        ("x-api-key", " {} "),
        ("Authorization", "Bearer {}"),
        ("Authorization", "bearer {}"),
    ],
)
async def test_a_key_is_taken_from_each_header(gate: Gate, header: str, value: str) -> None:
    said = await gate.get("/models", **{header: value.format(gate.keys["plain"])})
    assert said.status == 200


async def test_the_headers_name_can_be_set_and_the_usual_one_works_on(house: House) -> None:
    async with house.opened(API_KEY_HEADER="X-Our-Key") as gate:
        for header in ("X-Our-Key", "X-API-Key"):
            assert (await gate.get("/models", **{header: gate.keys["plain"]})).status == 200
        assert "X-Our-Key" in (await gate.get("/models")).error["message"]


@pytest.mark.parametrize(
    ("key", "code"),
    [("revoked", "revoked_api_key"), ("expired", "expired_api_key"), (None, "missing_api_key")],
)
async def test_a_key_that_is_none_any_more_is_401(gate: Gate, server: ModelServer, key: str | None, code: str) -> None:
    said = await gate.run(HI, key=key)
    assert (said.status, said.error["code"], said.error["type"]) == (401, code, "authentication_error")
    assert said.headers["WWW-Authenticate"].startswith("Bearer")
    assert server.heard == []


@pytest.mark.parametrize("wrong", ["oo-nothing", "caf\xe9", "x" * 4000])
async def test_an_unknown_key_is_401_and_not_repeated(gate: Gate, wrong: str) -> None:
    said = await gate.get("/models", **{"X-API-Key": wrong})
    assert (said.status, said.error["code"]) == (401, "invalid_api_key")
    assert wrong not in said.body.decode()


@pytest.mark.parametrize("value", ["Basic abc", "Bearer", "Bearer ", ""])
async def test_an_authorization_without_a_key_is_none(gate: Gate, value: str) -> None:
    assert (await gate.get("/models", Authorization=value)).error["code"] == "missing_api_key"


async def test_the_key_is_checked_before_the_body_is_read(gate: Gate) -> None:
    assert (await gate.run(b"{no json", key=None)).status == 401


@pytest.mark.parametrize(("method", "path"), ADMIN_PATHS)
async def test_admin_paths_take_an_admins_key_and_no_other(gate: Gate, method: str, path: str) -> None:
    assert (await gate.get(path, "admin", method)).status in (200, 404)
    plain = await gate.get(path, "plain", method)
    assert (plain.status, plain.error["code"], plain.error["type"]) == (403, "admin_key_required", "permission_error")
    assert (await gate.get(path, None, method)).status == 401


@pytest.mark.parametrize(("method", "path"), ADMIN_PATHS)
async def test_admin_paths_stay_shut_though_calls_are_open_to_all(house: House, method: str, path: str) -> None:
    async with house.opened(API_KEY_ENABLED="false") as gate:
        assert (await gate.get(path, None, method)).status == 401
        assert (await gate.get(path, "plain", method)).status == 403
        assert (await gate.get(path, "admin", method)).status in (200, 404)


async def test_calls_can_be_open_to_all(house: House) -> None:
    async with house.opened(API_KEY_ENABLED="false") as gate:
        said = await gate.run(HI, key=None)
        assert said.status == 200
        [row] = await gate.running._journal.find(said.json()["id"])
        assert row["key_name"] == "anonymous"


async def test_metrics_can_be_open_to_all_and_nothing_else_with_them(house: House) -> None:
    async with house.opened(METRICS_PUBLIC="true") as gate:
        assert (await gate.get("/metrics")).status == 200
        assert (await gate.get("/admin/state")).status == 401


async def test_an_admins_key_may_call(gate: Gate) -> None:
    assert (await gate.run(HI, key="admin")).status == 200


async def test_keys_of_the_environment_may_call_all_by_any_text(house: House) -> None:
    async with house.opened(API_KEYS="any text at all,n8n=oo-short") as gate:
        for key in ("any text at all", "oo-short"):
            assert (await gate.get("/models", **{"X-API-Key": key})).status == 200


async def test_a_key_may_call_what_it_is_allowed_and_is_told_how_to_get_more(gate: Gate, server: ModelServer) -> None:
    said = await gate.run(HI | {"model": "lp1"}, key="narrow")
    assert (said.status, said.error["code"]) == (403, "key_may_not_call_model")
    assert "oneai models keys lp1 --grant" in said.error["message"]
    assert (await gate.run(HI, key="narrow")).json()["model"] == "lp2"
    assert server.heard == []
