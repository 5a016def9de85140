from typing import Any

import pytest

from oneai.core.breaker import Circuit, State
from oneai.core.health import RECENT, Health, Latency, status
from oneai.core.outcome import TABLE, Outcome, Verdict
from oneai.store import HealthDelta
from oneai.types import Attempt

WALL = 1_767_225_600.0  # 2026-01-01T00:00:00Z
MONOTONIC = 500.0
STAMP = "2026-01-01T00:00:00.000Z"
OF = {verdict: sorted(each for each in Outcome if TABLE[each].verdict is verdict) for verdict in Verdict}


def attempt(outcome: Outcome, model: str = "op1", **changes: Any) -> Attempt:
    return Attempt(**{"model": model, "outcome": outcome.value, "id": "a", "started_at": WALL} | changes)


def opened(*, monotonic: float) -> Circuit:
    circuit = Circuit()
    for _ in range(2):
        admission = circuit.admit(monotonic, 60.0)
        assert admission is not None
        circuit.settle(admission, Verdict.CONNECT_FAILURE, monotonic, 0.5)
    return circuit


def take(health: Health, circuit: Circuit | None = None) -> list[HealthDelta]:
    return health.take(lambda _: circuit or Circuit(), MONOTONIC, WALL)


@pytest.mark.parametrize("outcome", OF[Verdict.NONE])
def test_an_outcome_that_taught_nothing_changes_nothing(outcome: Outcome) -> None:
    health = Health()
    health.note(attempt(Outcome.MISCONFIGURED, message="401"))
    before = take(health)

    health.note(attempt(outcome))

    assert take(health) == []
    assert health.of("op1").misconfigured == "401"
    assert len(before) == 1


@pytest.mark.parametrize("outcome", [*OF[Verdict.FAILURE], *OF[Verdict.CONNECT_FAILURE]])
def test_a_failure_is_counted_with_its_time_and_words(outcome: Outcome) -> None:
    health = Health()

    health.note(attempt(outcome, message="it broke", latency_ms=1500))
    (delta,) = take(health)

    assert (delta.successes, delta.failures) == (0, 1)
    assert delta.last_failure_at == "2026-01-01T00:00:01.500Z"
    assert delta.last_error_message == f"{outcome.value}: it broke"
    assert delta.last_success_at is None


@pytest.mark.parametrize("outcome", OF[Verdict.ANSWERED])
def test_an_answer_that_is_no_reply_is_told_and_not_counted(outcome: Outcome) -> None:
    health = Health()

    health.note(attempt(outcome))
    (delta,) = take(health)

    assert (delta.successes, delta.failures) == (0, 0)
    assert delta.last_error_message == outcome.value


@pytest.mark.parametrize("outcome", OF[Verdict.ALIVE])
def test_a_callers_mistake_is_nothing_against_the_model(outcome: Outcome) -> None:
    health = Health()

    health.note(attempt(outcome, message="bad temperature"))
    (delta,) = take(health)

    assert (delta.successes, delta.failures) == (0, 0)
    assert (delta.last_failure_at, delta.last_error_message) == (None, None)
    assert delta.status == "healthy"


def test_a_success_is_counted_with_its_time_and_latency() -> None:
    health = Health()

    health.note(attempt(Outcome.OK, latency_ms=200))
    health.note(attempt(Outcome.OK, latency_ms=400, started_at=WALL + 1))
    (delta,) = take(health)

    assert (delta.successes, delta.failures) == (2, 0)
    assert delta.last_success_at == "2026-01-01T00:00:01.400Z"
    assert (delta.avg_latency_ms, delta.p95_latency_ms) == (300, 400)
    assert delta.last_failure_at is None


def test_only_what_changed_is_taken_and_counted_from_nought_again() -> None:
    health = Health()
    health.note(attempt(Outcome.OK))
    health.note(attempt(Outcome.UNREACHABLE, "op2"))
    assert {delta.model_code for delta in take(health)} == {"op1", "op2"}

    health.note(attempt(Outcome.OK))
    (delta,) = take(health)

    assert (delta.model_code, delta.successes) == ("op1", 1)
    assert take(health) == []


