"""What a write says about the gateway."""

import asyncio
from pathlib import Path

import pytest

from oneai import config
from oneai.cli import writes
from oneai.cli.frame import Desk
from oneai.cli.output import Output
from oneai.cli.writes import Live
from tests.cli.conftest import Answering


def announced(url: str, home: Path, **environment: str) -> Live:
    settings = config.load(environ={"ONEAI_URL": url, "ONEAI_HOME": str(home), **environment})
    return asyncio.run(writes.announce(Desk(settings=settings, out=Output())))


def test_a_gateway_that_took_it_has_it(server: Answering, home: Path) -> None:
    server.answers["POST /admin/reload"] = (200, {"reloaded": True})
    assert announced(server.url, home) == Live(live=True, note=f"The gateway at {server.url} has it.")


def test_a_gateway_that_doubts_says_why(server: Answering, home: Path) -> None:
    server.answers["POST /admin/reload"] = (200, {"reloaded": False, "why": "5 of 5 models are gone"})
    live = announced(server.url, home)
    assert not live.live
    assert "5 of 5 models are gone" in live.note


def test_without_a_gateway_it_is_for_its_next_start(refusing: str, home: Path) -> None:
    live = announced(refusing, home)
    assert not live.live
    assert "when it starts" in live.note


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_one_that_runs_and_says_no_takes_it_up_by_itself(server: Answering, home: Path, status: int) -> None:
    server.answers["POST /admin/reload"] = (status, {"error": {"message": "no.", "code": "x", "param": None}})
    live = announced(server.url, home)
    assert not live.live
    assert "within 5 s" in live.note


def test_the_key_is_the_one_named_then_the_local_one_then_an_admins_then_any(server: Answering, home: Path) -> None:
    home.mkdir()
    listed = {"API_KEYS": "a=oo-any", "ADMIN_API_KEYS": "b=oo-admin"}
    announced(server.url, home, API_KEYS="a=oo-any")
    announced(server.url, home, **listed)
    (home / "local.key").write_text("oo-local\n")
    announced(server.url, home, **listed)
    announced(server.url, home, **listed, ONEAI_API_KEY="oo-named")
    sent = [headers["X-API-Key"] for _what, headers, _body in server.asked]
    assert sent == ["oo-any", "oo-admin", "oo-local", "oo-named"]
