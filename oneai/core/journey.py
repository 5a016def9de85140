"""A call on its way, an attempt while it runs, and a call that was answered."""

from dataclasses import dataclass, field

from oneai.core.outcome import Outcome
from oneai.types import Answer, Attempt, Call, Model, Reply


@dataclass(slots=True, kw_only=True)
class Journey:
    """A call on its way: what was tried so far, and what is left of its time."""

    call: Call
    ends_at: float
    attempts: list[Attempt] = field(default_factory=list)
    refusals: list[Answer] = field(default_factory=list)
    retry_after_s: float | None = None
    upstream_s: float = 0.0

    @property
    def tries(self) -> int:
        return sum(1 for attempt in self.attempts if attempt.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A call that was answered, and how."""

    reply: Reply
    model: Model
    attempts: tuple[Attempt, ...]
    upstream_s: float


@dataclass(slots=True)
class Result:
    """What is known of an attempt while it runs: a cut one is the model's broken protocol until told otherwise."""

    outcome: Outcome = Outcome.PROTOCOL_ERROR
    status: int | None = None
    message: str | None = None
    spoilt: Reply | None = None
    """An answer that a gate refused: it took tokens all the same."""
