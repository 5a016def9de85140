"""Fields by name, read from their texts."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneai.cli.models import fields, rows
from oneai.core import codes
from oneai.errors import BadField

ROW = rows.blank(codes.parse("op1"))


def test_the_row_itself_stays() -> None:
    fresh = fields.applied(ROW, {"name": "x", "price_in": "1"})
    assert (ROW["meta"], fresh["meta"]) == ({}, {"name": "x", "price": {"in": 1.0}})


def test_names_may_be_written_with_dashes() -> None:
    assert fields.applied(ROW, {"timeout-ms": "5"})["timeout_ms"] == 5


@given(st.text(), st.text())
def test_any_words_are_read_or_refused(name: str, given_: str) -> None:
    with suppress(BadField):
        assert fields.applied(ROW, {name: given_})["model_code"] == "op1"


@given(st.sampled_from(["timeout_ms", "idle_ms", "stream_usage", "price_in", "active", "aliases", "meta.x"]), st.text())
def test_any_value_of_a_known_field_is_read_or_refused(name: str, given_: str) -> None:
    with suppress(BadField):
        assert fields.applied(ROW, {name: given_})["model_code"] == "op1"


def test_emptying_the_last_price_takes_price_away() -> None:
    priced = fields.applied(ROW, {"price_in": "1"})
    assert fields.applied(priced, {"price_in": "none"})["meta"] == {}


@pytest.mark.parametrize("word", ["", "=x", "x"])
def test_a_word_that_is_no_pair_is_refused(word: str) -> None:
    with pytest.raises(BadField):
        fields.pairs([word])
