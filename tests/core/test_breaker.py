import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from oneai.core.breaker import Admission, Circuit, State
from oneai.core.outcome import Verdict

MIDDLE = 0.5
TIMEOUT_S = 120.0
GOOD = (Verdict.SUCCESS, Verdict.ALIVE)
BAD = (Verdict.FAILURE, Verdict.CONNECT_FAILURE)


class Driven(Circuit):
    """A circuit with attempts made in one step, at a time that the test sets."""

    __slots__ = ()

    def end(self, *verdicts: Verdict, at: float = 0.0, jitter: float = MIDDLE) -> None:
        for verdict in verdicts:
            self.settle(self.lease(at), verdict, at, jitter)

    def stands(self) -> State:
        return self.state

    def lease(self, at: float, timeout_s: float = TIMEOUT_S, *, force: bool = False) -> Admission:
        admission = self.admit(at, timeout_s, force=force)
        assert admission is not None
        return admission


def opened(at: float = 0.0, jitter: float = MIDDLE) -> Driven:
    circuit = Driven()
    circuit.end(Verdict.CONNECT_FAILURE, Verdict.CONNECT_FAILURE, at=at, jitter=jitter)
    assert circuit.stands() is State.OPEN
    return circuit


def test_a_new_circuit_is_closed_and_admits() -> None:
    circuit = Driven()

    assert circuit.stands() is State.CLOSED
    assert not circuit.is_shut(0.0)
    assert circuit.lease(0.0).state is State.CLOSED
    assert circuit.retry_after(0.0) == 0.0


def test_two_connect_failures_open_it_and_one_does_not() -> None:
    circuit = Driven()

    circuit.end(Verdict.CONNECT_FAILURE)
    assert circuit.stands() is State.CLOSED
    circuit.end(Verdict.CONNECT_FAILURE)
    assert circuit.stands() is State.OPEN


@pytest.mark.parametrize("between", [Verdict.SUCCESS, Verdict.ALIVE, Verdict.FAILURE])
def test_connect_failures_count_only_one_after_the_other(between: Verdict) -> None:
    circuit = Driven()

    circuit.end(Verdict.CONNECT_FAILURE, between, Verdict.CONNECT_FAILURE)

    assert circuit.stands() is State.CLOSED


def test_five_failures_in_a_row_open_it_and_four_do_not() -> None:
    circuit = Driven()

    circuit.end(*[Verdict.FAILURE] * 4)
    assert circuit.stands() is State.CLOSED
    circuit.end(Verdict.FAILURE)
    assert circuit.stands() is State.OPEN
    assert circuit.failures_in_a_row == 5


@pytest.mark.parametrize("good", GOOD)
def test_an_answer_that_is_no_failure_ends_the_row(good: Verdict) -> None:
    circuit = Driven()

    circuit.end(*[Verdict.FAILURE] * 4, good, *[Verdict.FAILURE] * 4)

    assert circuit.stands() is State.CLOSED
    assert circuit.failures_in_a_row == 4


@pytest.mark.parametrize("neither", [Verdict.ANSWERED, Verdict.NONE])
def test_busy_and_the_like_neither_end_a_row_nor_lengthen_it(neither: Verdict) -> None:
    circuit = Driven()

    circuit.end(*[Verdict.FAILURE] * 4, neither, neither)
    assert (circuit.state, circuit.failures_in_a_row) == (State.CLOSED, 4)
    circuit.end(Verdict.FAILURE)
    assert circuit.stands() is State.OPEN


def test_half_of_twenty_attempts_failed_opens_it_and_of_nineteen_does_not() -> None:
    circuit = Driven()

    circuit.end(*[Verdict.SUCCESS, Verdict.FAILURE] * 9, Verdict.FAILURE, at=1.0)
    assert circuit.stands() is State.CLOSED
    circuit.end(Verdict.FAILURE, at=1.0)
    assert circuit.stands() is State.OPEN


def test_exactly_half_is_enough_and_less_is_not() -> None:
    half, less = Driven(), Driven()

    half.end(*[Verdict.SUCCESS, Verdict.FAILURE] * 10, at=1.0)
    less.end(Verdict.SUCCESS, *[Verdict.SUCCESS, Verdict.FAILURE] * 30, at=1.0)

    assert half.stands() is State.OPEN
    assert less.stands() is State.CLOSED


def test_the_window_slides_so_that_what_is_older_than_30_s_is_forgotten() -> None:
    circuit = Driven()

    circuit.end(*[Verdict.SUCCESS, Verdict.FAILURE] * 9, Verdict.SUCCESS, at=0.0)
    circuit.end(Verdict.FAILURE, at=30.0)
    assert circuit.stands() is State.CLOSED

    young = Driven()
    young.end(*[Verdict.SUCCESS, Verdict.FAILURE] * 9, Verdict.SUCCESS, at=0.0)
    young.end(Verdict.FAILURE, at=24.9)
    assert young.stands() is State.OPEN


