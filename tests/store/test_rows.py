from typing import Any

import pytest

from oneai.errors import StoreRefused
from oneai.store import rows

ID = "01900000-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        ("id", ID.upper().replace("-", ""), ID),
        ("doc_id", 42, "42"),
        ("cost_usd", 1, 1.0),
        ("created_at", "2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000Z"),
        ("tokens_in", None, None),
        ("success", None, None),
    ],
)
def test_a_value_is_kept_in_one_form(column: str, value: Any, kept: Any) -> None:
    assert rows.cell("model_usage_log", column, value) == kept


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", None),
        ("id", 7),
        ("model_code", None),
        ("doc_id", "a\0b"),
        ("doc_id", "\ud800"),
        ("doc_id", True),
        ("doc_id", {}),
        ("tokens_in", 1.5),
        ("tokens_in", True),
        ("tokens_in", 2**31),
        ("cost_usd", float("nan")),
        ("cost_usd", "much"),
        ("cost_usd", []),
        ("success", 1),
        ("created_at", 5),
        ("created_at", "0001-01-01T00:00:00+05:00"),
    ],
)
def test_what_a_column_cannot_hold_is_refused_by_name(column: str, value: Any) -> None:
    with pytest.raises(StoreRefused, match=f"model_usage_log.{column}"):
        rows.cell("model_usage_log", column, value)


def test_a_row_is_filled_in_with_the_defaults_of_its_table() -> None:
    row = rows.admit("api_keys", {"key_hash": "a", "name": "n8n", "created_at": None})
    assert (row["admin"], row["allow"], row["revoked_at"]) == (False, None, None)
    assert rows.cell("api_keys", "created_at", row["created_at"]) == row["created_at"]


def test_two_rows_do_not_share_a_default() -> None:
    given = dict.fromkeys(("model_code", "domain", "role", "provider", "endpoint"), "x")
    one, two = rows.admit("models", given), rows.admit("models", given)
    one["meta"]["name"] = "mine"
    assert two["meta"] == {}


@pytest.mark.parametrize("column", ["admin", "name"])
def test_null_where_the_table_has_none_is_refused(column: str) -> None:
    with pytest.raises(StoreRefused, match=f"api_keys.{column} must not be null"):
        rows.admit("api_keys", {"key_hash": "a", "name": "n8n", column: None})


def test_a_column_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(StoreRefused, match="models has no column colour, size"):
        rows.model_changes({"size": 1, "colour": "red"})


def test_a_models_code_is_never_changed() -> None:
    with pytest.raises(StoreRefused, match="cannot be changed"):
        rows.model_changes({"model_code": "op2"})