def test_what_a_flush_could_not_deliver_is_counted_in_the_next() -> None:
    health = Health()
    health.note(attempt(Outcome.OK))
    health.note(attempt(Outcome.TIMEOUT))
    lost = take(health)
    health.note(attempt(Outcome.OK))

    health.give_back(lost)
    (delta,) = take(health)

    assert (delta.successes, delta.failures) == (2, 1)
    assert delta.last_error_message == "timeout"


def test_a_touched_model_is_flushed_without_an_attempt() -> None:
    health = Health()

    health.touch("op3")
    (delta,) = take(health, opened(monotonic=MONOTONIC - 10))

    assert (delta.model_code, delta.successes, delta.failures) == ("op3", 0, 0)
    assert delta.last_error_message is None
    assert delta.avg_latency_ms is None


def test_a_delta_carries_the_circuit_on_the_clock_of_the_wall() -> None:
    health = Health()
    health.touch("op1")
    (delta,) = take(health, opened(monotonic=MONOTONIC - 10))

    assert delta.circuit_state == "open"
    assert delta.circuit_opened_at == "2025-12-31T23:59:50.000Z"
    assert delta.consecutive_failures == 2
    assert delta.status == "unhealthy"
    assert delta.updated_at == STAMP


def test_a_closed_circuit_has_not_been_opened() -> None:
    health = Health()
    health.touch("op1")
    circuit = opened(monotonic=MONOTONIC)
    circuit.reset(MONOTONIC)

    assert take(health, circuit)[0].circuit_opened_at is None


def test_a_model_is_degraded_while_it_is_misconfigured_and_no_longer() -> None:
    health, circuit = Health(), Circuit()

    health.note(attempt(Outcome.MISCONFIGURED))
    assert status(circuit, health.of("op1")) == "degraded"
    assert health.of("op1").misconfigured == "misconfigured"
    health.note(attempt(Outcome.OK))
    assert status(circuit, health.of("op1")) == "healthy"


def test_status_follows_the_circuit() -> None:
    health, circuit = Health(), opened(monotonic=0.0)
    assert status(circuit, health.of("op1")) == "unhealthy"

    admission = circuit.admit(15.0, 60.0)
    assert admission is not None
    assert circuit.state is State.HALF_OPEN
    assert status(circuit, health.of("op1")) == "degraded"

    circuit.settle(admission, Verdict.SUCCESS, 16.0, 0.5)
    assert status(circuit, health.of("op1")) == "healthy"
    circuit.settle(Circuit().admit(16.0, 60.0) or admission, Verdict.FAILURE, 16.0, 0.5)
    assert status(circuit, health.of("op1")) == "healthy"


def test_one_failure_in_a_row_is_degraded() -> None:
    circuit = Circuit()
    admission = circuit.admit(0.0, 60.0)
    assert admission is not None

    circuit.settle(admission, Verdict.FAILURE, 0.0, 0.5)

    assert status(circuit, Health().of("op1")) == "degraded"


def test_latency_is_that_of_the_last_successes_only() -> None:
    health = Health()
    health.note(attempt(Outcome.TIMEOUT, latency_ms=120_000))
    assert health.of("op1").latency() == Latency(None, None, None)

    for _ in range(RECENT):
        health.note(attempt(Outcome.OK, latency_ms=9000))
    for latency_ms in range(1, RECENT + 1):
        health.note(attempt(Outcome.OK, latency_ms=latency_ms))

    average, p50, p95 = health.of("op1").latency()
    assert average == 128
    assert p50 in (128, 129)
    assert p95 in (243, 244)


def test_of_one_latency_all_are_the_same() -> None:
    health = Health()
    health.note(attempt(Outcome.OK, latency_ms=7))

    assert health.of("op1").latency() == Latency(7, 7, 7)
