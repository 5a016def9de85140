"""`oneai models set`."""

import pytest

from tests.cli.conftest import Answering, Cli


def test_set_shows_old_and_new(chain: Cli) -> None:
    ended = chain("models", "set", "op1", "timeout_ms=300000", "--json")
    assert ended.code == 0
    assert ended.json["models"][0]["changes"] == [{"field": "timeout_ms", "old": 120_000, "new": 300_000}]
    assert chain("models", "show", "op1", "--json").json["fields"]["timeout_ms"] == {"value": 300_000, "from": "row"}


def test_options_do_as_pairs_do(chain: Cli) -> None:
    ended = chain("models", "set", "op1", "--timeout-ms", "300000", "--name", "New", "--json")
    assert [change["field"] for change in ended.json["models"][0]["changes"]] == ["timeout_ms", "meta.name"]


@pytest.mark.parametrize(("option", "allowed"), [("--stream-usage", True), ("--no-stream-usage", False)])
def test_an_option_of_two_words_says_yes_or_no(chain: Cli, option: str, allowed: bool) -> None:
    assert chain("models", "set", "op1", option, "--json").json["model"]["meta"]["stream_usage"] is allowed
    assert "stream_usage" not in chain("models", "set", "op1", "stream_usage=", "--json").json["model"]["meta"]


def test_the_same_again_changes_nothing(chain: Cli) -> None:
    ended = chain("models", "set", "op1", "timeout_ms=120000", "--json")
    assert (ended.code, ended.json["changed"]) == (0, False)


def test_a_dry_run_writes_nothing(chain: Cli) -> None:
    ended = chain("models", "set", "op1", "timeout_ms=5", "--dry-run")
    assert "120000" in ended.out
    assert chain("models", "set", "op1", "timeout_ms=120000", "--json").json["changed"] is False


def test_a_field_is_emptied(chain: Cli) -> None:
    chain("models", "set", "op1", "price_in=2", "description=")
    row = chain("models", "set", "op1", "price_in=", "fallback=none", "--json").json["model"]
    assert row["fallback_model_code"] is None
    assert row["meta"] == {"name": "DeepSeek-OCR"}


def test_a_new_endpoint_is_completed(chain: Cli) -> None:
    row = chain("models", "set", "op1", "endpoint=http://b.example:9", "--json").json["model"]
    assert row["endpoint"] == "http://b.example:9/v1/chat/completions"


def test_an_unknown_field_lists_those_that_are_accepted(chain: Cli) -> None:
    ended = chain("models", "set", "op1", "colour=red", "--json")
    assert ended.code == 2
    assert "provider, endpoint, timeout_ms" in ended.json["error"]["message"]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("timeout_ms",),
        ("timeout_ms=soon",),
        ("timeout_ms=0",),
        ("timeout_ms=-5",),
        ("active=perhaps",),
        ("provider=",),
        ("endpoint=nowhere",),
        ("role=small",),
        ("model_code=op9",),
        ("meta.removed_at=1",),
        ("price_in=-1",),
        ("price_in=nan",),
        ("name=\0",),
        ("idle_ms=0",),
        ("idle_ms=1.5",),
        ("--idle-ms", "0"),
        ("stream_usage=perhaps",),
    ],
)
def test_nonsense_is_refused_and_nothing_changes(chain: Cli, words: tuple[str, ...]) -> None:
    before = chain("models", "export").json
    assert chain("models", "set", "op1", *words).code == 2
    assert chain("models", "export").json == before


def test_an_unknown_model_is_not_found(chain: Cli) -> None:
    assert chain("models", "set", "op9", "timeout_ms=5").code == 3


def test_a_fallback_into_a_cycle_or_another_domain_is_a_conflict(chain: Cli) -> None:
    assert chain("models", "set", "op5", "fallback=op1").code == 4
    chain("models", "add", "lp1", "--provider", "x", "--endpoint", "http://a.example:1", "--no-probe")
    assert chain("models", "set", "op5", "fallback=lp1").code == 4


def test_a_change_that_a_variable_overrides_warns_and_exits_7(chain: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_OP1_TIMEOUT", "90000")
    ended = chain("models", "set", "op1", "timeout_ms=5000", "--json")
    assert (ended.code, ended.json["changed"]) == (7, True)
    assert "MODEL_OP1_TIMEOUT" in ended.err


def test_a_refused_key_is_told_and_the_write_stands(gateway: Answering, chain: Cli) -> None:
    refusal = {"error": {"message": "no", "code": "invalid_api_key", "param": None}}
    gateway.answers["POST /admin/reload"] = (401, refusal)
    ended = chain("models", "set", "op1", "timeout_ms=5000", "--json")
    assert (ended.code, ended.json["live"]) == (0, False)
    assert "refused our key" in ended.json["note"]
    assert "within 5 s" in ended.json["note"]
