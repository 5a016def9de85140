"""A key's life against a running gateway: each change is live when the command returns, none restarts anything."""

import pytest

from tests.acceptance.processes import Gateway, House, model
from tests.fakes.model_server import ModelServer
from tests.fakes.waiting import until


@pytest.fixture(autouse=True)
async def _models(house: House, server: ModelServer) -> None:
    await house.register(model("lp1", server.endpoint), model("op1", server.endpoint))


async def created(house: House, *words: str) -> str:
    made = await house.cli("keys", "create", *words, "--json")
    assert (made.code, made.json["live"]) == (0, True), made.err
    return str(made.json["key"])


async def answer(gateway: Gateway, code: str, key: str) -> tuple[int, str | None]:
    """The status of a call, and the code of its error."""
    said = await gateway.run({"model": code, "input": {"text": "Hello"}}, key=key)
    return said.status, None if said.status == 200 else said.error["code"]


async def test_a_key_works_when_it_is_made_and_no_more_when_it_is_revoked(house: House) -> None:
    async with house.serving() as gateway:
        key = await created(house, "n8n")
        made = await answer(gateway, "lp1", key)
        revoked = await house.cli("keys", "revoke", "n8n", "--yes", "--json")
        gone = await answer(gateway, "lp1", key)
        shown = (await house.cli("keys", "show", "n8n", "--json")).json
    assert made == (200, None)
    assert (revoked.code, revoked.json["live"]) == (0, True)
    assert gone == (401, "revoked_api_key")
    assert shown["state"] == "revoked"
    assert key not in str(shown)


async def test_a_rotated_key_has_the_old_ones_rights_and_ends_it(house: House) -> None:
    async with house.serving() as gateway:
        old = await created(house, "n8n", "--allow", "l")
        new = str((await house.cli("keys", "rotate", "n8n", "--yes", "--json")).json["key"])
        assert await answer(gateway, "lp1", old) == (401, "revoked_api_key")
        assert await answer(gateway, "lp1", new) == (200, None)
        assert await answer(gateway, "op1", new) == (403, "key_may_not_call_model")


async def test_a_key_ends_when_it_expires(house: House) -> None:
    async with house.serving() as gateway:
        key = await created(house, "guest", "--expires", "1s")
        await until(lambda: is_refused(gateway, key))
        assert await answer(gateway, "lp1", key) == (401, "expired_api_key")
        assert (await house.cli("keys", "show", "guest", "--json")).json["state"] == "expired"


async def test_a_model_is_granted_to_a_key_and_withdrawn_from_it(house: House) -> None:
    async with house.serving() as gateway:
        key = await created(house, "dev", "--allow", "op1")
        assert await answer(gateway, "lp1", key) == (403, "key_may_not_call_model")
        granted = await house.cli("models", "keys", "lp1", "--grant", "dev", "--json")
        assert await answer(gateway, "lp1", key) == (200, None)
        withdrawn = await house.cli("models", "keys", "lp1", "--withdraw", "dev", "--json")
        assert await answer(gateway, "lp1", key) == (403, "key_may_not_call_model")
        assert await answer(gateway, "op1", key) == (200, None)
        listed = (await gateway.get("/models", key=key)).json()["models"]
    assert (granted.code, withdrawn.code) == (0, 0)
    assert [one["code"] for one in listed] == ["op1"]


async def test_a_key_of_the_environment_is_revoked_by_its_hash(house: House) -> None:
    async with house.serving() as gateway:
        keys = (await house.cli("keys", "list", "--json")).json["keys"]
        (name,) = [one["name"] for one in keys if one["name"].startswith("env:")]
        revoked = await house.cli("keys", "revoke", name, "--yes", "--json")
        gone = await answer(gateway, "lp1", house.key)
    async with house.serving() as gateway:
        still_gone = await answer(gateway, "lp1", house.key)
    assert revoked.code == 0, revoked.err
    assert gone == still_gone == (401, "revoked_api_key")


async def is_refused(gateway: Gateway, key: str) -> bool:
    return (await gateway.get("/models", key=key)).status == 401
