"""One attempt, from its circuit's leave to its row."""

from oneai.core.breaker import Admission, Circuit
from oneai.core.journey import Journey
from oneai.core.outcome import TABLE, Outcome, Verdict
from oneai.core.seams import Clock, Recorder
from oneai.types import Attempt, Model, Usage

STREAMING = "streaming"
"""What stands for an outcome while a stream has begun and not ended."""
_NOTHING_TAKEN = Usage()


class Trial:
    """What is known of an attempt while it runs: a cut one is the model's broken protocol until told otherwise.

    Settled once, however it ends: with the circuit, in the journey, and with the recorder before its caller hears.
    """

    __slots__ = (
        "_admission", "_circuit", "_clock", "_recorder", "_wall", "finish_reason", "id", "is_settled", "journey",
        "message", "model", "outcome", "started", "status", "ttft_ms", "usage",
    )  # fmt: skip

    def __init__(
        self,
        journey: Journey,
        model: Model,
        *,
        circuit: Circuit,
        admission: Admission,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self.journey = journey
        self.model = model
        self.id = clock.new_id()
        self.started = clock.monotonic()
        self.outcome = Outcome.PROTOCOL_ERROR
        self.status: int | None = None
        self.message: str | None = None
        self.usage = _NOTHING_TAKEN
        self.finish_reason: str | None = None
        self.ttft_ms: int | None = None
        self._wall = clock.wall()
        self._circuit = circuit
        self._admission = admission
        self._recorder = recorder
        self._clock = clock
        self.is_settled = False

    def elapsed_s(self) -> float:
        return self._clock.monotonic() - self.started

    def begin(self, *, has_ended: bool) -> None:
        """The first content has come: the model is alive, and a row must be left even by a gateway that is killed.

        Of a stream that came whole with it, that row is the next thing to be written anyway.
        """
        self.ttft_ms = round(self.elapsed_s() * 1000)
        if has_ended:
            return
        self._settle_circuit(Verdict.ANSWERED)
        self._recorder.begun(self.journey.call, self.attempt(STREAMING), self.journey.tries + 1)

    def settle(self) -> None:
        """Once: what comes after the first is nothing new."""
        if self.is_settled:
            return
        self.is_settled = True
        attempt = self.attempt(self.outcome)
        self.journey.upstream_s += self.elapsed_s()
        self._settle_circuit(TABLE[self.outcome].verdict)
        self.journey.attempts.append(attempt)
        self.journey.tries += 1
        self._recorder.attempted(self.journey.call, attempt, self.journey.tries)

    def attempt(self, outcome: str) -> Attempt:
        """What is known so far."""
        return Attempt(
            id=self.id,
            model=self.model.code,
            provider=self.model.provider,
            outcome=outcome,
            started_at=self._wall,
            latency_ms=round(self.elapsed_s() * 1000),
            status=self.status,
            message=self.message,
            circuit=self._admission.state,
            usage=self.usage,
            finish_reason=self.finish_reason,
            ttft_ms=self.ttft_ms,
        )

    def _settle_circuit(self, verdict: Verdict) -> None:
        self._circuit.settle(self._admission, verdict, self._clock.monotonic(), self._clock.jitter())
