"""Why a call went as it did: against a real gateway, from the store without one, and the table of advice."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from oneai.cli.why import advice
from oneai.core import story as stories
from oneai.core.outcome import Outcome
from oneai.errors import OneAIError
from oneai.store import opened
from tests.cli import living
from tests.cli.conftest import Answering, Cli
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer, answers, chat
from tests.store.test_contract import attempt


@pytest.fixture
def served() -> Iterator[Sequence[ModelServer]]:
    with living.opened(
        living.models(answers({"error": {"message": "who are you?"}}, 401), answers(chat("42")))
    ) as found:
        yield found


@pytest.fixture
def wired(cli: Cli, home: Path, served: Sequence[ModelServer], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """lp1 is dead, lp2 refuses our credential, lb1 answers."""
    with living.opened(living.gateway(home)) as url:
        living.pointed(monkeypatch, ONEAI_URL=url)
        living.add(cli, "lb1", served[1].endpoint)
        living.add(cli, "lp2", served[0].endpoint, "--fallback", "lb1")
        living.add(cli, "lp1", model_server.refusing_endpoint(), "--fallback", "lp2")
        yield cli


def test_each_attempt_is_told_in_order_with_what_mends_it(wired: Cli) -> None:
    id = wired("run", "--text", "x", "--json").json["id"]
    document = wired("why", id, "--json").json
    assert [one["outcome"] for one in document["attempts"]] == ["unreachable", "misconfigured", "ok"]
    assert [(one["model"], one["outcome"]) for one in document["advice"]] == [
        ("lp1", "unreachable"),
        ("lp2", "misconfigured"),
    ]
    assert "oneai models set lp2 credential_env=MODEL_LP2_API_KEY" in document["advice"][1]["commands"]


@pytest.mark.parametrize("width", [80, 140])
def test_the_story_is_whole_at_any_width(wired: Cli, width: int) -> None:
    id = wired("run", "--text", "x", "--json").json["id"]
    shown = wired("why", "last", width=width).out
    assert id in shown
    assert "lp1=unreachable → lp2=misconfigured → lb1=ok" in shown
    assert "     → oneai models test lp1 --direct" in shown.splitlines()
    assert "who are you?" in shown


def test_a_call_refused_before_any_attempt_says_what_was_wrong(wired: Cli) -> None:
    wired("run", "--text", "x", "--model", "lp9")
    ended = wired("why")
    assert ended.code == 0
    assert "refused before any attempt" in ended.out
    assert "lp9" in ended.out
    assert "oneai models list --all" in ended.out


def test_an_unknown_call_is_not_found(wired: Cli) -> None:
    assert wired("why", "run_nothing").code == 3


def test_the_last_call_is_known_to_a_running_gateway_alone(cli: Cli) -> None:
    assert cli("why", "last").code == 6


def test_another_server_at_that_address_is_no_gateway(cli: Cli, gateway: Answering) -> None:
    gateway.answers["GET /admin/calls/run_1"] = (200, b"<html>")
    assert cli("why", "run_1").code == 6


def put(home: Path, *rows: dict[str, object]) -> None:
    async def write() -> None:
        async with opened(f"sqlite:{home / 'oneai.db'}") as store:
            await store.add_usage(rows)

    asyncio.run(write())


def test_without_a_gateway_the_store_tells_it(chain: Cli, home: Path) -> None:
    put(
        home,
        attempt(1, model_code="op1", success=False, error_class="timeout", call_id="run_1", request_id="r1", attempt=1),
        attempt(2, model_code="op2", call_id="run_1", request_id="r1", attempt=2),
    )
    ended = chain("why", "r1", "--json")
    assert ended.code == 0
    assert (ended.json["source"], ended.json["id"]) == ("store", "run_1")
    assert [(one["model"], one["outcome"]) for one in ended.json["attempts"]] == [("op1", "timeout"), ("op2", "ok")]
    assert "from the store" in ended.err
    assert "op1=timeout → op2=ok" in chain("why", "r1").out


def test_without_a_gateway_an_unknown_call_is_not_found(chain: Cli) -> None:
    assert chain("why", "run_1").code == 3


def test_of_several_calls_with_one_request_id_the_newest_is_told() -> None:
    rows = [
        attempt(1, call_id="run_1", created_at="2026-11-01T00:00:00.000Z"),
        attempt(2, call_id="run_2", created_at="2026-11-02T00:00:00.000Z"),
    ]
    assert stories.of_rows(rows)["id"] == "run_2"


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OK])
def test_every_outcome_has_advice_with_a_command_for_its_model(outcome: Outcome) -> None:
    found = advice.of_attempt({"model": "op1", "outcome": outcome.value}, "n8n")
    assert found is not None
    assert found.commands
    assert not any("{" in command for command in found.commands)
    assert found.what != "It failed."


def test_success_needs_none_and_an_outcome_of_a_later_version_gets_some() -> None:
    assert advice.of_attempt({"model": "op1", "outcome": "ok"}) is None
    assert advice.of_attempt({"model": "op1", "latency_ms": 3}) is None
    unknown = advice.of_attempt({"model": "op1", "outcome": "exploded"})
    assert unknown is not None
    assert "oneai models show op1" in unknown.commands


@pytest.mark.parametrize(
    ("attempt_", "command"),
    [
        ({"outcome": "misconfigured", "status": 401}, "credential_env=MODEL_OP1_API_KEY"),
        ({"outcome": "misconfigured", "status": 404}, "served_model=NAME"),
        ({"outcome": "misconfigured", "status": 302}, "--endpoint"),
        ({"outcome": "timeout", "latency_ms": 60_000}, "timeout_ms=280000"),
        ({"outcome": "busy", "tried": False}, "max_in_flight=64"),
        ({"outcome": "busy", "tried": True, "status": 429}, "when_busy=next"),
        ({"outcome": "circuit_open"}, "--reset"),
        ({"outcome": "forbidden"}, "--grant n8n"),
    ],
)
def test_the_mending_fits_the_cause(attempt_: dict[str, object], command: str) -> None:
    found = advice.of_attempt({"model": "op1"} | attempt_, "n8n")
    assert found is not None
    assert any(command in one for one in found.commands)


def test_a_model_that_had_all_the_time_there_is_is_not_given_more() -> None:
    found = advice.of_attempt({"model": "op1", "outcome": "timeout", "latency_ms": 285_000})
    assert found is not None
    assert not any("timeout_ms" in command for command in found.commands)


def test_advice_for_whole_calls_names_only_errors_that_exist() -> None:
    codes = {error.code for error in _every(OneAIError)}
    assert set(advice.CALLS) <= codes


def _every(error: type[OneAIError]) -> Iterator[type[OneAIError]]:
    yield error
    for child in error.__subclasses__():
        yield from _every(child)


def test_a_gateway_that_has_had_no_call_yet_says_so(cli: Cli, gateway: Answering) -> None:
    refusal = {"error": {"message": "No call last is known.", "code": "call_not_found", "param": None}}
    gateway.answers["GET /admin/calls/last"] = (404, refusal)
    ended = cli("why", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (3, "no_call_yet")
    assert "since the gateway started" in ended.err


@pytest.mark.parametrize("nothing", ["", "  "])
def test_an_empty_id_is_a_wrong_command_line(cli: Cli, nothing: str) -> None:
    ended = cli("why", nothing)
    assert ended.code == 2
    assert "X-Request-Id" in ended.err
