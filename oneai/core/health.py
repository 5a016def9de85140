"""How each model has been doing: counts since the last flush to the store, and recent latencies."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from oneai.core.breaker import Circuit, State
from oneai.core.outcome import TABLE, Outcome, Verdict
from oneai.core.usage import timestamp
from oneai.store import HealthDelta
from oneai.types import Attempt

RECENT = 256
_SOUND = (Verdict.SUCCESS, Verdict.ALIVE)
_FAULTS = (Verdict.FAILURE, Verdict.CONNECT_FAILURE)


class Latency(NamedTuple):
    """Milliseconds over the recent successful attempts, None without any."""

    average: int | None
    p50: int | None
    p95: int | None


@dataclass(slots=True)
class Pulse:
    """One model's record: what is not yet flushed, and what stays."""

    successes: int = 0
    failures: int = 0
    last_success_at: float | None = None
    last_failure_at: float | None = None
    last_error: str | None = None
    misconfigured: str | None = None
    """What the last attempt said, when it was our credential or endpoint that was at fault."""
    latencies: deque[int] = field(default_factory=lambda: deque(maxlen=RECENT))
    changed: bool = False

    def latency(self) -> Latency:
        if not self.latencies:
            return Latency(None, None, None)
        ordered = sorted(self.latencies)
        middle, high = len(ordered) // 2, min(len(ordered) - 1, int(len(ordered) * 0.95))
        return Latency(round(sum(ordered) / len(ordered)), ordered[middle], ordered[high])


class Health:
    """The pulse of every model that was tried."""

    def __init__(self) -> None:
        self._pulses: dict[str, Pulse] = {}

    def of(self, code: str) -> Pulse:
        if (pulse := self._pulses.get(code)) is None:
            pulse = self._pulses[code] = Pulse()
        return pulse

    def note(self, attempt: Attempt) -> None:
        """Count an attempt that ended; one that taught nothing of the model changes nothing."""
        verdict = TABLE[attempt.outcome].verdict
        if verdict is Verdict.NONE:
            return
        pulse, ended = self.of(attempt.model), attempt.started_at + attempt.latency_ms / 1000
        pulse.changed = True
        pulse.misconfigured = (attempt.message or attempt.outcome) if attempt.outcome == Outcome.MISCONFIGURED else None
        if attempt.ok:
            pulse.successes += 1
            pulse.last_success_at = ended
            pulse.latencies.append(attempt.latency_ms)
        if verdict in _SOUND:
            return
        pulse.last_error = f"{attempt.outcome}: {attempt.message}" if attempt.message else attempt.outcome
        pulse.last_failure_at = ended
        pulse.failures += 1 if verdict in _FAULTS else 0

    def touch(self, code: str) -> None:
        """Its circuit changed without an attempt: the next flush carries it."""
        self.of(code).changed = True

    def take(self, circuit_of: Callable[[str], Circuit], monotonic: float, wall: float) -> list[HealthDelta]:
        """The deltas of the models that changed; their counts start at nought again."""
        deltas = []
        for code, pulse in self._pulses.items():
            if pulse.changed:
                deltas.append(_delta(code, pulse, circuit_of(code), wall - monotonic, wall))
                pulse.successes = pulse.failures = 0
                pulse.changed = False
        return deltas

    def give_back(self, deltas: list[HealthDelta]) -> None:
        """A flush that failed: count its deltas again."""
        for delta in deltas:
            pulse = self.of(delta.model_code)
            pulse.successes += delta.successes
            pulse.failures += delta.failures
            pulse.changed = True


def status(circuit: Circuit, pulse: Pulse) -> str:
    """healthy, degraded or unhealthy, as `model_health.status` has it."""
    if circuit.state is State.OPEN:
        return "unhealthy"
    if circuit.state is State.HALF_OPEN or circuit.failures_in_a_row or pulse.misconfigured:
        return "degraded"
    return "healthy"


def _delta(code: str, pulse: Pulse, circuit: Circuit, offset: float, wall: float) -> HealthDelta:
    latency = pulse.latency()
    return HealthDelta(
        model_code=code,
        successes=pulse.successes,
        failures=pulse.failures,
        consecutive_failures=circuit.failures_in_a_row,
        status=status(circuit, pulse),
        circuit_state=circuit.state.value,
        circuit_opened_at=None if circuit.state is State.CLOSED else timestamp(circuit.opened_at + offset),
        last_success_at=_stamp(pulse.last_success_at),
        last_failure_at=_stamp(pulse.last_failure_at),
        last_error_message=pulse.last_error,
        avg_latency_ms=latency.average,
        p95_latency_ms=latency.p95,
        updated_at=timestamp(wall),
    )


def _stamp(epoch_s: float | None) -> str | None:
    return None if epoch_s is None else timestamp(epoch_s)
