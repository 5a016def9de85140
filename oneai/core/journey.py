"""A call on its way, and a call that was answered."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oneai.types import Answer, Attempt, Call, Model, Reply

if TYPE_CHECKING:
    from oneai.core.stream import Stream


@dataclass(slots=True, kw_only=True)
class Journey:
    """A call on its way: what was tried so far, and what is left of its time."""

    call: Call
    ends_at: float
    attempts: list[Attempt] = field(default_factory=list)
    refusals: list[Answer] = field(default_factory=list)
    retry_after_s: float | None = None
    upstream_s: float = 0.0
    wider_than: int | None = None
    """The context window, in tokens, that was too small for it."""
    tries: int = 0
    """Attempts that were made; `attempts` has the models that were passed over too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A call that was answered, or whose answer has begun, and how."""

    reply: "Reply | Stream"
    model: Model
    attempts: tuple[Attempt, ...]
    upstream_s: float
