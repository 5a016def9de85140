"""`oneai models import` and `export`."""

import json
from pathlib import Path
from typing import Any

import pytest

from oneai.types import Row
from tests.cli.conftest import Answering, Cli

ROW: Row = {"model_code": "op1", "domain": "ocr", "role": "primary", "provider": "x", "endpoint": "http://a.example:1"}


def given(*rows: Any) -> str:
    return json.dumps({"models": list(rows)})


def test_the_example_is_imported_by_one_command(chain: Cli) -> None:
    rows = chain("models", "export").json["models"]
    assert [row["fallback_model_code"] for row in rows] == ["op2", "op3", "op4", "op5", None]
    assert all(row["endpoint"].startswith("http://gpu.example:800") for row in rows)


def test_rows_may_name_each_other_in_any_order(cli: Cli) -> None:
    rows = [ROW | {"fallback_model_code": "op2"}, ROW | {"model_code": "op2"}]
    assert cli("models", "import", "-", "--json", stdin=given(*rows)).json["counts"]["added"] == 2


def test_what_was_exported_imports_as_unchanged(chain: Cli, tmp_path: Path) -> None:
    file = str(tmp_path / "models.json")
    assert chain("models", "export", file, "--json").json == {"file": file, "models": 5}
    ended = chain("models", "import", file, "--json")
    assert ended.json["counts"] == {"added": 0, "changed": 0, "unchanged": 5}


def test_a_row_that_differs_is_a_conflict_and_nothing_is_written(chain: Cli) -> None:
    rows = [ROW | {"model_code": "op6"}, ROW]
    ended = chain("models", "import", "-", stdin=given(*rows))
    assert ended.code == 4
    assert "op1: provider" in ended.err
    assert chain("models", "show", "op6").code == 3


def test_replace_overwrites_and_names_what_changed(chain: Cli) -> None:
    ended = chain("models", "import", "-", "--replace", "--json", stdin=given(ROW))
    assert ended.json["counts"] == {"added": 0, "changed": 1, "unchanged": 0}
    assert {"field": "provider", "old": "deepseek", "new": "x"} in ended.json["models"][0]["changes"]


def test_a_dry_run_writes_nothing(cli: Cli, home: Path) -> None:
    ended = cli("models", "import", "-", "--dry-run", stdin=given(ROW))
    assert ended.code == 0
    assert "1 would be added" in ended.out
    assert not home.exists()


def test_many_rows_are_one_write_and_one_reload(gateway: Answering, cli: Cli) -> None:
    rows = [ROW | {"model_code": f"op{number}"} for number in range(1, 1501)]
    ended = cli("models", "import", "-", "--json", stdin=given(*rows))
    assert (ended.json["counts"]["added"], ended.json["live"]) == (1500, True)
    assert len(gateway.bodies("POST /admin/reload")) == 1
    assert len(cli("models", "list", "--json").json["models"]) == 1500


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no JSON"),
        ("nonsense", "no JSON"),
        ("{}", "no list"),
        ("3", "no list"),
        (given(3), "row 1"),
        (given({}), "row 1: model_code"),
        (given(ROW | {"model_code": "zz1"}), "zz1"),
        (given(ROW | {"domain": "llm"}), "op1: domain"),
        (given(ROW | {"role": "small"}), "op1: role"),
        (given(ROW | {"endpoint": "nowhere"}), "op1: endpoint"),
        (given(ROW | {"endpoint": 3}), "op1: endpoint"),
        (given(ROW | {"timeout_ms": "5"}), "op1: timeout_ms"),
        (given(ROW | {"timeout_ms": True}), "op1: timeout_ms"),
        (given(ROW | {"active": "yes"}), "op1: active"),
        (given(ROW | {"meta": []}), "op1: meta"),
        (given(ROW | {"meta": {"when_busy": 3}}), "op1: meta.when_busy"),
        (given(ROW | {"colour": "red"}), "op1: colour"),
        (given({name: ROW[name] for name in ROW if name != "provider"}), "op1: provider"),
        (given(ROW, ROW), "op1 twice"),
    ],
)
def test_nonsense_names_the_row_and_the_field(cli: Cli, text: str, named: str, home: Path) -> None:
    ended = cli("models", "import", "-", "--json", stdin=text)
    assert ended.code == 2
    assert named in ended.json["error"]["message"]
    assert cli("models", "list", "--json").json["models"] == []


def test_a_cycle_and_a_missing_fallback_are_refused(cli: Cli) -> None:
    circle = [ROW | {"fallback_model_code": "op2"}, ROW | {"model_code": "op2", "fallback_model_code": "op1"}]
    assert cli("models", "import", "-", stdin=given(*circle)).code == 4
    assert cli("models", "import", "-", stdin=given(ROW | {"fallback_model_code": "op7"})).code == 4


def test_a_file_that_cannot_be_read_or_written_is_said(cli: Cli, tmp_path: Path) -> None:
    assert cli("models", "import", str(tmp_path / "none.json")).code == 3
    assert cli("models", "import", str(tmp_path)).code == 2
    assert cli("models", "export", str(tmp_path / "none" / "file.json")).code == 2
