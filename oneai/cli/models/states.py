"""How each model is doing: from the running gateway, else what was last written into the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oneai.cli.frame import Desk
from oneai.errors import OneAIError
from oneai.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One model's circuit, status and latencies in ms; None where nothing is known."""

    circuit: str = "unknown"
    status: str = "unknown"
    p50_ms: int | None = None
    p95_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """The states by code, and where they come from: `gateway` or `store`."""

    source: str
    by_code: Mapping[str, State]
    why: str = ""
    """Why it is not the gateway."""

    def of(self, code: str) -> State:
        return self.by_code.get(code) or State()

    @property
    def footnote(self) -> str:
        if self.source == "gateway":
            return ""
        return f"Circuits as last stored, not as they are now. {self.why}"


async def read(desk: Desk, store: Store) -> States:
    """The gateway's word, where it gives one; never raises for a gateway that doesn't."""
    rows = await store.health()
    stored = {str(row["model_code"]): _stored(row) for row in rows}
    try:
        async with desk.gateway() as gateway:
            entries = await gateway.models(all=True)
    except OneAIError as exc:
        return States(source="store", by_code=stored, why=exc.message)
    return States(source="gateway", by_code=stored | {str(entry.get("code")): _live(entry) for entry in entries})


def _live(entry: Mapping[str, Any]) -> State:
    return State(
        circuit=str(entry.get("circuit") or "unknown"),
        status=str(entry.get("status") or "unknown"),
        p50_ms=entry.get("p50_latency_ms"),
        p95_ms=entry.get("p95_latency_ms"),
    )


def _stored(row: Mapping[str, Any]) -> State:
    return State(
        circuit=row.get("circuit_state") or "closed",
        status=row.get("status") or "healthy",
        p95_ms=row.get("p95_latency_ms"),
    )
