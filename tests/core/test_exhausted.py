from typing import Any

import pytest

from oneai.core.exhausted import fault, trail
from oneai.core.outcome import Outcome
from oneai.errors import (
    ChainExhausted,
    DeadlinePassed,
    ImageTooLarge,
    ModelsBusy,
    ModelsTimedOut,
    NothingCanAnswer,
    OneAIError,
    Rejected,
)
from oneai.types import Answer, Attempt, Call, Domain, Key, Surface
from tests.core.run_calls import answer
from tests.core.run_calls import call as run_call

PASSED_OVER = (Outcome.CIRCUIT_OPEN, Outcome.FORBIDDEN)


def attempts(*outcomes: Outcome, room_full: bool = False) -> list[Attempt]:
    """op1, op2, … each with its outcome; those that are never tried, and a busy one on request, without an id."""
    return [
        Attempt(
            model=f"op{number}",
            outcome=each.value,
            id=None if each in PASSED_OVER or (room_full and each is Outcome.BUSY) else f"id{number}",
            started_at=1000.0 + 10 * number,
            latency_ms=2500,
        )
        for number, each in enumerate(outcomes, 1)
    ]


def ended(tried: list[Attempt], *refusals: Answer, retry_after_s: float | None = None, **call: Any) -> OneAIError:
    asked = run_call(Domain.OCR)
    changed = Call(
        id="run_7",
        request_id="r7",
        surface=call.get("surface", Surface.RUN),
        task=Domain.OCR,
        key=Key(hash="0" * 64, name="test"),
        ask=asked.ask,
        tunnelled=call.get("tunnelled", False),
    )
    return fault(changed, tried, refusals, retry_after_s)


@pytest.mark.parametrize(
    ("last", "kind", "status"),
    [
        (Outcome.UNREACHABLE, ChainExhausted, 502),
        (Outcome.CONNECTION_LOST, ChainExhausted, 502),
        (Outcome.PROTOCOL_ERROR, ChainExhausted, 502),
        (Outcome.ABORT, ChainExhausted, 502),
        (Outcome.ERROR_EVENT, ChainExhausted, 502),
        (Outcome.UPSTREAM_ERROR, ChainExhausted, 502),
        (Outcome.MISCONFIGURED, ChainExhausted, 502),
        (Outcome.UNSUPPORTED, ChainExhausted, 502),
        (Outcome.QUALITY, ChainExhausted, 502),
        (Outcome.TIMEOUT, ModelsTimedOut, 504),
        (Outcome.CUT_SHORT, ModelsTimedOut, 504),
        (Outcome.DEADLINE, DeadlinePassed, 504),
        (Outcome.BUSY, ModelsBusy, 429),
        (Outcome.INPUT_TOO_LARGE, ImageTooLarge, 413),
    ],
)
def test_the_last_attempt_decides_what_the_client_is_told(last: Outcome, kind: type[OneAIError], status: int) -> None:
    tried = attempts(Outcome.UPSTREAM_ERROR, last)

    error = ended(tried)

    assert type(error) is kind
    assert error.status == status
    assert error.attempts == tuple(tried)


def test_a_trail_names_each_model_and_what_became_of_it() -> None:
    assert trail(attempts(Outcome.UNREACHABLE, Outcome.CIRCUIT_OPEN)) == "op1=unreachable, op2=circuit_open"


def test_an_exhausted_chain_names_the_trail_and_the_command_that_says_more() -> None:
    error = ended(attempts(Outcome.UNREACHABLE, Outcome.TIMEOUT, Outcome.ABORT))

    assert "op1=unreachable, op2=timeout, op3=abort" in error.message
    assert "oneai why run_7" in error.message


def test_a_model_passed_over_at_the_end_does_not_hide_what_was_tried() -> None:
    assert type(ended(attempts(Outcome.UNREACHABLE, Outcome.CIRCUIT_OPEN))) is ChainExhausted
    assert type(ended(attempts(Outcome.TIMEOUT, Outcome.FORBIDDEN))) is ModelsTimedOut


