"""What was asked of which model, and what it took."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oneai import ids
from oneai.cli.usage import compact
from oneai.store import opened
from tests.cli.conftest import Answering, Cli


def attempt(model: str, **changes: object) -> dict[str, object]:
    row = {
        "id": ids.uuid7(),
        "model_code": model,
        "task": "ocr",
        "tokens_in": 1000,
        "tokens_out": 50,
        "latency_ms": 400,
        "cost_usd": 0.25,
        "success": True,
        "error_class": None,
        "created_at": datetime.now(UTC).isoformat(),
        "key_name": "n8n",
    }
    return row | changes


@pytest.fixture
def used(chain: Cli, home: Path) -> Cli:
    """Three attempts on op2, of which one failed, one on op1, and one on op3 three days ago."""
    rows = [
        attempt("op1"),
        attempt("op2"),
        attempt("op2", key_name="dev"),
        attempt("op2", success=False, error_class="timeout", tokens_in=None, tokens_out=None, cost_usd=None),
        attempt("op3", created_at=(datetime.now(UTC) - timedelta(days=3)).isoformat()),
    ]

    async def write() -> None:
        async with opened(f"sqlite:{home / 'oneai.db'}") as store:
            await store.add_usage(rows)

    asyncio.run(write())
    return chain


def test_totals_go_by_model_with_most_calls_first(used: Cli) -> None:
    document = used("usage", "--json").json
    shown = [(line["group"], line["calls"], line["errors"], line["tokens_in"]) for line in document["lines"]]
    assert shown == [("op2", 3, 1, 2000), ("op1", 1, 0, 1000)]
    assert document["total"] == {"calls": 4, "errors": 1, "tokens_in": 3000, "tokens_out": 150, "cost_usd": 0.75}


def test_totals_go_by_key_and_by_task(used: Cli) -> None:
    by_key = used("usage", "--by", "key", "--json").json["lines"]
    by_task = used("usage", "--by", "task", "--json").json["lines"]
    assert [(line["group"], line["calls"]) for line in by_key] == [("n8n", 3), ("dev", 1)]
    assert [(line["group"], line["calls"]) for line in by_task] == [("ocr", 4)]


@pytest.mark.parametrize("exact", [(), ("--exact",)])
def test_a_longer_look_back_finds_more(used: Cli, exact: tuple[str, ...]) -> None:
    assert used("usage", "--since", "7d", "--json", *exact).json["total"]["calls"] == 5


def test_the_time_is_to_the_hour_unless_exact(used: Cli) -> None:
    assert used("usage", "--since", "90m", "--json").json["since"].endswith(":00:00.000Z")
    moment = (datetime.now(UTC) - timedelta(minutes=1)).isoformat(timespec="milliseconds")
    exact = used("usage", "--since", moment, "--exact", "--json").json["since"]
    assert exact == moment.replace("+00:00", "Z")


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_fits_and_ends_in_a_total(used: Cli, width: int) -> None:
    lines = used("usage", width=width).out.splitlines()
    total = next(line for line in lines if line.startswith("total"))
    assert total.split()[1:4] == ["4", "1", "25.0"]
    assert max(map(len, lines)) <= width


def test_nothing_used_says_what_to_do_next(cli: Cli) -> None:
    ended = cli("usage")
    assert ended.code == 0
    assert "oneai run FILE" in ended.out


@pytest.mark.parametrize("words", [("--since", "yesterday"), ("--since", "2999-01-01"), ("--by", "colour")])
def test_nonsense_is_refused(cli: Cli, words: tuple[str, str]) -> None:
    ended = cli("usage", *words, "--json")
    assert ended.code == 2
    assert ended.json["error"]["message"]


@pytest.mark.parametrize(
    ("number", "shown"), [(9_999, "9,999"), (12_345, "12.3k"), (4_560_000, "4.6M"), (7_800_000_000, "7.8G")]
)
def test_narrow_figures_are_short(number: int, shown: str) -> None:
    assert compact(number) == shown


def test_rows_on_their_way_to_the_store_are_told(gateway: Answering, used: Cli) -> None:
    gateway.answers["GET /health"] = (200, {"journal": {"rows": 2}})
    assert "2 usage rows" in used("usage").out
    ended = used("usage", "--json")
    assert ended.json["on_the_way"] == 2
    assert "2 usage rows" in ended.err
    assert "2 usage rows" in used("usage", "--since", "1m", "--exact", "--by", "task").out


@pytest.mark.parametrize("answer", [{"journal": {"rows": 0}}, {"journal": "?"}, {"journal": {"rows": "?"}}, b"<html>"])
def test_no_row_on_its_way_is_not_worth_a_word(gateway: Answering, used: Cli, answer: object) -> None:
    gateway.answers["GET /health"] = (200, answer)
    ended = used("usage")
    assert (ended.code, ended.err, "on the way" in ended.out) == (0, "", False)


def test_without_a_gateway_it_is_not_known_how_many_rows_are_on_their_way(used: Cli) -> None:
    assert used("usage", "--json").json["on_the_way"] is None
