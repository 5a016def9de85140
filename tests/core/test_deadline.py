import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneai.core import deadline
from oneai.core.deadline import Share
from oneai.core.outcome import Outcome
from oneai.types import Call, Domain, Key, Model, Surface
from tests.core.run_calls import call as run_call
from tests.core.run_calls import model


def call(*, timeout_s: float | None = None, tunnelled: bool = False) -> Call:
    asked = run_call(Domain.OCR)
    return Call(
        id=asked.id,
        request_id=asked.request_id,
        surface=Surface.RUN,
        task=Domain.OCR,
        key=Key(hash="0" * 64, name="test"),
        ask=asked.ask,
        timeout_s=timeout_s,
        tunnelled=tunnelled,
    )


def hung(*timeouts_s: float) -> list[Model]:
    return [model(code=f"op{index}", timeout_ms=round(own * 1000)) for index, own in enumerate(timeouts_s, 1)]


def share_of(own_s: float, *, left_s: float, later: int) -> Share:
    return deadline.share(hung(own_s)[0], left_s, later)


def spend(models: list[Model], left_s: float) -> list[Share]:
    """The shares of a chain in which nobody ever answers."""
    shares = []
    for position, each in enumerate(models):
        share = deadline.share(each, left_s, len(models) - position - 1)
        shares.append(share)
        left_s -= share.seconds
    return shares


def test_five_hung_models_of_120_s_leave_os1_time_to_answer_within_290_s() -> None:
    os1 = model(code="os1", timeout_ms=120_000)
    chain = [*hung(120, 120, 120, 120, 120), os1]

    shares = spend(chain, deadline.allowed(call(), chain))
    before, last = sum(share.seconds for share in shares[:-1]), shares[-1]

    assert last.seconds >= 5.0
    assert before + last.seconds <= 290.0
    assert Outcome.DEADLINE not in [share.outcome for share in shares[:-1]]
    assert shares[0] == Share(120.0, Outcome.TIMEOUT)


def test_a_call_has_290_s_by_default() -> None:
    assert deadline.allowed(call(), hung(60, 120)) == 290.0
    assert deadline.allowed(call(), []) == 290.0


@pytest.mark.parametrize(("longest", "expected"), [(290, 290.0), (290.001, 295.001), (300, 305.0), (3600, 3605.0)])
def test_a_row_with_a_longer_time_out_raises_it_to_that_and_5_s(longest: float, expected: float) -> None:
    assert deadline.allowed(call(), hung(60, longest, 120)) == pytest.approx(expected)


def test_a_call_through_the_tunnel_has_95_s_whatever_the_rows_say() -> None:
    assert deadline.allowed(call(tunnelled=True), hung(600)) == 95.0


@pytest.mark.parametrize("tunnelled", [True, False])
@pytest.mark.parametrize("wish", [1.0, 95.0, 3600.0])
def test_the_clients_own_wish_goes_before_all(wish: float, tunnelled: bool) -> None:
    assert deadline.allowed(call(timeout_s=wish, tunnelled=tunnelled), hung(600)) == wish


def test_an_attempt_has_its_own_time_out_where_there_is_enough() -> None:
    assert share_of(60, left_s=290.0, later=3) == Share(60.0, Outcome.TIMEOUT)


def test_twenty_seconds_are_kept_for_each_later_model() -> None:
    assert share_of(290, left_s=290.0, later=3).seconds == pytest.approx(230.0)


def test_at_most_half_of_what_is_left_is_kept_for_all_of_them() -> None:
    assert share_of(290, left_s=100.0, later=4).seconds == pytest.approx(50.0)


def test_an_attempt_has_never_under_5_s_while_there_are_5() -> None:
    assert share_of(120, left_s=8.0, later=5).seconds == 5.0
    assert share_of(120, left_s=5.0, later=5).seconds == 5.0


def test_a_row_that_allows_less_than_5_s_is_taken_at_its_word() -> None:
    assert share_of(2, left_s=290.0, later=0) == Share(2.0, Outcome.TIMEOUT)


def test_an_attempt_has_all_that_is_left_where_that_is_less_than_5_s() -> None:
    assert share_of(120, left_s=3.0, later=5) == Share(3.0, Outcome.DEADLINE)


def test_running_out_of_its_own_time_is_the_models_time_out() -> None:
    assert share_of(40, left_s=40.0, later=0).outcome is Outcome.TIMEOUT


def test_running_into_the_calls_deadline_says_nothing_of_the_model() -> None:
    assert share_of(120, left_s=119.0, later=0) == Share(119.0, Outcome.DEADLINE)


def test_a_model_cut_early_for_a_later_one_is_cut_short() -> None:
    assert share_of(120, left_s=40.0, later=1) == Share(20.0, Outcome.CUT_SHORT)
    assert share_of(120, left_s=59.9, later=2).outcome is Outcome.CUT_SHORT


def test_a_model_cut_for_a_later_one_after_30_s_has_timed_out_all_the_same() -> None:
    assert share_of(120, left_s=60.0, later=2) == Share(30.0, Outcome.TIMEOUT)


def test_a_model_that_hangs_behind_the_tunnel_still_opens_its_circuit() -> None:
    share = share_of(120, left_s=deadline.allowed(call(tunnelled=True), []), later=1)

    assert share == Share(75.0, Outcome.TIMEOUT)


OWN = st.integers(1, 7_200_000)
LEFT = st.floats(0, 7200)


@given(OWN, LEFT, st.integers(0, 50))
def test_a_share_is_never_negative_and_never_more_than_what_is_left(own: int, left_s: float, later: int) -> None:
    share = deadline.share(model(timeout_ms=own), left_s, later)

    assert min(5.0, left_s, own / 1000) <= share.seconds <= left_s
    assert share.seconds <= own / 1000


@given(st.lists(OWN, min_size=1, max_size=12), st.floats(1, 3600))
def test_the_shares_of_a_chain_fit_into_the_deadline(timeouts_ms: list[int], left_s: float) -> None:
    shares = spend([model(timeout_ms=own) for own in timeouts_ms], left_s)

    assert sum(share.seconds for share in shares) <= left_s + 1e-6


@given(OWN, LEFT, st.integers(0, 50))
def test_the_deadline_is_named_only_where_it_is_what_cuts(own: int, left_s: float, later: int) -> None:
    share = deadline.share(model(timeout_ms=own), left_s, later)

    assert (share.outcome is Outcome.DEADLINE) is (share.seconds == left_s and share.seconds < own / 1000)
