"""`oneai models list`."""

import pytest

from tests.cli.conftest import Answering, Cli


def test_no_models_says_what_to_do_next(cli: Cli) -> None:
    ended = cli("models", "list")
    assert ended.code == 0
    assert "oneai models add" in ended.out


def test_looking_makes_no_file(cli: Cli, home: object) -> None:
    from pathlib import Path

    cli("models", "list")
    assert not Path(str(home)).exists()


def test_json_is_one_document_and_words_go_to_stderr(chain: Cli) -> None:
    ended = chain("models", "list", "--json")
    assert [model["code"] for model in ended.json["models"]] == ["op1", "op2", "op3", "op4", "op5"]
    first = ended.json["models"][0]
    assert (first["node"], first["chain"], first["calls_24h"]) == ("gpu.example", ["op2", "op3", "op4", "op5"], 0)
    assert ended.json["circuits_from"] == "store"
    assert "No gateway answers" in ended.err


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_table_fits_and_keeps_codes_and_names_whole(chain: Cli, width: int) -> None:
    chain("models", "add", "os1", "--provider", "tesseract", "--endpoint", "http://a.example:1", "--no-probe")
    chain("models", "fallback", "op5", "os1")
    lines = chain("models", "list", width=width).out.splitlines()
    table = lines[: lines.index(next(line for line in lines if line.startswith("os1"))) + 1]
    assert max(map(len, table)) <= width
    for code in ("op1", "op2", "op3", "op4", "op5", "os1"):
        assert sum(line.startswith(code) for line in table) == 1
    if width == 140:
        assert "op2 → op3 → op4 → op5 → os1" in table[2]
        assert "deepseek" in table[2]
    assert "…+" in table[2] or width > 80


def test_what_is_not_a_terminal_gets_no_colour_codes(chain: Cli) -> None:
    assert "\x1b" not in chain("models", "list").out


def test_a_name_with_markup_or_an_escape_is_shown_as_it_is(chain: Cli) -> None:
    chain("models", "set", "op1", "name=[red]x[/red] :smile:")
    assert "[red]x[/red] :smile:" in chain("models", "list").out


def test_inactive_models_are_counted_and_shown_with_all(chain: Cli) -> None:
    chain("models", "disable", "op2")
    short = chain("models", "list")
    assert "1 inactive" in short.out
    assert not any(line.startswith("op2") for line in short.out.splitlines())
    every = chain("models", "list", "--all", "--json").json["models"]
    assert [(model["code"], model["circuit"]) for model in every if not model["active"]] == [("op2", "off")]


def test_a_domain_narrows_it(chain: Cli) -> None:
    assert chain("models", "list", "--domain", "llm", "--json").json["models"] == []
    assert len(chain("models", "list", "--domain", "ocr", "--json").json["models"]) == 5
    assert chain("models", "list", "--domain", "smell").code == 2


def test_circuits_come_from_the_gateway_where_one_runs(gateway: Answering, chain: Cli) -> None:
    entry = {"code": "op1", "circuit": "open", "status": "unhealthy", "p50_latency_ms": 7, "p95_latency_ms": 9}
    gateway.answers["GET /models?all=true"] = (200, {"models": [entry]})
    listed = chain("models", "list", "--json").json
    assert listed["circuits_from"] == "gateway"
    assert (listed["models"][0]["circuit"], listed["models"][0]["p95_ms"]) == ("open", 9)


@pytest.mark.parametrize("answer", [b"<html>", {"models": "none"}, {"models": [3]}, []])
def test_something_else_on_the_gateways_port_is_survived(gateway: Answering, chain: Cli, answer: object) -> None:
    gateway.answers["GET /models?all=true"] = (200, answer)
    ended = chain("models", "list", "--json")
    assert (ended.code, ended.json["circuits_from"]) == (0, "store")
    assert "no OneAI Gateway" in ended.err