def test_old_successes_do_not_cover_new_failures() -> None:
    circuit = Driven()

    circuit.end(*[Verdict.SUCCESS] * 1000, at=0.0)
    for second in range(20):
        circuit.end([Verdict.SUCCESS, Verdict.FAILURE][second % 2], at=40.0 + second)

    assert circuit.stands() is State.OPEN


def test_busy_answers_are_no_attempts_of_the_window() -> None:
    circuit = Driven()

    circuit.end(*[Verdict.ANSWERED] * 30, Verdict.FAILURE, Verdict.SUCCESS, Verdict.FAILURE, at=1.0)

    assert circuit.stands() is State.CLOSED


def test_an_open_circuit_admits_nobody_for_15_s() -> None:
    circuit = opened(at=100.0)

    assert circuit.opened_at == 100.0
    assert circuit.is_shut(114.9)
    assert circuit.admit(114.9, TIMEOUT_S) is None
    assert circuit.retry_after(110.0) == pytest.approx(5.0)
    assert not circuit.is_shut(115.0)
    assert circuit.lease(115.0).state is State.HALF_OPEN


@pytest.mark.parametrize(("jitter", "expected"), [(0.0, 13.5), (0.5, 15.0), (1.0, 16.5)])
def test_jitter_moves_the_time_by_a_tenth_at_most(jitter: float, expected: float) -> None:
    assert opened(at=100.0, jitter=jitter).retry_after(100.0) == pytest.approx(expected)


def test_open_time_doubles_to_60_s() -> None:
    circuit, now, times = opened(), 0.0, []

    for _ in range(5):
        times.append(circuit.retry_after(now))
        now += times[-1]
        circuit.end(Verdict.FAILURE, at=now)

    assert times == pytest.approx([15.0, 30.0, 60.0, 60.0, 60.0])


def test_exactly_one_attempt_is_admitted_on_the_lease() -> None:
    circuit = opened()

    circuit.lease(15.0)

    assert circuit.stands() is State.HALF_OPEN
    assert circuit.is_shut(15.0)
    assert circuit.admit(15.0, TIMEOUT_S) is None
    assert circuit.admit(44.9, TIMEOUT_S, force=True) is None
    assert circuit.retry_after(20.0) == pytest.approx(25.0)


@pytest.mark.parametrize("verdict", [Verdict.SUCCESS, Verdict.ALIVE, Verdict.ANSWERED])
def test_any_answer_that_is_no_failure_closes_a_half_open_circuit(verdict: Verdict) -> None:
    circuit = opened()

    circuit.end(verdict, at=15.0)

    assert (circuit.state, circuit.failures_in_a_row) == (State.CLOSED, 0)
    assert not circuit.is_shut(15.0)


@pytest.mark.parametrize("verdict", BAD)
def test_one_failure_opens_a_half_open_circuit_again(verdict: Verdict) -> None:
    circuit = opened()

    circuit.end(verdict, at=15.0)

    assert circuit.stands() is State.OPEN
    assert circuit.opened_at == 15.0


def test_closing_forgets_what_failed_before() -> None:
    circuit = opened()

    circuit.end(Verdict.SUCCESS, at=15.0)
    circuit.end(Verdict.CONNECT_FAILURE, at=16.0)
    assert circuit.stands() is State.CLOSED
    circuit.end(Verdict.SUCCESS, *[Verdict.FAILURE] * 4, at=16.0)
    assert circuit.stands() is State.CLOSED


def test_a_lease_is_given_back_without_a_verdict() -> None:
    circuit = opened()

    circuit.end(Verdict.NONE, at=15.0)

    assert circuit.stands() is State.HALF_OPEN
    assert not circuit.is_shut(15.0)
    assert circuit.lease(15.0).state is State.HALF_OPEN


@pytest.mark.parametrize(("timeout_s", "expires"), [(10.0, 10.0), (30.0, 30.0), (120.0, 30.0)])
def test_a_lease_expires_after_its_time_out_or_30_s(timeout_s: float, expires: float) -> None:
    circuit = opened()

    circuit.lease(15.0, timeout_s)

    assert circuit.is_shut(15.0 + expires - 0.1)
    assert not circuit.is_shut(15.0 + expires)
    assert circuit.lease(15.0 + expires).state is State.HALF_OPEN


