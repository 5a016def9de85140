"""`oneai models test`."""

from pathlib import Path

import pytest

from tests.cli.conftest import Answering, Cli

DONE = {"output": {"text": "hello"}, "model": "op1"}


def registered(cli: Cli, code: str, endpoint: str) -> None:
    ended = cli("models", "add", code, "--provider", "x", "--endpoint", endpoint, "--no-probe")
    assert ended.code == 0


def test_it_goes_the_real_way_without_fallback(gateway: Answering, chain: Cli) -> None:
    gateway.answers["POST /v1/run"] = (200, DONE)
    ended = chain("models", "test", "op1", "--json")
    assert ended.code == 0
    assert ended.json["tests"][0]["said"] == "hello"
    assert gateway.bodies("POST /v1/run") == [{"model": "op1", "input": {"text": "test"}, "fallback": False}]


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("lp1", {"text": "Hi"}),
        ("ep1", {"texts": ["Hi"]}),
        ("rp1", {"query": "Hi", "documents": ["a test", "something else"]}),
    ],
)
def test_each_domain_is_asked_what_it_can_answer(
    gateway: Answering, cli: Cli, code: str, asked: dict[str, object]
) -> None:
    registered(cli, code, "http://a.example:1")
    gateway.answers["POST /v1/run"] = (200, DONE)
    assert cli("models", "test", code, "--text", "Hi").code == 0
    assert gateway.bodies("POST /v1/run")[0]["input"] == asked


def test_a_model_that_fails_is_exit_1_and_names_the_direct_test(gateway: Answering, chain: Cli) -> None:
    fault = {"error": {"message": "No model of the chain could answer.", "code": "chain_exhausted", "param": None}}
    gateway.answers["POST /v1/run"] = (502, fault)
    ended = chain("models", "test", "op1", "op2", "--json")
    assert ended.code == 1
    assert [test["status"] for test in ended.json["tests"]] == [502, 502]
    assert "oneai models test op1 --direct" in chain("models", "test", "op1").out


def test_an_unknown_model_and_a_refused_key_have_their_own_codes(gateway: Answering, chain: Cli) -> None:
    for status, code in ((404, 3), (403, 5), (400, 2)):
        gateway.answers["POST /v1/run"] = (status, {"error": {"message": "no", "code": "x", "param": None}})
        assert chain("models", "test", "op1").code == code


def test_no_gateway_is_exit_6(chain: Cli) -> None:
    ended = chain("models", "test", "op1", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (6, "gateway_unreachable")


def test_direct_goes_past_the_gateway_with_the_served_name(cli: Cli, server: Answering) -> None:
    registered(cli, "lp1", server.url)
    server.answers["GET /v1/models"] = (200, {"data": [{"id": "llama"}]})
    server.answers["POST /v1/chat/completions"] = (200, {"choices": [{"message": {"content": "x" * 500}}]})
    ended = cli("models", "test", "lp1", "--direct", "--json")
    assert (ended.code, len(ended.json["tests"][0]["said"])) == (0, 200)
    body = server.bodies("POST /v1/chat/completions")[0]
    assert (body["model"], body["messages"][-1]["content"]) == ("llama", "test")


def test_direct_shows_what_a_failing_server_says(cli: Cli, server: Answering) -> None:
    registered(cli, "lp1", server.url)
    server.answers["POST /v1/chat/completions"] = (500, {"error": "CUDA out of memory"})
    ended = cli("models", "test", "lp1", "--direct")
    assert ended.code == 1
    assert "CUDA out of memory" in ended.out


def test_direct_to_a_server_that_is_away_is_exit_6(cli: Cli, refusing: str) -> None:
    registered(cli, "lp1", refusing)
    ended = cli("models", "test", "lp1", "--direct", "--json")
    assert ended.code == 6
    assert ended.json["tests"][0]["away"] is True


def test_direct_knows_only_registered_models(cli: Cli) -> None:
    assert cli("models", "test", "op1", "--direct").code == 3


def test_an_image_must_be_one_and_go_to_a_model_that_sees(cli: Cli, tmp_path: Path, server: Answering) -> None:
    registered(cli, "lp1", server.url)
    registered(cli, "op1", server.url)
    page = tmp_path / "page.png"
    page.write_bytes(b"%PDF-1.4")
    assert cli("models", "test", "lp1", "--image", str(page), "--direct").code == 2
    assert cli("models", "test", "op1", "--image", str(page), "--direct").code == 2
    assert cli("models", "test", "op1", "--image", str(tmp_path / "none.png")).code == 2
    assert server.bodies("POST /v1/chat/completions") == []
