"""Where every attempt goes before its reply does: the journal, the model's health, the counters."""

from typing import Protocol

from oneai.core import usage
from oneai.core.health import Health
from oneai.core.metrics import Metrics
from oneai.types import Attempt, Call, Row


class Journal(Protocol):
    """Takes rows and never fails a call."""

    def begin(self, row: Row) -> None: ...

    def append(self, row: Row) -> None: ...


class Recorder:
    """One `attempted` an attempt: after it, a `kill -9` loses nothing of it."""

    def __init__(self, *, journal: Journal, health: Health, metrics: Metrics) -> None:
        self._journal = journal
        self._health = health
        self._metrics = metrics

    def begun(self, call: Call, attempt: Attempt, number: int) -> None:
        """The first content of a stream: found without the row of its end, it becomes one."""
        self._journal.begin(usage.row(call, attempt, number))

    def attempted(self, call: Call, attempt: Attempt, number: int) -> None:
        self._journal.append(usage.row(call, attempt, number))
        self._health.note(attempt)
        self._metrics.attempt(
            attempt.model,
            attempt.outcome,
            attempt.latency_ms / 1000,
            attempt.usage.tokens_in or 0,
            attempt.usage.tokens_out or 0,
        )
        if attempt.ttft_ms is not None:
            self._metrics.first_token[attempt.model].observe(attempt.ttft_ms / 1000)

    def passed_over(self, call: Call, attempt: Attempt) -> None:
        """A model that was not asked leaves no row; its passing over is counted."""
        self._metrics.attempts[attempt.model, attempt.outcome] += 1
