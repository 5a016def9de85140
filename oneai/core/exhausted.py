"""The error that a chain without an answer ends in: chosen by its last attempt, carrying the whole trail."""

from collections.abc import Sequence

from oneai.core.outcome import TABLE, Outcome
from oneai.core.upstream_error import said
from oneai.errors import (
    ChainExhausted,
    DeadlinePassed,
    ImageTooLarge,
    ModelsBusy,
    ModelsTimedOut,
    NoRoute,
    NothingCanAnswer,
    OneAIError,
    PromptTooLong,
    Rejected,
)
from oneai.types import Answer, Attempt, Call

_BUSY_AGAIN_S = 2.0


def fault(
    call: Call, attempts: Sequence[Attempt], refusals: Sequence[Answer], retry_after_s: float | None
) -> OneAIError:
    """What the client is told; `refusals` are the answers of model servers whose own status it gets."""
    error = _of_last(call, attempts, refusals, retry_after_s)
    error.attempts = tuple(attempts)
    return error


def trail(attempts: Sequence[Attempt]) -> str:
    """The attempts in short, as people read them: `op1=unreachable, op2=timeout`."""
    return ", ".join(f"{attempt.model}={attempt.outcome}" for attempt in attempts)


def _of_last(
    call: Call, attempts: Sequence[Attempt], refusals: Sequence[Answer], retry_after_s: float | None
) -> OneAIError:
    # A model without a free place was not tried, but is as busy as one that says so itself.
    outcomes = {attempt.outcome for attempt in attempts} - {Outcome.FORBIDDEN}
    if outcomes == {Outcome.NO_ROUTE}:
        return NoRoute(trail=trail(attempts), call=call.id)
    counted = [attempt for attempt in attempts if attempt.id or attempt.outcome == Outcome.BUSY]
    if not counted:
        why = f"the circuit of every model it may use is open ({trail(attempts)})"
        return NothingCanAnswer(retry_after_s=max(1.0, retry_after_s or 0.0), why=why)
    last = Outcome(counted[-1].outcome)
    status = TABLE[last].status
    if status is None:
        kind = PromptTooLong if last is Outcome.CONTEXT_LENGTH else Rejected
        return _rejection(refusals[0 if last is Outcome.RUN_REJECTED else -1], kind)
    if status == 429:
        return ModelsBusy(retry_after_s=retry_after_s or _BUSY_AGAIN_S, trail=trail(attempts))
    if status == 413:
        return ImageTooLarge()
    if last is Outcome.DEADLINE:
        return DeadlinePassed(seconds=_spent_s(counted), trail=trail(attempts), advice=_advice(call))
    if status == 504:
        return ModelsTimedOut(trail=trail(attempts), call=call.id)
    return ChainExhausted(trail=trail(attempts), call=call.id)


def _rejection(answer: Answer, kind: type[Rejected]) -> Rejected:
    error = said(answer)
    rejected = kind(why=error.message, param=error.param)
    rejected.status = answer.status
    return rejected


def _spent_s(attempts: Sequence[Attempt]) -> float:
    first = attempts[0].started_at
    return round(attempts[-1].started_at - first + attempts[-1].latency_ms / 1000, 1)


def _advice(call: Call) -> str:
    if call.tunnelled:
        return (
            "The tunnel in front of the gateway gives up after 100 s of silence: ask for a stream"
            ' ("stream": true), call the gateway on its local address, or send a smaller input.'
        )
    return "Send X-OneAI-Timeout-Ms to allow more, or a smaller input."
