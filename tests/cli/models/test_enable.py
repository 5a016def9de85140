"""`oneai models enable` and `disable`."""

from tests.cli.conftest import Answering, Cli


def test_several_models_go_off_and_on_again(chain: Cli) -> None:
    off = chain("models", "disable", "op1", "op2", "--json")
    assert [model["changed"] for model in off.json["models"]] == [True, True]
    assert len(chain("models", "list", "--json").json["models"]) == 3
    assert chain("models", "enable", "op1", "op2", "op3", "--json").json["models"][2]["changed"] is False
    assert len(chain("models", "list", "--json").json["models"]) == 5


def test_one_unknown_code_stops_all(chain: Cli) -> None:
    assert chain("models", "disable", "op1", "op9").code == 3
    assert len(chain("models", "list", "--json").json["models"]) == 5


def test_a_dry_run_writes_nothing(chain: Cli) -> None:
    assert chain("models", "disable", "op1", "--dry-run").code == 0
    assert len(chain("models", "list", "--json").json["models"]) == 5


def test_the_same_again_still_asks_the_gateway(gateway: Answering, chain: Cli) -> None:
    gateway.asked.clear()
    ended = chain("models", "enable", "op1", "--json")
    assert (ended.json["changed"], ended.json["live"]) == (False, True)
    assert len(gateway.bodies("POST /admin/reload")) == 1
