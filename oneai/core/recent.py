"""The last calls in memory, for `oneai why`: those that were tried, and those refused before any attempt."""

from collections import deque
from typing import NamedTuple

from oneai.types import Attempt

KEPT = 1000


class Ended(NamedTuple):
    """How a call ended; without attempts it was refused before any. A tuple, for one is made of every call."""

    id: str
    request_id: str
    at: float
    """Seconds since the epoch."""
    status: int
    route: str
    key_name: str | None = None
    task: str | None = None
    requested: str | None = None
    error: str | None = None
    code: str | None = None
    attempts: tuple[Attempt, ...] = ()


class Recent:
    """A thousand of each kind; the oldest go."""

    def __init__(self) -> None:
        self._tried: deque[Ended] = deque(maxlen=KEPT)
        self._refused: deque[Ended] = deque(maxlen=KEPT)

    def add(self, ended: Ended) -> None:
        (self._tried if ended.attempts else self._refused).append(ended)

    def find(self, id: str) -> Ended | None:
        """The newest call with this call id or request id; `last` is the newest of all."""
        found = [ended for ended in (*self._tried, *self._refused) if id in ("last", ended.id, ended.request_id)]
        return max(found, key=lambda ended: ended.at, default=None)
