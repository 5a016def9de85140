"""Why a call went as it did: against a real gateway, from the store without one, and the table of advice."""

import asyncio
import re
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
    assert not any(re.search(r"\{\w+\}", command) for command in found.commands)
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
        ({"outcome": "no_route", "tried": True}, "oneai models fallback op1 ANOTHER"),
        ({"outcome": "no_route", "tried": False}, "oneai models health op1 --reset"),
        ({"outcome": "client_stalled", "ttft_ms": 3}, "proxy_buffering off"),
        ({"outcome": "client_gone", "ttft_ms": 3}, "else raise the client's own time-out"),
        ({"outcome": "deadline", "ttft_ms": 3}, "ONEAI_STREAM_MAX_S"),
        ({"outcome": "timeout", "ttft_ms": 3}, "idle_ms="),
        ({"outcome": "timeout", "begun": True}, "idle_ms="),
        ({"outcome": "gateway_died", "ttft_ms": 3}, "send it again"),
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


@pytest.mark.parametrize(
    ("route", "surface"),
    [
        ("/v1/chat/completions", "chat"),
        ("/v1/completions", "completions"),
        ("/v1/messages/count_tokens", "messages"),
        ("/v2/rerank", "rerank"),
        (None, "SURFACE"),
    ],
)
def test_a_missing_surface_is_named_with_the_path_to_give(route: str | None, surface: str) -> None:
    [found] = advice.of_story({"route": route, "attempts": [{"model": "lp1", "outcome": "no_route"}]})
    assert (route or "the path that was asked") in found.what
    command = f"""oneai models set lp1 'meta.paths={{"{surface}": "/PATH"}}'"""
    assert command in found.commands


def test_the_path_of_a_surface_can_be_given_as_advised(chain: Cli) -> None:
    row = chain("models", "set", "op1", 'meta.paths={"messages": "/PATH"}', "--json").json["model"]
    assert row["meta"]["paths"] == {"messages": "/PATH"}


@pytest.mark.parametrize("outcome", ["connection_lost", "abort", "error_event", "timeout"])
def test_once_content_is_out_it_is_said_that_nobody_could_take_over(outcome: str) -> None:
    begun = advice.of_attempt({"model": "op1", "outcome": outcome, "ttft_ms": 3})
    before = advice.of_attempt({"model": "op1", "outcome": outcome, "ttft_ms": None})
    assert begun is not None
    assert before is not None
    assert "No other model can take over" in begun.what
    assert "No other model can take over" not in before.what


STREAMED = {
    "id": "run_1", "request_id": "r1", "at": "2026-11-01T00:00:00.000Z", "status": 499, "route": "/v1/messages",
    "key": "n8n", "task": "llm", "requested": "lp1", "error": None, "code": None, "attempts": [{
        "model": "lp1", "provider": "meta", "outcome": "client_stalled", "tried": True, "message": None, "status": 200,
        "latency_ms": 61_000, "circuit": "closed", "at": None, "tokens_in": None, "tokens_out": 1200, "ttft_ms": 640,
    }],
}  # fmt: skip


def test_of_a_stream_its_first_word_and_what_passed_are_told(cli: Cli, gateway: Answering) -> None:
    gateway.answers["GET /admin/calls/run_1"] = (200, STREAMED)
    shown = cli("why", "run_1").out
    assert "61,000 ms · first word after 640 ms · status 200 · circuit closed · 1,200 tokens out" in shown


def test_a_long_line_of_facts_hangs_below_its_own_beginning(cli: Cli, gateway: Answering) -> None:
    gateway.answers["GET /admin/calls/run_1"] = (200, STREAMED)
    lines = cli("why", "run_1", width=80).out.splitlines()
    at = next(number for number, line in enumerate(lines) if "61,000 ms" in line)
    assert lines[at + 1].startswith(" " * lines[at].index("61,000"))
    assert max(map(len, lines[: at + 2])) <= 80


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
