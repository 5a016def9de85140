import pytest

from oneai.core import keys, registry
from oneai.core.refresh import Gatekeeper, Verdict
from oneai.core.registry import Registry
from tests.core.rows_of import key_row, row


def holding(models: int = 0, keys_stored: int = 0, keys_listed: int = 0, *, revoked: bool = False) -> Registry:
    revoked_at = "2026-01-01T00:00:00Z" if revoked else None
    return registry.build(
        [row(f"op{index}") for index in range(1, models + 1)],
        [key_row(keys.hash_of(f"stored {index}"), revoked_at=revoked_at) for index in range(keys_stored)],
        environment_keys=keys.from_environment([f"listed {index}" for index in range(keys_listed)], admin=False),
    )


def verdicts(current: Registry, fresh: Registry, *times: float) -> list[bool]:
    gate = Gatekeeper()
    return [gate.judge(current, fresh, now).accepted for now in times]


@pytest.mark.parametrize(
    ("current", "fresh"),
    [
        (holding(0, 0), holding(0, 0)),
        (holding(0, 0), holding(5, 3)),
        (holding(5, 3), holding(5, 3)),
        (holding(5, 3), holding(9, 9)),
        (holding(4, 4), holding(2, 2)),
        (holding(5, 3), holding(3, 2)),
    ],
)
def test_growth_and_a_loss_of_up_to_half_pass(current: Registry, fresh: Registry) -> None:
    assert Gatekeeper().judge(current, fresh, 0.0) == Verdict(accepted=True)


@pytest.mark.parametrize(
    ("fresh", "why"),
    [
        (holding(0, 4), "5 of 5 models are gone"),
        (holding(5, 0), "4 of 4 keys are gone"),
        (holding(2, 4), "3 of 5 models are gone"),
        (holding(5, 1), "3 of 4 keys are gone"),
        (holding(0, 0), "5 of 5 models are gone"),
    ],
)
def test_a_loss_of_all_or_over_half_is_not_believed_at_once(fresh: Registry, why: str) -> None:
    verdict = Gatekeeper().judge(holding(5, 4), fresh, 0.0)
    assert not verdict.accepted
    assert why in verdict.why


def test_the_only_model_or_key_going_is_some_to_none() -> None:
    assert verdicts(holding(1, 1), holding(0, 1), 0.0) == [False]
    assert verdicts(holding(1, 1), holding(1, 0), 0.0) == [False]


def test_as_many_others_in_their_place_is_a_loss_too() -> None:
    others = registry.build([row("lp1"), row("lp2")], [])
    assert verdicts(holding(2), others, 0.0) == [False]


def test_two_more_that_agree_over_a_minute_are_believed() -> None:
    assert verdicts(holding(5, 4), holding(0, 4), 100.0, 130.0, 160.0) == [False, False, True]


def test_two_more_within_a_minute_are_not_enough() -> None:
    assert verdicts(holding(5, 4), holding(0, 4), 100.0, 105.0, 110.0, 159.9, 160.0) == [False] * 4 + [True]


def test_one_more_after_a_minute_is_not_enough() -> None:
    assert verdicts(holding(5, 4), holding(0, 4), 100.0, 500.0, 500.1) == [False, False, True]


@pytest.mark.parametrize("other", [holding(1, 4), holding(0, 3), holding(0, 0)])
def test_one_that_disagrees_starts_the_count_over(other: Registry) -> None:
    gate, current, fresh = Gatekeeper(), holding(5, 4), holding(0, 4)
    given = [(fresh, 0.0), (fresh, 30.0), (other, 50.0), (fresh, 60.0), (fresh, 90.0), (fresh, 119.9), (fresh, 120.0)]
    assert [gate.judge(current, registry, now).accepted for registry, now in given] == [False] * 6 + [True]


def test_a_sound_refresh_in_between_starts_the_count_over() -> None:
    gate, current, fresh = Gatekeeper(), holding(5, 4), holding(0, 4)
    given = [(fresh, 0.0), (fresh, 30.0), (current, 50.0), (fresh, 60.0), (fresh, 120.0), (fresh, 121.0)]
    accepted = [gate.judge(current, registry, now).accepted for registry, now in given]
    assert accepted == [False, False, True, False, False, True]


def test_force_is_believed_at_once_and_ends_the_count() -> None:
    gate, current, fresh = Gatekeeper(), holding(5, 4), holding(0, 4)
    assert not gate.judge(current, fresh, 0.0).accepted
    assert not gate.judge(current, fresh, 59.0).accepted
    forced = gate.judge(current, fresh, 59.5, force=True)
    assert forced.accepted
    assert "5 of 5 models are gone: forced" in forced.why
    assert not gate.judge(current, fresh, 60.0).accepted


def test_a_believed_loss_ends_the_count() -> None:
    gate, current, fresh = Gatekeeper(), holding(5, 4), holding(0, 4)
    assert [gate.judge(current, fresh, now).accepted for now in (0.0, 30.0, 60.0, 61.0)] == [False, False, True, False]


def test_keys_of_the_environment_neither_hide_nor_make_a_loss() -> None:
    assert verdicts(holding(1, 4, 40), holding(1, 0, 40), 0.0) == [False]
    assert verdicts(holding(1, 4, 40), holding(1, 4, 0), 0.0) == [True]
    assert verdicts(holding(1, 0, 40), holding(1, 0, 0), 0.0) == [True]


def test_rows_of_revoked_keys_count_since_losing_them_would_let_the_keys_in_again() -> None:
    assert verdicts(holding(1, 2, revoked=True), holding(1, 0), 0.0) == [False]
