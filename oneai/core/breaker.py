"""A model's circuit breaker: lets calls through, learns from how they end, shuts out a model that fails.

Pure in what it depends on: the time (seconds, monotonic) and the jitter (0 to 1) are passed in.
"""

from dataclasses import dataclass
from enum import StrEnum

from oneai.core.outcome import Verdict

CONNECT_FAILURES = 2
FAILURES_IN_A_ROW = 5
WINDOW_S = 30.0
WINDOW_ATTEMPTS = 20
WINDOW_SHARE = 0.5
OPEN_S = 15.0
OPEN_MAX_S = 60.0
CALM_S = 60.0
LEASE_MAX_S = 30.0
_SLOTS = 6


class State(StrEnum):
    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Admission:
    """Leave for one attempt; its result counts only in the generation that gave it."""

    generation: int
    state: State
    lease: int = 0


class Circuit:
    """closed → open on failures → half_open after a while, on one lease → closed or open again."""

    __slots__ = (
        "_closed_at",
        "_connect_failures",
        "_generation",
        "_lease",
        "_lease_until",
        "_misled",
        "_open_s",
        "_probed",
        "_slots",
        "failures_in_a_row",
        "opened_at",
        "retry_at",
        "state",
    )

    def __init__(self) -> None:
        self.state = State.CLOSED
        self.failures_in_a_row = 0
        self.opened_at = 0.0
        self.retry_at = 0.0
        self._connect_failures = 0
        self._generation = 0
        self._open_s = 0.0
        self._closed_at = 0.0
        self._lease = 0
        self._lease_until: float | None = None
        self._probed = False
        self._misled = False
        self._slots: dict[int, list[int]] = {}

    def is_shut(self, now: float) -> bool:
        """Whether `admit` would refuse: open and not due, or half-open with its one lease out."""
        if self.state is State.CLOSED:
            return False
        if self.state is State.OPEN:
            return now < self.retry_at
        return self._lease_until is not None and now < self._lease_until

    def admit(self, now: float, timeout_s: float, *, force: bool = False) -> Admission | None:
        """Leave for one attempt, or None. `force` takes the lease of an open circuit before it is due."""
        if self.state is State.CLOSED:
            return Admission(self._generation, State.CLOSED)
        if self.is_shut(now) and not (force and self.state is State.OPEN):
            return None
        if self.state is State.OPEN:
            self._enter(State.HALF_OPEN)
        # An expired lease goes to the next call, and the first of their results decides: else a model that needs
        # longer than a lease would never close.
        self._lease += 1
        self._lease_until = now + min(timeout_s, LEASE_MAX_S)
        return Admission(self._generation, State.HALF_OPEN, self._lease)

    def settle(self, admission: Admission, verdict: Verdict, now: float, jitter: float) -> None:
        """Learn how an admitted attempt ended."""
        if admission.generation != self._generation:
            return
        if self.state is State.HALF_OPEN:
            self._settle_lease(admission, verdict, now, jitter)
        elif verdict in (Verdict.SUCCESS, Verdict.ALIVE):
            self._count(now, failed=False)
        elif verdict in (Verdict.FAILURE, Verdict.CONNECT_FAILURE):
            self._fail(verdict, now, jitter)

    def probed(self, now: float) -> None:
        """The server answered a cheap question: the next call may try it at once.

        Not after such a try has failed: a paused server answers questions and hangs calls, and would cost one
        every few seconds for as long as it does. Then only time opens it, until it closes.
        """
        if self.state is State.OPEN and not self._misled:
            self._enter(State.HALF_OPEN)
            self.retry_at = now
            self._probed = True

    def reset(self, now: float) -> None:
        """Close by hand, forgetting everything."""
        self._close(now)
        self._open_s = 0.0

    def retry_after(self, now: float) -> float:
        """Seconds until the circuit may let a call through."""
        until = self.retry_at if self.state is State.OPEN else (self._lease_until or now)
        return max(0.0, until - now)

    def _settle_lease(self, admission: Admission, verdict: Verdict, now: float, jitter: float) -> None:
        if verdict is Verdict.NONE:
            # An expired lease that comes back late is not the one that is out.
            self._lease_until = None if admission.lease == self._lease else self._lease_until
        elif verdict in (Verdict.FAILURE, Verdict.CONNECT_FAILURE):
            self.failures_in_a_row += 1
            self._misled = self._misled or self._probed
            self._open(now, jitter)
        else:
            self._close(now)

    def _fail(self, verdict: Verdict, now: float, jitter: float) -> None:
        self._count(now, failed=True)
        self._connect_failures = self._connect_failures + 1 if verdict is Verdict.CONNECT_FAILURE else 0
        in_a_row = self._connect_failures >= CONNECT_FAILURES or self.failures_in_a_row >= FAILURES_IN_A_ROW
        if in_a_row or self._fails_often():
            self._open(now, jitter)

    def _count(self, now: float, *, failed: bool) -> None:
        if failed:
            self.failures_in_a_row += 1
        else:
            self.failures_in_a_row = self._connect_failures = 0
        slot = self._slots.get(number := int(now / (WINDOW_S / _SLOTS)))
        if slot is None:
            slot = self._slots[number] = [0, 0]
            self._slots = {n: s for n, s in self._slots.items() if n > number - _SLOTS}
        slot[failed] += 1

    def _fails_often(self) -> bool:
        """Asked just after `_count`, which has dropped the slots that are too old."""
        slots = self._slots.values()
        failed, total = sum(s[1] for s in slots), sum(s[0] + s[1] for s in slots)
        return total >= WINDOW_ATTEMPTS and failed >= WINDOW_SHARE * total

    def _open(self, now: float, jitter: float) -> None:
        calm = self.state is State.CLOSED and now - self._closed_at >= CALM_S
        self._open_s = OPEN_S if calm or not self._open_s else min(self._open_s * 2, OPEN_MAX_S)
        self._enter(State.OPEN)
        self.opened_at = now
        self.retry_at = now + self._open_s * (0.9 + 0.2 * jitter)

    def _close(self, now: float) -> None:
        self._enter(State.CLOSED)
        self._closed_at = now
        self.failures_in_a_row = self._connect_failures = 0
        self._misled = False
        self._slots = {}

    def _enter(self, state: State) -> None:
        # A lease that goes from hand to hand is one trial still: who brought it about stays known.
        self._probed = self._probed and state is State.HALF_OPEN
        self.state = state
        self._generation += 1
        self._lease_until = None
