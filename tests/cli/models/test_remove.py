"""`oneai models remove`, and `enable` as its undoing."""

from tests.cli.conftest import Answering, Cli


def links(cli: Cli) -> dict[str, str | None]:
    return {row["model_code"]: row["fallback_model_code"] for row in cli("models", "export").json["models"]}


def test_off_a_terminal_it_asks_for_yes_and_changes_nothing(chain: Cli) -> None:
    ended = chain("models", "remove", "op1", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "confirmation_needed")
    assert "--yes" in ended.err
    assert chain("models", "show", "op1").code == 0


def test_a_removed_model_is_hidden_and_chains_go_past_it(chain: Cli) -> None:
    ended = chain("models", "remove", "op2", "--yes")
    assert ended.code == 0
    assert "op1 is wired past op2." in ended.out
    assert links(chain) == {"op1": "op3", "op3": "op4", "op4": "op5", "op5": None}


def test_removing_twice_changes_nothing(chain: Cli) -> None:
    chain("models", "remove", "op2", "--yes")
    again = chain("models", "remove", "op2", "--json")
    assert (again.code, again.json["changed"]) == (0, False)


def test_enable_brings_it_back(chain: Cli) -> None:
    chain("models", "remove", "op2", "--yes")
    ended = chain("models", "enable", "op2")
    assert ended.code == 0
    assert "oneai models fallback" in ended.out
    row = chain("models", "show", "op2", "--json").json["row"]
    assert row["active"] is True
    assert "removed_at" not in row["meta"]


def test_a_removed_code_is_not_allotted_again(chain: Cli) -> None:
    chain("models", "remove", "op5", "--yes")
    assert chain("models", "next-code", "ocr", "primary", "--json").json["code"] == "op6"


def test_adding_a_removed_code_is_a_conflict_that_names_enable(chain: Cli) -> None:
    chain("models", "remove", "op5", "--yes")
    ended = chain("models", "add", "op5", "--provider", "x", "--endpoint", "http://a.example:1", "--no-probe")
    assert ended.code == 4
    assert "oneai models enable op5" in ended.err


def test_a_dry_run_asks_nothing_and_writes_nothing(chain: Cli) -> None:
    before = chain("models", "export").json
    ended = chain("models", "remove", "op2", "--dry-run", "--json")
    assert [model["code"] for model in ended.json["models"]] == ["op1", "op2"]
    assert chain("models", "export").json == before


def test_purge_deletes_it_and_frees_its_code(chain: Cli) -> None:
    ended = chain("models", "remove", "op5", "--purge", "--yes", "--json")
    assert (ended.code, ended.json["purged"]) == (0, True)
    assert links(chain) == {"op1": "op2", "op2": "op3", "op3": "op4", "op4": None}
    assert chain("models", "next-code", "ocr", "primary").out.strip() == "op5"
    assert chain("models", "enable", "op5").code == 3


def test_a_removed_model_can_still_be_purged(chain: Cli) -> None:
    chain("models", "remove", "op5", "--yes")
    assert chain("models", "remove", "op5", "--purge", "--yes").code == 0
    assert chain("models", "next-code", "ocr", "primary").out.strip() == "op5"


def test_the_last_model_goes_by_force_for_the_gateway_would_doubt_it(gateway: Answering, cli: Cli) -> None:
    cli("models", "add", "op1", "--provider", "x", "--endpoint", "http://a.example:1", "--no-probe")
    cli("models", "remove", "op1", "--yes")
    assert gateway.bodies("POST /admin/reload") == [None, {"force": True}]


def test_an_unknown_model_is_not_found(cli: Cli) -> None:
    assert cli("models", "remove", "op1", "--yes").code == 3


def test_those_removed_before_are_wired_past_it_without_a_word(chain: Cli) -> None:
    chain("models", "remove", "op4", "--yes")
    ended = chain("models", "remove", "op5", "--yes", "--json")
    assert [model["code"] for model in ended.json["models"]] == ["op3", "op5"]
    chain("models", "enable", "op4")
    assert links(chain)["op4"] is None
