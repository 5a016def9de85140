"""`oneai models show`."""

import pytest

from tests.cli.conftest import Cli


def test_every_field_says_where_it_came_from(chain: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_OP1_ENDPOINT", "http://other.example:8000/v1/chat/completions")
    fields = chain("models", "show", "op1", "--json").json["fields"]
    assert fields["endpoint"] == {
        "value": "http://other.example:8000/v1/chat/completions",
        "from": "MODEL_OP1_ENDPOINT",
    }
    assert fields["provider"] == {"value": "deepseek", "from": "row"}
    assert fields["max_in_flight"] == {"value": 32, "from": "default"}
    assert fields["idle_ms"] == {"value": 60_000, "from": "default"}
    assert fields["stream_usage"] == {"value": True, "from": "default"}


def test_the_fields_of_streams_are_shown_as_the_row_has_them(chain: Cli) -> None:
    chain("models", "set", "op1", "idle_ms=90000", "stream_usage=no")
    fields = chain("models", "show", "op1", "--json").json["fields"]
    assert fields["idle_ms"] == {"value": 90_000, "from": "row"}
    assert fields["stream_usage"] == {"value": False, "from": "row"}
    shown = [line.split() for line in chain("models", "show", "op1").out.splitlines()]
    assert ["stream_usage", "false", "row"] in shown


def test_the_chain_keys_and_warnings_are_there(chain: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEYS", "n8n=oo-abc")
    monkeypatch.setenv("MODEL_OP5_FALLBACK", "lp9")
    ended = chain("models", "show", "op5", "--json")
    assert [link["code"] for link in ended.json["chain"]] == ["op5"]
    assert ended.json["keys"] == ["n8n"]
    assert "lp9 is not registered" in ended.json["warnings"][0]["what"]
    assert "lp9" in ended.err


def test_an_unknown_model_is_not_found(cli: Cli) -> None:
    ended = cli("models", "show", "op1", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (3, "model_not_found")


def test_a_removed_model_is_told_from_an_unknown_one(chain: Cli) -> None:
    chain("models", "remove", "op1", "--yes")
    ended = chain("models", "show", "op1")
    assert ended.code == 3
    assert "oneai models enable op1" in ended.err


def test_people_see_the_value_whole_at_80_columns(chain: Cli) -> None:
    assert "http://gpu.example:8000/v1/chat/completions" in chain("models", "show", "op1", width=80).out
