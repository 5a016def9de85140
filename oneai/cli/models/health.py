"""`oneai models health`: circuits, failures and latencies; closes a circuit by hand."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oneai.cli import stores
from oneai.cli.frame import DONE, WITHOUT_EFFECT, Desk, Json, run
from oneai.cli.models import drawn, inventory, states
from oneai.cli.models.states import States
from oneai.errors import MissingField
from oneai.types import Model, Row

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 100
_FEW = {"failed": "failures", "ok": "successes", "p95": "p95_ms"}
_FIGURES = {"failed": "failures", "ok": "successes", "p50": "p50_ms", "p95": "p95_ms"}


def health(
    context: typer.Context,
    code: Annotated[str | None, typer.Argument(help="Only this model.")] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Close its circuit now, and ask again for what its server lacked.")
    ] = False,
    json: Json = False,
) -> None:
    """How the models are doing. Exit 7 when an active one is unhealthy."""
    if reset and code is None:
        raise MissingField(field="CODE", accepted="the model whose circuit is to be closed")
    run(context, json, lambda desk: _reset(desk, code) if reset and code else _health(desk, code))


async def _reset(desk: Desk, code: str) -> int:
    async with desk.gateway() as gateway:
        answer = await gateway.reset(code)
    was = answer.get("was")
    desk.out.give(answer, lambda console: console.print(f"The circuit of {code} is closed; it was {was}."))
    return DONE


async def _health(desk: Desk, code: str | None) -> int:
    async with stores.reading(desk) as store:
        known = await inventory.read(desk, store)
        models = [known.model(code)] if code else list(known.registry.models.values())
        now = await states.read(desk, store)
        rows = {str(row["model_code"]): row for row in await store.health()}
    found = [_entry(model, now, rows.get(model.code, {})) for model in models]
    desk.out.give({"models": found, "circuits_from": now.source}, lambda console: _draw(console, found))
    if now.footnote and found:
        desk.out.say(now.footnote)
    unwell = any(entry["active"] and entry["status"] == "unhealthy" for entry in found)
    return WITHOUT_EFFECT if unwell else DONE


def _entry(model: Model, now: States, row: Row) -> dict[str, Any]:
    state = now.of(model.code)
    return {
        "code": model.code,
        "name": model.name,
        "active": model.active,
        "status": state.status,
        "circuit": state.circuit,
        "consecutive_failures": row.get("consecutive_failures") or 0,
        "failures": row.get("failure_count") or 0,
        "successes": row.get("success_count") or 0,
        "last_error": row.get("last_error_message"),
        "last_failure_at": row.get("last_failure_at"),
        "last_success_at": row.get("last_success_at"),
        "p50_ms": state.p50_ms,
        "p95_ms": state.p95_ms,
    }


def _draw(console: "Console", found: Sequence[Mapping[str, Any]]) -> None:
    if not found:
        console.print("No models yet: `oneai models add` registers one.")
        return
    figures = _FIGURES if console.width >= _WIDE else _FEW
    # On a narrow terminal the room is for what went wrong.
    last = ["last ok", "last error"] if console.width >= _WIDE else ["last error"]
    table = drawn.table(
        "code", "status", "circuit", *figures, *last, right=figures, keep=["code", "status", "circuit", "last ok"]
    )
    for entry in found:
        word = drawn.status(entry["status"]) if entry["active"] else "inactive"
        told = {"last ok": _moment(entry["last_success_at"]), "last error": drawn.value(entry["last_error"])}
        numbers = (drawn.figure(entry[name]) for name in figures.values())
        table.add_row(entry["code"], word, drawn.circuit(entry["circuit"]), *numbers, *(told[name] for name in last))
    console.print(table)


def _moment(stamp: str | None) -> str:
    """Month to minute, UTC."""
    return stamp[5:16].replace("T", " ") if stamp else "–"
