"""`oneai models keys`."""

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from oneai.store import opened
from tests.cli.conftest import Answering, Cli


@pytest.fixture
def keyed(chain: Cli, home: Path) -> Cli:
    """A key for all, one for op1, and one for the whole of ocr."""

    async def put() -> None:
        async with opened(f"sqlite:{home}/oneai.db") as store:
            for name, allow in (("all", None), ("one", ["op1"]), ("domain", ["o"])):
                await store.put_key({"key_hash": sha256(name.encode()).hexdigest(), "name": name, "allow": allow})

    asyncio.run(put())
    return chain


def may(ended: Any) -> dict[str, bool]:
    return {key["name"]: key["may_call"] for key in ended.json["keys"]}


def test_it_says_which_keys_may_call(keyed: Cli) -> None:
    assert may(keyed("models", "keys", "op1", "--json")) == {"all": True, "one": True, "domain": True}
    assert may(keyed("models", "keys", "op2", "--json")) == {"all": True, "one": False, "domain": True}


def test_a_grant_adds_the_code(gateway: Answering, keyed: Cli) -> None:
    ended = keyed("models", "keys", "op2", "--grant", "one", "--json")
    assert ended.json["changes"] == [{"name": "one", "old": ["op1"], "new": ["op1", "op2"]}]
    assert (may(ended)["one"], ended.json["live"]) == (True, True)


@pytest.mark.parametrize("name", ["all", "domain"])
def test_a_grant_of_what_a_key_may_already_changes_nothing(keyed: Cli, name: str) -> None:
    ended = keyed("models", "keys", "op2", "--grant", name, "--json")
    assert (ended.code, ended.json["changed"]) == (0, False)


def test_a_withdrawal_takes_the_code(keyed: Cli) -> None:
    ended = keyed("models", "keys", "op1", "--withdraw", "one", "--json")
    assert ended.json["changes"] == [{"name": "one", "old": ["op1"], "new": []}]
    assert may(ended)["one"] is False


@pytest.mark.parametrize("name", ["all", "domain"])
def test_from_a_key_for_more_it_is_withdrawn_only_with_restrict(keyed: Cli, name: str) -> None:
    refused = keyed("models", "keys", "op1", "--withdraw", name)
    assert refused.code == 4
    assert "--restrict" in refused.err
    ended = keyed("models", "keys", "op1", "--withdraw", name, "--restrict", "--json")
    assert ended.json["changes"][0]["new"] == ["op2", "op3", "op4", "op5"]


def test_a_dry_run_writes_nothing(keyed: Cli) -> None:
    ended = keyed("models", "keys", "op2", "--grant", "one", "--dry-run", "--json")
    assert ended.json["changes"][0]["new"] == ["op1", "op2"]
    assert may(keyed("models", "keys", "op2", "--json"))["one"] is False


def test_keys_of_the_environment_are_shown_and_cannot_be_changed(keyed: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEYS", "n8n=oo-made-at-run-time")
    assert may(keyed("models", "keys", "op1", "--json"))["n8n"] is True
    ended = keyed("models", "keys", "op1", "--withdraw", "n8n", "--restrict")
    assert ended.code == 4
    assert "API_KEYS" in ended.err


def test_unknown_keys_and_models_are_not_found(keyed: Cli) -> None:
    assert keyed("models", "keys", "op1", "--grant", "nobody").code == 3
    assert keyed("models", "keys", "op9").code == 3
    assert keyed("models", "keys", "op1", "--grant", "one", "--withdraw", "one").code == 4


def test_the_local_key_is_shown_and_cannot_be_changed(keyed: Cli, home: Path) -> None:
    (home / "local.key").write_text("oo-made-at-run-time")
    assert may(keyed("models", "keys", "op1", "--json"))["local"] is True
    assert keyed("models", "keys", "op1", "--withdraw", "local", "--restrict").code == 4
