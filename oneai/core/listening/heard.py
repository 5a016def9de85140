"""What one frame of a stream told, whichever surface it is of, and how each surface is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Heard(NamedTuple):
    """What a frame told."""

    content: bool = False
    """It carries something of the answer."""
    deltas: int = 0
    """1 where it is one piece of the answer, as a token is."""
    finish_reason: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    only_usage: bool = False
    """It is the extra chunk that says what the call took, and nothing else."""
    ended: bool = False
    error: bytes | None = None
    aborted: bool = False
    number: int | None = None
    """Its sequence_number."""

    def tells_as(self, other: "Heard") -> bool:
        """The same but for the number."""
        return self[:-1] == other[:-1]


NOTHING = Heard()
PIECE = Heard(content=True, deltas=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """How the frames of a surface are read."""

    read: Callable[[str, Mapping[str, Any]], Heard]
    """By the type of the event and its data, which is no error."""
    model_in: str | None = None
    """The member that has `model`; None is the top level."""
    says_done: bool = False
    """It ends with [DONE]."""
