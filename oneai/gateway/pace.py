"""How long the gateway waits for its clients, and how long it leaves them in silence."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds."""

    body_idle_s: float = 30.0
    """A client that sends nothing of its body for so long is told 408."""
    ping_s: float = 15.0
    """After so long a silence a stream says that it is still there."""
    stall_s: float = 60.0
    """A client that takes nothing of a stream for so long is cut off."""


PACE = Pace()
