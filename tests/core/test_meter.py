from typing import Any

import pytest

from oneai.core import meter
from oneai.types import Price, Usage

FREE = Price()


@pytest.mark.parametrize(
    ("payload", "tokens"),
    [
        ({"usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}}, (12, 3)),
        ({"usage": {"input_tokens": 12, "output_tokens": 3}}, (12, 3)),
        ({"usage": {"prompt_tokens": 0, "completion_tokens": 0}}, (0, 0)),
        ({"usage": {"total_tokens": 15}}, (15, None)),
        ({"usage": {"total_tokens": 15, "completion_tokens": 3}}, (12, 3)),
        ({"usage": {"total_tokens": 2, "completion_tokens": 3}}, (None, 3)),
        ({"meta": {"billed_units": {"input_tokens": 9, "output_tokens": 1, "search_units": 1}}}, (9, 1)),
        ({"meta": {"billed_units": {"search_units": 1}, "tokens": {"input_tokens": 9}}}, (9, None)),
        ({"meta": {"billed_units": {"total_tokens": 7}}}, (7, None)),
        ({"usage": None, "meta": None}, (None, None)),
        ({"usage": [1], "meta": "x"}, (None, None)),
        ({}, (None, None)),
        ([{"index": 0, "score": 0.5}], (None, None)),
        ("text", (None, None)),
    ],
)
def test_tokens_are_read_in_every_dialect(payload: Any, tokens: tuple[int | None, int | None]) -> None:
    assert meter.tokens(payload) == tokens


@pytest.mark.parametrize("junk", [-1, "12", True, 1.5, None, [], 2**31])
def test_a_count_that_is_none_is_ignored(junk: Any) -> None:
    assert meter.tokens({"usage": {"prompt_tokens": junk, "completion_tokens": 3}}) == (None, 3)


def test_a_good_count_is_found_behind_junk() -> None:
    assert meter.tokens({"usage": {"prompt_tokens": -1, "input_tokens": 4}}) == (4, None)


@pytest.mark.parametrize(
    ("price", "tokens_in", "tokens_out", "cost"),
    [
        (FREE, 1000, 1000, 0.0),
        (FREE, None, None, 0.0),
        (Price(tokens_in=2.0), 500_000, None, 1.0),
        (Price(tokens_in=2.0, tokens_out=4.0, request=0.5), 500_000, 250_000, 2.5),
        (Price(request=0.25), None, None, 0.25),
        (Price(tokens_in=2.0), None, 5, None),
        (Price(tokens_out=2.0, request=0.25), 5, None, None),
        (Price(tokens_in=2.0, tokens_out=2.0), 0, 0, 0.0),
    ],
)
def test_a_cost_is_unknown_only_where_a_priced_token_was_not_counted(
    price: Price, tokens_in: int | None, tokens_out: int | None, cost: float | None
) -> None:
    found = meter.cost(price, tokens_in, tokens_out)
    assert found == (None if cost is None else pytest.approx(cost))


def test_usage_is_tokens_and_their_cost() -> None:
    payload = {"usage": {"prompt_tokens": 1_000_000, "completion_tokens": 3}}
    assert meter.usage(payload, Price(tokens_in=0.1)) == Usage(tokens_in=1_000_000, tokens_out=3, cost_usd=0.1)


def test_what_anthropic_found_in_a_cache_was_part_of_the_prompt() -> None:
    usage = {"input_tokens": 1, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 2, "output_tokens": 5}
    assert meter.tokens({"usage": usage}) == (33, 5)
    assert meter.tokens({"usage": usage | {"cache_read_input_tokens": None}}) == (3, 5)
