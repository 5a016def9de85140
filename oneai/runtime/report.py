"""What a running gateway says of itself: to everybody on /health, to the operator's doctor in full."""

from dataclasses import asdict, dataclass
from typing import Any

from oneai.core.health import Health, status
from oneai.core.pipeline import Pipeline
from oneai.runtime.registrar import Registrar
from oneai.store.journal import JournalState
from oneai.upstream.names import ServedNames

STALE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`troubles` are plain words without an address or a name: anybody may read them."""

    models: int
    tasks: int
    store: dict[str, Any]
    journal: dict[str, Any]
    config_version: str
    registry_age_s: float
    troubles: list[str]


def report(
    registrar: Registrar, journal: JournalState, *, store_kind: str, store_up: bool, shipping: str | None, age_s: float
) -> Report:
    """Cheap: it is made for every /health and every scrape."""
    registry = registrar.registry
    return Report(
        models=sum(1 for model in registry.models.values() if model.active),
        tasks=len(registry.defaults),
        store={"kind": store_kind, "up": store_up},
        journal={
            "rows": journal.rows + journal.in_memory,
            "dropped": journal.dropped,
            "refused": journal.refused,
            "unreadable": journal.unreadable,
            "degraded": journal.degraded is not None,
        },
        config_version=registrar.version,
        registry_age_s=round(age_s, 1),
        troubles=_troubles(registrar, journal, store_up, shipping, age_s),
    )


def state(
    registrar: Registrar, health: Health, pipeline: Pipeline, names: ServedNames, journal: JournalState
) -> dict[str, Any]:
    """In full, for an admin: what was wrong in rows, and how each model stands."""
    models = registrar.registry.models.values()
    return {
        "registry": {
            "version": registrar.version,
            "doubt": registrar.doubt,
            "warnings": [asdict(warning) for warning in registrar.registry.warnings],
        },
        "journal": asdict(journal),
        "models": {model.code: _model(model.code, health, pipeline, names) for model in models},
    }


def _model(code: str, health: Health, pipeline: Pipeline, names: ServedNames) -> dict[str, Any]:
    circuit, pulse, learnt = pipeline.availability.circuit(code), health.of(code), names.learnt(code)
    return {
        "status": status(circuit, pulse),
        "circuit": circuit.state.value,
        "failures_in_a_row": circuit.failures_in_a_row,
        "misconfigured": pulse.misconfigured or (learnt.trouble if learnt else None),
        "last_error": pulse.last_error,
        "served_model": learnt.name if learnt else None,
        "context_window": learnt.window if learnt else None,
    }


def _troubles(
    registrar: Registrar, journal: JournalState, store_up: bool, shipping: str | None, age_s: float
) -> list[str]:
    found = {
        "the store does not answer": not store_up,
        f"the registry was last read {age_s:.0f} s ago": age_s > STALE_S,
        "the last reading of the store was not believed: it had lost most of its rows": registrar.doubt is not None,
        "usage rows wait in memory: the disk takes none": journal.degraded is not None,
        f"{journal.refused} usage rows were refused by the store": journal.refused > 0,
        f"{journal.dropped} usage rows were given up": journal.dropped > 0,
        "usage rows do not reach the store": shipping is not None and store_up,
    }
    return [what for what, so in found.items() if so]