def test_of_bodies_that_we_wrote_the_first_rejection_is_told() -> None:
    first, second = answer({"error": {"message": "first", "param": "n"}}, 422), answer({"error": "second"}, 400)

    error = ended(attempts(Outcome.RUN_REJECTED, Outcome.RUN_REJECTED), first, second)

    assert isinstance(error, Rejected)
    assert (error.status, error.param) == (422, "n")
    assert error.message == "The model server refused the request: first"


def test_of_bodies_that_the_caller_wrote_the_last_rejection_is_told() -> None:
    first, second = answer({"error": "context length"}, 400), answer({"error": "bad tool"}, 422)

    error = ended(attempts(Outcome.CONTEXT_LENGTH, Outcome.REJECTED), first, second, surface=Surface.CHAT)

    assert error.status == 422
    assert "bad tool" in error.message


def test_one_rejection_does_not_give_its_status_to_the_next() -> None:
    ended(attempts(Outcome.REJECTED), answer({"error": "a"}, 418), surface=Surface.CHAT)

    assert Rejected(why="b").status == OneAIError.status


def test_a_rejection_before_a_failure_is_no_ones_last_word() -> None:
    error = ended(attempts(Outcome.RUN_REJECTED, Outcome.UNREACHABLE), answer({"error": "no"}, 400))

    assert type(error) is ChainExhausted


def test_busy_models_say_when_to_come_again() -> None:
    assert ended(attempts(Outcome.BUSY), retry_after_s=7.0).retry_after_s == 7.0
    unsaid = ended(attempts(Outcome.BUSY)).retry_after_s
    assert unsaid is not None
    assert unsaid > 0


def test_a_full_room_is_as_busy_as_a_server_that_says_so() -> None:
    nobody = ended(attempts(Outcome.BUSY, room_full=True), retry_after_s=1.0)
    last = ended(attempts(Outcome.UNREACHABLE, Outcome.BUSY, room_full=True), retry_after_s=1.0)
    shut = ended(attempts(Outcome.BUSY, Outcome.CIRCUIT_OPEN, room_full=True), retry_after_s=1.0)

    assert [type(error) for error in (nobody, last, shut)] == [ModelsBusy] * 3


def test_a_full_room_before_a_failure_is_not_the_last_word() -> None:
    assert type(ended(attempts(Outcome.BUSY, Outcome.UNREACHABLE, room_full=True))) is ChainExhausted


@pytest.mark.parametrize(("due_s", "expected"), [(12.5, 12.5), (0.0, 1.0), (None, 1.0)])
def test_with_every_circuit_open_nothing_can_answer_until_one_is_due(due_s: float | None, expected: float) -> None:
    error = ended(attempts(Outcome.CIRCUIT_OPEN, Outcome.CIRCUIT_OPEN), retry_after_s=due_s)

    assert type(error) is NothingCanAnswer
    assert (error.status, error.retry_after_s) == (503, expected)
    assert "op1=circuit_open, op2=circuit_open" in error.message


def test_a_passed_deadline_says_how_long_it_was_and_how_to_have_more() -> None:
    error = ended(attempts(Outcome.TIMEOUT, Outcome.DEADLINE))

    assert "12.5 s" in error.message
    assert "X-OneAI-Timeout-Ms" in error.message


def test_behind_the_tunnel_a_passed_deadline_names_the_local_address_and_no_longer_wait() -> None:
    error = ended(attempts(Outcome.DEADLINE), tunnelled=True)

    assert "local address" in error.message
    assert "X-OneAI-Timeout-Ms" not in error.message


@pytest.mark.parametrize("last", sorted(set(Outcome) - {Outcome.OK, *PASSED_OVER}))
def test_every_outcome_that_a_chain_may_end_in_has_an_error(last: Outcome) -> None:
    error = ended(attempts(last), answer({"error": "no"}, 400))

    assert error.status >= 400
    assert error.attempts
