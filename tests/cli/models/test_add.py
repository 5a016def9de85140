"""`oneai models add`."""

import pytest

from tests.cli.conftest import Answering, Cli

OCR = ("--provider", "paddle", "--endpoint", "http://gpu.example:8000/v1/chat/completions", "--no-probe")


def test_a_code_is_allotted_by_domain_and_role(cli: Cli) -> None:
    first = cli("models", "add", "--domain", "ocr", "--role", "primary", *OCR, "--json")
    other = cli("models", "add", "--domain", "ocr", "--role", "primary", *OCR[:2], "--endpoint", "http://b.example:1",
                "--no-probe", "--json")  # fmt: skip
    assert (first.json["code"], other.json["code"]) == ("op1", "op2")
    assert first.json["model"]["domain"] == "ocr"
    assert first.code == other.code == 0


def test_domain_and_role_are_read_from_a_code(cli: Cli) -> None:
    model = cli(
        "models", "add", "es1", "--provider", "bge", "--endpoint", "http://gpu.example:7", "--no-probe", "--json"
    )
    assert (model.json["model"]["domain"], model.json["model"]["role"]) == ("embed", "small")


@pytest.mark.parametrize(
    ("code", "path"), [("op1", "/v1/chat/completions"), ("ep1", "/v1/embeddings"), ("rp1", "/v1/rerank")]
)
def test_a_bare_server_gets_the_path_of_its_domain(cli: Cli, code: str, path: str) -> None:
    for server in ("http://gpu.example:8000", "http://gpu.example:8000/", "http://gpu.example:8000/v1"):
        ended = cli("models", "add", code, "--provider", "x", "--endpoint", server, "--no-probe", "--dry-run", "--json")
        assert ended.json["model"]["endpoint"] == f"http://gpu.example:8000{path}"


def test_an_endpoint_with_a_path_of_its_own_stays(cli: Cli) -> None:
    ended = cli(
        "models", "add", "op1", "--provider", "x", "--endpoint", "http://a.example/infer", "--no-probe", "--json"
    )
    assert ended.json["model"]["endpoint"] == "http://a.example/infer"


@pytest.mark.parametrize("words", [("op1",), ("--domain", "ocr", "--role", "primary")])
def test_the_same_again_changes_nothing_and_says_so(cli: Cli, words: tuple[str, ...]) -> None:
    cli("models", "add", *words, *OCR)
    again = cli("models", "add", *words, *OCR, "--json")
    assert (again.code, again.json["changed"], again.json["code"]) == (0, False, "op1")
    assert "nothing changes" in cli("models", "add", *words, *OCR).out


def test_another_row_of_that_code_is_a_conflict_that_names_the_fields(cli: Cli) -> None:
    cli("models", "add", "op1", *OCR)
    refused = cli("models", "add", "op1", *OCR, "--timeout-ms", "5000", "--json")
    assert refused.code == 4
    assert "timeout_ms is 60000, not 5000" in refused.json["error"]["message"]
    assert cli("models", "show", "op1", "--json").json["row"]["timeout_ms"] == 60_000


def test_replace_overwrites(cli: Cli) -> None:
    cli("models", "add", "op1", *OCR)
    ended = cli("models", "add", "op1", *OCR, "--timeout-ms", "5000", "--replace", "--json")
    assert ended.json["models"][0]["changes"] == [{"field": "timeout_ms", "old": 60_000, "new": 5000}]
    assert cli("models", "show", "op1", "--json").json["row"]["timeout_ms"] == 5000


def test_a_dry_run_writes_nothing(cli: Cli) -> None:
    ended = cli("models", "add", "op1", *OCR, "--dry-run")
    assert ended.code == 0
    assert "would be registered" in ended.out
    assert cli("models", "list", "--json").json["models"] == []


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("op1", "--provider", "x"), "--endpoint"),
        (("op1", "--endpoint", "http://a.example"), "--provider"),
        (OCR, "CODE"),
        (("op1", "--domain", "llm", *OCR), "--domain"),
        (("op1", "--role", "small", *OCR), "--role"),
        (("xp1", *OCR), "xp1"),
        (("op1", "--provider", "x", "--endpoint", "gpu.example:8000"), "endpoint"),
        (("op1", *OCR, "--when-busy", "never"), "when_busy"),
        (("op1", *OCR, "--credential-env", "PATH"), "credential_env"),
        (("op1", *OCR, "--alias", "ocr"), "aliases"),
        (("op1", *OCR, "--meta", "x=nojson"), "x"),
        (("op1", *OCR, "--meta", "removed_at=1"), "removed_at"),
    ],
)
def test_nonsense_is_refused_with_the_name_of_what_is_wrong(cli: Cli, words: tuple[str, ...], named: str) -> None:
    ended = cli("models", "add", *words, "--json")
    assert ended.code == 2
    assert named in ended.json["error"]["message"]
    assert cli("models", "list", "--json").json["models"] == []


