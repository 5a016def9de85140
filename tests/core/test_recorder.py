from dataclasses import replace

import pytest

from oneai.core.health import Health
from oneai.core.metrics import Metrics
from oneai.core.outcome import TABLE, Outcome, Verdict
from oneai.core.recorder import Recorder
from oneai.core.usage import row
from oneai.types import Attempt, Domain, Row, Usage
from tests.core.run_calls import call

CALL = call(Domain.OCR)


class KeptRows:
    """A journal in memory."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.begun: list[Row] = []

    def begin(self, row: Row) -> None:
        self.begun.append(row)

    def append(self, row: Row) -> None:
        self.rows.append(row)


def attempt(outcome: Outcome = Outcome.OK, id: str | None = "a1") -> Attempt:
    usage = Usage(tokens_in=12, tokens_out=3)
    return Attempt(model="op1", outcome=outcome.value, id=id, latency_ms=1500, started_at=1e9, usage=usage)


def made() -> tuple[Recorder, KeptRows, Health, Metrics]:
    journal, health, metrics = KeptRows(), Health(), Metrics()
    return Recorder(journal=journal, health=health, metrics=metrics), journal, health, metrics


@pytest.mark.parametrize("outcome", Outcome)
def test_every_attempt_has_one_row_whatever_its_outcome(outcome: Outcome) -> None:
    recorder, journal, _, metrics = made()

    recorder.attempted(CALL, attempt(outcome), 2)

    assert journal.rows == [row(CALL, attempt(outcome), 2)]
    assert metrics.attempts == {("op1", outcome.value): 1}


def test_an_attempt_is_counted_with_its_time_and_tokens() -> None:
    recorder, _, _, metrics = made()

    recorder.attempted(CALL, attempt(), 1)
    recorder.attempted(CALL, attempt(), 2)

    assert metrics.upstream["op1"].total == pytest.approx(3.0)
    assert metrics.tokens == {("op1", "in"): 24, ("op1", "out"): 6}


def test_unknown_tokens_count_as_none() -> None:
    recorder, _, _, metrics = made()

    recorder.attempted(CALL, Attempt(model="op1", outcome="timeout", id="a"), 1)

    assert set(metrics.tokens.values()) == {0}


@pytest.mark.parametrize("outcome", Outcome)
def test_health_hears_of_what_says_something_of_the_model(outcome: Outcome) -> None:
    recorder, _, health, _ = made()

    recorder.attempted(CALL, attempt(outcome), 1)

    assert health.of("op1").changed is (TABLE[outcome].verdict is not Verdict.NONE)


def test_a_model_passed_over_leaves_no_row_and_is_counted() -> None:
    recorder, journal, health, metrics = made()

    recorder.passed_over(CALL, attempt(Outcome.CIRCUIT_OPEN, id=None))

    assert journal.rows == []
    assert metrics.attempts == {("op1", "circuit_open"): 1}
    assert not metrics.upstream
    assert not health.of("op1").changed


def test_a_stream_that_has_begun_leaves_a_word_of_it() -> None:
    recorder, journal, _, metrics = made()

    recorder.begun(CALL, attempt(), 1)

    assert journal.begun == [row(CALL, attempt(), 1)]
    assert journal.rows == []
    assert not metrics.attempts


def test_the_time_to_the_first_token_is_counted_of_streams_only() -> None:
    recorder, _, _, metrics = made()

    recorder.attempted(CALL, attempt(), 1)
    recorder.attempted(CALL, replace(attempt(), ttft_ms=40), 1)

    assert sum(metrics.first_token["op1"].counts) == 1
