"""How a call's time is divided: one deadline for the whole call, a share of what is left for each attempt."""

from collections.abc import Iterable

from oneai.core.outcome import Outcome
from oneai.frozen import dataclass
from oneai.types import Call, Model

DEFAULT_S = 290.0
"""n8n cuts a call at 300 s."""
TUNNELLED_S = 95.0
"""Cloudflare's tunnel answers 524 after 100 s of silence."""
RAISED_BY_S = 5.0
RESERVE_S = 20.0
LEAST_S = 5.0
PATIENCE_S = 30.0
"""An attempt cut for a later model's sake after this long counts as the model's time-out all the same: else a model
that hangs in front of a tunnel's 95 s would never open its circuit."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one attempt gets, and what it means when that runs out."""

    seconds: float
    outcome: Outcome


def allowed(call: Call, models: Iterable[Model]) -> float:
    """Seconds for the whole call: the client's wish, else the tunnel's patience, else 290 s or the longest row's."""
    if call.timeout_s is not None:
        return call.timeout_s
    if call.tunnelled and not call.streams:  # a stream is never silent: it is held open by pings
        return TUNNELLED_S
    longest_s = max([model.timeout_ms for model in models], default=0) / 1000
    return longest_s + RAISED_BY_S if longest_s > DEFAULT_S else DEFAULT_S


def share(model: Model, left_s: float, later: int) -> Share:
    """The time of an attempt with `left_s` until the deadline and `later` models behind it that may be tried."""
    own = model.timeout_ms / 1000
    if later == 0 and own <= left_s:
        return Share(own, Outcome.TIMEOUT)
    reserved = min(RESERVE_S * later, left_s / 2)
    seconds = max(min(own, left_s - reserved), min(own, LEAST_S, left_s))
    if seconds >= own:
        return Share(seconds, Outcome.TIMEOUT)
    if later == 0 or seconds >= left_s:
        return Share(seconds, Outcome.DEADLINE)
    return Share(seconds, Outcome.TIMEOUT if seconds >= PATIENCE_S else Outcome.CUT_SHORT)
