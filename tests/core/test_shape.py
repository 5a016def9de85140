from typing import Any

import pytest

from oneai.core import shape
from oneai.core.dialect import Unusable


def test_a_wrong_shape_breaks_the_protocol() -> None:
    found = shape.wrong("no `choices`")
    assert (found.outcome, found.why) == ("protocol_error", "the reply has the wrong shape: no `choices`")


def test_the_first_list_of_the_names_is_found() -> None:
    assert shape.listed({"data": [1], "results": [2]}, "results", "data") == [2]
    assert shape.listed({"data": [1], "results": None}, "results", "data") == [1]


@pytest.mark.parametrize("payload", [{}, {"results": {}}, [], None, "results"])
def test_no_list_is_a_wrong_shape(payload: Any) -> None:
    with pytest.raises(Unusable, match="no list `results`"):
        shape.listed(payload, "results", "data")


@pytest.mark.parametrize(("levels", "passes"), [(248, True), (249, False)])
def test_what_is_passable_leaves_room_for_our_own_levels(levels: int, passes: bool) -> None:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    if passes:
        assert shape.passable(value) is value
        return
    with pytest.raises(Unusable, match="nests too deep"):
        shape.passable(value)


@pytest.mark.parametrize(("value", "is_one"), [(1, True), (0.5, True), (True, False), ("1", False), (None, False)])
def test_a_boolean_is_no_number(value: Any, is_one: bool) -> None:
    assert shape.is_number(value) is is_one
