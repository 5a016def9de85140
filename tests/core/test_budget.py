import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneai.core.budget import Budget
from oneai.errors import Overloaded, TooLarge

MB = 1024 * 1024


def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    budget = Budget(each_mb=64, total_mb=512)

    budget.reserve(64 * MB)
    with pytest.raises(TooLarge) as caught:
        budget.reserve(64 * MB + 1)

    assert "64 MB" in caught.value.message
    assert "ONEAI_MAX_BODY_MB" in caught.value.message
    assert budget.held == 64 * MB


def test_all_bodies_together_may_hold_exactly_the_total() -> None:
    budget = Budget(each_mb=64, total_mb=128)
    budget.reserve(64 * MB)
    budget.reserve(64 * MB)

    with pytest.raises(Overloaded) as caught:
        budget.reserve(1)

    assert caught.value.status == 503
    assert caught.value.retry_after_s
    assert budget.held == 128 * MB


def test_a_body_that_grows_holds_what_it_has_grown_to() -> None:
    budget = Budget(each_mb=64, total_mb=64)

    budget.reserve(10)
    budget.reserve(64 * MB, 10)
    assert budget.held == 64 * MB
    budget.give_back(64 * MB)

    assert budget.held == 0


def test_too_large_is_said_before_overloaded() -> None:
    budget = Budget(each_mb=1, total_mb=1)
    budget.reserve(MB)

    with pytest.raises(TooLarge):
        budget.reserve(2 * MB)


@given(st.lists(st.tuples(st.integers(0, 3 * MB), st.booleans()), max_size=40))
def test_never_more_than_the_total_is_held_and_all_of_it_comes_back(bodies: list[tuple[int, bool]]) -> None:
    budget, held = Budget(each_mb=2, total_mb=4), []
    for size, ends in bodies:
        try:
            budget.reserve(size)
            held.append(size)
        except (TooLarge, Overloaded):
            pass
        assert budget.held == sum(held) <= 4 * MB
        if ends and held:
            budget.give_back(held.pop())
    for size in held:
        budget.give_back(size)

    assert budget.held == 0
