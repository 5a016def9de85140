"""`oneai models fallback`."""

import pytest

from tests.cli.conftest import Answering, Cli


def links(cli: Cli) -> dict[str, str | None]:
    return {row["model_code"]: row["fallback_model_code"] for row in cli("models", "export").json["models"]}


def test_a_whole_chain_is_wired_in_one_go(chain: Cli) -> None:
    chain("models", "fallback", "--clear", "op1", "op2", "op3", "op4")
    chain("models", "add", "os1", "--provider", "tesseract", "--endpoint", "http://a.example:1", "--no-probe")
    ended = chain("models", "fallback", "op1", "op2", "op3", "os1", "--json")
    assert ended.code == 0
    assert links(chain) == {"op1": "op2", "op2": "op3", "op3": "os1", "op4": None, "op5": None, "os1": None}
    assert [link["code"] for link in ended.json["chains"][0]] == ["op1", "op2", "op3", "os1"]


def test_what_the_last_one_falls_back_to_stays_unless_the_chain_ends(chain: Cli) -> None:
    chain("models", "fallback", "op1", "op3")
    assert links(chain)["op3"] == "op4"
    chain("models", "fallback", "op1", "op3", "--end")
    assert links(chain)["op3"] is None


def test_the_same_again_changes_nothing(chain: Cli) -> None:
    ended = chain("models", "fallback", "op1", "op2", "op3", "--json")
    assert (ended.code, ended.json["changed"]) == (0, False)


def test_clear_ends_the_chain(chain: Cli) -> None:
    assert chain("models", "fallback", "--clear", "op2", "--json").json["models"][0]["changes"] == [
        {"field": "fallback", "old": "op3", "new": None}
    ]
    assert links(chain)["op2"] is None


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("op5", "op1"), 4),
        (("op1", "op2", "op1"), 4),
        (("op1", "op1"), 4),
        (("op1", "op9"), 3),
        (("op9", "op1"), 3),
        (("op1", "lp1"), 4),
        (("--clear",), 2),
        (("--clear", "op9"), 3),
        (("--show", "op9"), 3),
    ],
)
def test_a_cycle_an_unknown_code_and_another_domain_are_refused(chain: Cli, words: tuple[str, ...], code: int) -> None:
    chain("models", "add", "lp1", "--provider", "x", "--endpoint", "http://a.example:1", "--no-probe")
    before = links(chain)
    ended = chain("models", "fallback", *words, "--json")
    assert ended.code == code
    assert ended.json["error"]["message"]
    assert links(chain) == before


def test_a_dry_run_draws_the_chain_to_be_and_writes_nothing(chain: Cli) -> None:
    ended = chain("models", "fallback", "op1", "op5", "--dry-run", "--json")
    assert [link["code"] for link in ended.json["chains"][0]] == ["op1", "op5"]
    assert links(chain)["op1"] == "op2"


def test_show_draws_each_chain_as_a_tree_with_circuits(gateway: Answering, chain: Cli) -> None:
    entry = {"code": "op2", "circuit": "open", "status": "unhealthy"}
    gateway.answers["GET /models?all=true"] = (200, {"models": [entry]})
    chain("models", "disable", "op3")
    lines = chain("models", "fallback", "--show").out.splitlines()
    assert lines[0].startswith("op1")
    assert "ocr calls start here" in lines[0]
    assert "└── op2  ○ open" in lines[1]
    assert "└── op3  – off" in lines[2]


def test_one_code_shows_its_chain_alone(chain: Cli) -> None:
    found = chain("models", "fallback", "op4", "--json").json["chains"]
    assert [[link["code"] for link in one] for one in found] == [["op4", "op5"]]


def test_a_cycle_that_stands_is_drawn_all_the_same(chain: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_OP5_FALLBACK", "op1")
    found = chain("models", "fallback", "--show", "--json").json["chains"]
    assert [link["code"] for link in found[0]] == ["op1", "op2", "op3", "op4", "op5"]


def test_a_link_that_a_variable_overrides_is_without_effect(chain: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_OP1_FALLBACK", "op2")
    ended = chain("models", "fallback", "op1", "op5")
    assert ended.code == 7
    assert "MODEL_OP1_FALLBACK" in ended.err