@pytest.mark.parametrize(("verdict", "state"), [(Verdict.SUCCESS, State.CLOSED), (Verdict.FAILURE, State.OPEN)])
def test_of_two_that_held_the_lease_in_turn_the_first_result_decides(verdict: Verdict, state: State) -> None:
    circuit = opened()
    slow, second = circuit.lease(15.0), circuit.lease(45.0)

    circuit.settle(slow, verdict, 46.0, MIDDLE)
    circuit.settle(second, Verdict.CONNECT_FAILURE, 47.0, MIDDLE)

    assert circuit.state is state


def test_an_expired_lease_that_is_given_back_does_not_free_the_one_that_is_out() -> None:
    circuit = opened()
    late = circuit.lease(15.0)
    circuit.lease(45.0)

    circuit.settle(late, Verdict.NONE, 46.0, MIDDLE)

    assert circuit.stands() is State.HALF_OPEN
    assert circuit.admit(46.0, TIMEOUT_S) is None


@pytest.mark.parametrize(("verdict", "state"), [(Verdict.SUCCESS, State.CLOSED), (Verdict.FAILURE, State.OPEN)])
def test_a_late_result_counts_while_nobody_else_has_taken_the_lease(verdict: Verdict, state: State) -> None:
    circuit = opened()

    circuit.settle(circuit.lease(15.0), verdict, 60.0, MIDDLE)

    assert circuit.state is state


@pytest.mark.parametrize("verdict", Verdict)
def test_results_from_an_older_generation_never_count(verdict: Verdict) -> None:
    circuit = Driven()
    old = circuit.lease(0.0)
    circuit.end(*[Verdict.FAILURE] * 5, at=0.0)
    assert circuit.stands() is State.OPEN

    circuit.settle(old, verdict, 1.0, MIDDLE)
    assert (circuit.state, circuit.retry_at) == (State.OPEN, 15.0)
    circuit.lease(15.0)
    circuit.settle(old, verdict, 16.0, MIDDLE)
    assert circuit.stands() is State.HALF_OPEN


def test_failures_of_calls_admitted_before_it_opened_do_not_open_it_once_it_is_closed() -> None:
    circuit = Driven()
    old = [circuit.lease(0.0) for _ in range(10)]
    circuit.end(Verdict.CONNECT_FAILURE, Verdict.CONNECT_FAILURE, at=0.0)
    circuit.end(Verdict.SUCCESS, at=15.0)

    for admission in old:
        circuit.settle(admission, Verdict.FAILURE, 16.0, MIDDLE)

    assert (circuit.state, circuit.failures_in_a_row) == (State.CLOSED, 0)


@pytest.mark.parametrize(("closed_for", "expected"), [(59.9, 30.0), (60.0, 15.0)])
def test_open_time_starts_over_after_60_s_closed_and_goes_on_doubling_before(
    closed_for: float, expected: float
) -> None:
    circuit = opened()
    circuit.end(Verdict.SUCCESS, at=15.0)
    later = 15.0 + closed_for

    circuit.end(Verdict.CONNECT_FAILURE, Verdict.CONNECT_FAILURE, at=later)

    assert circuit.retry_after(later) == pytest.approx(expected)


def test_a_server_that_answers_a_probe_is_tried_at_once() -> None:
    circuit = opened()

    circuit.probed(5.0)

    assert circuit.stands() is State.HALF_OPEN
    assert circuit.retry_after(5.0) == 0.0
    circuit.lease(5.0)
    assert circuit.admit(5.0, TIMEOUT_S) is None


def test_a_probe_does_not_open_a_way_that_a_call_after_a_probe_found_closed() -> None:
    circuit = opened()
    circuit.probed(5.0)
    circuit.end(Verdict.FAILURE, at=5.0)

    circuit.probed(10.0)
    assert circuit.stands() is State.OPEN
    assert circuit.is_shut(10.0)

    circuit.end(Verdict.FAILURE, at=40.0)
    circuit.probed(45.0)
    assert circuit.stands() is State.OPEN


def test_a_probe_is_believed_no_more_though_the_lease_it_gave_went_to_another_call() -> None:
    circuit = opened()
    circuit.probed(5.0)
    circuit.lease(5.0)  # hangs, as on a paused server

    circuit.end(Verdict.FAILURE, at=35.0)
    circuit.probed(36.0)

    assert circuit.stands() is State.OPEN


def test_probes_are_believed_again_once_it_has_closed() -> None:
    circuit = opened()
    circuit.probed(5.0)
    circuit.end(Verdict.FAILURE, at=5.0)
    circuit.end(Verdict.SUCCESS, at=50.0)
    circuit.end(Verdict.CONNECT_FAILURE, Verdict.CONNECT_FAILURE, at=51.0)

    circuit.probed(52.0)

    assert circuit.stands() is State.HALF_OPEN


