"""What a response says of its call: the X-OneAI headers, and an attempt as clients read it."""

from collections.abc import Sequence
from typing import Any

from oneai.gateway.visit import Visit
from oneai.types import Attempt

_SHOWN = 64


def of_call(visit: Visit, attempts: Sequence[Attempt]) -> dict[str, str]:
    """X-OneAI-Call, -Attempts, -Upstream-Ms, -Overhead-Ms, and -Model where one answered."""
    upstream_s = visit.done.upstream_s if visit.done else sum(attempt.latency_ms for attempt in attempts) / 1000
    found = {
        "X-OneAI-Call": visit.id,
        "X-OneAI-Attempts": _trail(attempts),
        "X-OneAI-Upstream-Ms": f"{upstream_s * 1000:.1f}",
        "X-OneAI-Overhead-Ms": f"{overhead_s(visit, upstream_s) * 1000:.2f}",
    }
    if visit.done:
        found["X-OneAI-Model"] = visit.done.model.code
    return found


def _trail(attempts: Sequence[Attempt]) -> str:
    """The newest that a header line has room for: clients and tunnels refuse one of over 8 KB."""
    shown = ",".join(f"{a.model}={a.outcome};{a.latency_ms}ms" for a in attempts[-_SHOWN:])
    return f"...,{shown}" if len(attempts) > _SHOWN else shown


def overhead_s(visit: Visit, upstream_s: float) -> float:
    """The gateway's own part of a call so far: without the model servers' time, and the client's in sending."""
    return max(0.0, visit.elapsed_s() - visit.receiving_s - upstream_s)


def attempt(made: Attempt) -> dict[str, Any]:
    """`{"model", "error"?, "latency_ms"}`."""
    if made.ok:
        return {"model": made.model, "latency_ms": made.latency_ms}
    return {"model": made.model, "error": made.outcome, "latency_ms": made.latency_ms}