def test_a_fallback_that_is_not_registered_is_refused(cli: Cli) -> None:
    ended = cli("models", "add", "op1", *OCR, "--fallback", "op2")
    assert ended.code == 4
    assert "op2 is not registered" in ended.err


def test_every_option_lands_in_the_row(cli: Cli) -> None:
    ended = cli(
        "models", "add", "lp1", "--provider", "meta", "--endpoint", "http://gpu.example:8100", "--no-probe", "--json",
        "--name", "Llama", "--description", "large", "--timeout-ms", "180000", "--max-tokens", "512", "--inactive",
        "--credential-env", "ONEAI_CREDENTIAL_META", "--served-model", "llama", "--max-in-flight", "4",
        "--when-busy", "next", "--health-path", "/health", "--price-in", "0.5", "--price-out", "1.5",
        "--price-request", "0.01", "--alias", "llama", "--alias", "gpt-4o", "--meta", 'paths={"chat": "/chat"}',
        "--idle-ms", "90000", "--no-stream-usage",
    )  # fmt: skip
    row = ended.json["model"]
    assert (row["timeout_ms"], row["max_tokens"], row["active"]) == (180_000, 512, False)
    assert row["meta"] == {
        "name": "Llama",
        "description": "large",
        "credential_env": "ONEAI_CREDENTIAL_META",
        "served_model": "llama",
        "max_in_flight": 4,
        "when_busy": "next",
        "health_path": "/health",
        "price": {"in": 0.5, "out": 1.5, "request": 0.01},
        "aliases": ["llama", "gpt-4o"],
        "idle_ms": 90_000,
        "stream_usage": False,
        "paths": {"chat": "/chat"},
    }


def test_a_server_that_answers_tells_what_it_serves(
    cli: Cli, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEAI_CREDENTIAL_GPU", "a secret")
    server.answers["GET /v1/models"] = (200, {"data": [{"id": "llama-3", "max_model_len": 8192}]})
    words = ("models", "add", "lp1", "--provider", "meta", "--endpoint", server.url)
    ended = cli(*words, "--credential-env", "ONEAI_CREDENTIAL_GPU")
    assert "serves llama-3, context window 8,192 tokens" in ended.out
    assert "oneai models test lp1" in ended.out
    assert server.asked[0][1]["Authorization"] == "Bearer a secret"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {}), "asks for a secret"),
        ((404, {}), "answered 404"),
        ((200, b"<html>"), "not JSON"),
        ((200, {"data": 3}), "no model's name"),
    ],
)
def test_a_strange_server_is_told_and_registered_all_the_same(
    cli: Cli, server: Answering, answer: tuple[int, object], said: str
) -> None:
    server.answers["GET /v1/models"] = answer
    ended = cli("models", "add", "lp1", "--provider", "meta", "--endpoint", server.url)
    assert ended.code == 0
    assert said in ended.out + ended.err


def test_a_server_that_does_not_answer_is_a_warning(cli: Cli, refusing: str) -> None:
    ended = cli("models", "add", "lp1", "--provider", "meta", "--endpoint", refusing, "--json")
    assert (ended.code, ended.json["probe"]["answers"]) == (0, False)
    assert "warning: Nothing usable answers there" in ended.err
    assert cli("models", "show", "lp1").code == 0


def test_the_gateway_has_it_when_the_command_returns(gateway: Answering, cli: Cli) -> None:
    ended = cli("models", "add", "op1", *OCR, "--json")
    assert ended.json["live"] is True
    assert [asked for asked, _headers, _body in gateway.asked] == ["POST /admin/reload"]


def test_an_overridden_field_is_without_effect(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_OP1_TIMEOUT", "1000")
    ended = cli("models", "add", "op1", *OCR)
    assert ended.code == 7
    assert "MODEL_OP1_TIMEOUT overrides timeout_ms of op1" in ended.err


def test_a_dry_run_with_nothing_there_does_not_say_that_it_registered(cli: Cli, refusing: str) -> None:
    ended = cli("models", "add", "op1", "--provider", "x", "--endpoint", refusing, "--dry-run")
    assert "would be registered all the same" in ended.err


def test_a_secret_in_an_endpoint_is_refused_and_not_repeated(cli: Cli) -> None:
    for words in (("add", "op1", "--provider", "x", "--no-probe"), ("set", "op1")):
        ended = cli("models", *words, "--endpoint", "http://me:hunter2@gpu.example:8000")
        assert ended.code == 2
        assert "credential" in ended.err
        assert "hunter2" not in ended.err + ended.out
        assert (
            cli("models", "add", "op1", "--provider", "x", "--no-probe", "--endpoint", "http://a.example:1").code == 0
        )


def test_a_meta_that_is_no_pair_names_its_option(cli: Cli) -> None:
    ended = cli("models", "add", "op1", "--provider", "x", "--endpoint", "http://a.example:1", "--meta", "nonsense")
    assert ended.code == 2
    assert "--meta: found 'nonsense'; accepted is KEY=JSON" in ended.err