def test_a_failed_try_that_no_probe_brought_about_says_nothing_against_probes() -> None:
    circuit = opened()
    circuit.end(Verdict.FAILURE, at=15.0)

    circuit.probed(16.0)

    assert circuit.stands() is State.HALF_OPEN


def test_a_probe_of_a_closed_or_half_open_circuit_changes_nothing() -> None:
    closed, trying = Driven(), opened()
    trying.lease(15.0)

    closed.probed(1.0)
    trying.probed(16.0)

    assert closed.stands() is State.CLOSED
    assert trying.admit(16.0, TIMEOUT_S) is None


def test_force_takes_the_lease_before_it_is_due_and_only_one_does() -> None:
    circuit = opened()

    admission = circuit.lease(1.0, force=True)

    assert admission.state is State.HALF_OPEN
    assert circuit.admit(1.0, TIMEOUT_S, force=True) is None
    circuit.settle(admission, Verdict.SUCCESS, 2.0, MIDDLE)
    assert circuit.stands() is State.CLOSED


def test_a_forced_try_that_fails_opens_it_for_longer() -> None:
    circuit = opened()

    circuit.settle(circuit.lease(1.0, force=True), Verdict.FAILURE, 2.0, MIDDLE)

    assert circuit.stands() is State.OPEN
    assert circuit.retry_after(2.0) == pytest.approx(30.0)


def test_a_reset_closes_by_hand_and_forgets_everything() -> None:
    circuit = opened()
    circuit.end(Verdict.FAILURE, at=15.0)
    running = circuit.lease(45.0)

    circuit.reset(46.0)

    assert (circuit.state, circuit.failures_in_a_row) == (State.CLOSED, 0)
    circuit.settle(running, Verdict.FAILURE, 47.0, MIDDLE)
    assert circuit.failures_in_a_row == 0
    circuit.end(Verdict.CONNECT_FAILURE, Verdict.CONNECT_FAILURE, at=48.0)
    assert circuit.retry_after(48.0) == pytest.approx(15.0)


def test_retry_after_is_nought_where_a_call_may_go_through() -> None:
    circuit = opened()

    assert circuit.retry_after(99.0) == 0.0
    circuit.end(Verdict.NONE, at=99.0)
    assert circuit.retry_after(99.0) == 0.0
    circuit.end(Verdict.SUCCESS, at=99.0)
    assert circuit.retry_after(99.0) == 0.0


def test_admissions_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Driven().lease(0.0).generation = 7  # type: ignore[misc]


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from([*GOOD, Verdict.ANSWERED, Verdict.NONE])), max_size=60))
def test_a_circuit_that_never_sees_a_failure_is_closed(steps: list[tuple[float, Verdict]]) -> None:
    circuit, now = Driven(), 0.0
    for wait, verdict in steps:
        now += wait
        circuit.end(verdict, at=now)

    assert circuit.stands() is State.CLOSED


class AnyUse(RuleBasedStateMachine):
    """Whatever is done to a circuit in whichever order, one attempt at most is out on a lease."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit = Circuit()
        self.now = 0.0
        self.running: list[tuple[Admission, float]] = []
        self.leases: list[tuple[Admission, float]] = []

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(timeout_s=st.floats(1, 200), force=st.booleans())
    def admit(self, timeout_s: float, force: bool) -> None:
        shut = self.circuit.is_shut(self.now)
        admission = self.circuit.admit(self.now, timeout_s, force=force)
        if not force:
            assert (admission is None) is shut
        if admission is None:
            return
        until = self.now + min(timeout_s, 30.0)
        if admission.state is State.HALF_OPEN:
            assert not [lease for lease in self.leases if self.now < lease[1]]
            self.leases.append((admission, until))
        self.running.append((admission, until))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), verdict=st.sampled_from(Verdict), jitter=st.floats(0, 1))
    def settle(self, data: Any, verdict: Verdict, jitter: float) -> None:
        ended = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        self.circuit.settle(ended[0], verdict, self.now, jitter)
        self.leases = [lease for lease in self.leases if lease is not ended and lease[0] is not ended[0]]

    @rule()
    def probe(self) -> None:
        self.circuit.probed(self.now)

    @rule()
    def reset(self) -> None:
        self.circuit.reset(self.now)
        assert self.circuit.state is State.CLOSED

    @invariant()
    def waits_are_bounded(self) -> None:
        self._forget()
        assert 0.0 <= self.circuit.retry_after(self.now) <= 66.0
        if self.circuit.state is State.CLOSED:
            assert not self.circuit.is_shut(self.now)

    def _forget(self) -> None:
        if self.circuit.state is not State.HALF_OPEN:
            self.leases = []


AnyUse.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_any_use_of_a_circuit = AnyUse.TestCase
