"""`oneai models show`: everything of one model, and where each field came from."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oneai.cli import stores
from oneai.cli.frame import DONE, Desk, Json, run
from oneai.cli.models import callers, drawn, inventory, states, trees
from oneai.cli.models.inventory import Inventory
from oneai.cli.output import plain
from oneai.core import endpoint
from oneai.types import Model, Row

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS = {"fallback": "fallback_model_code"}
_OF_COLUMNS = ("domain", "role", "provider", "endpoint", "timeout_ms", "max_tokens", "active", "fallback")
_OF_META = (
    "name", "description", "served_model", "credential_env", "max_in_flight", "health_path", "aliases", "paths",
    "idle_ms", "stream_usage",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One field as it is in force: `source` is `row`, `default`, or the variable that overrides it."""

    field: str
    value: Any
    source: str


def show(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="Which model.")],
    json: Json = False,
) -> None:
    """Everything of a model: its fields and where each came from, chain, health, keys and warnings."""
    run(context, json, lambda desk: _show(desk, code))


async def _show(desk: Desk, code: str) -> int:
    async with stores.reading(desk) as store:
        known = await inventory.read(desk, store)
        model = known.model(code)
        now = await states.read(desk, store)
        may = await callers.read(desk, store, model)
        health = next((row for row in await store.health() if row["model_code"] == code), None)
    fields = _fields(known, model)
    found = trees.chains(known.registry, [code], now)
    warnings = [warning for warning in known.registry.warnings if warning.model == code]
    document = {
        "code": code,
        "node": endpoint.node_of(model.endpoint),
        "fields": {one.field: {"value": one.value, "from": one.source} for one in fields},
        "chain": trees.document(found)[0],
        "health": health,
        "keys": [name for name, allowed in may.names.items() if allowed],
        "warnings": [asdict(warning) for warning in warnings],
        "row": known.rows[code],
        "circuits_from": now.source,
    }
    desk.out.give(document, lambda console: _draw(console, model, fields, found, may, _health(now.of(code), health)))
    for warning in warnings:
        desk.out.warn(f"{warning.field}: {warning.what}")
    if now.footnote:
        desk.out.say(now.footnote)
    return DONE


def _fields(known: Inventory, model: Model) -> list[Shown]:
    row = known.rows[model.code]
    meta = inventory.meta(row)
    columns = [(name, row.get(_COLUMNS.get(name, name)) is not None) for name in _OF_COLUMNS]
    found = [_shown(model, name, stated) for name, stated in columns]
    found += [_shown(model, name, name in meta) for name in _OF_META]
    found.append(_said("when_busy", "next" if model.passes_when_busy else "wait", "when_busy" in meta))
    price = {"in": model.price.tokens_in, "out": model.price.tokens_out, "request": model.price.request}
    found.append(_said("price", price, "price" in meta))
    listed = {one.field for one in found}
    return found + [_said(f"meta.{name}", value, True) for name, value in meta.items() if name not in listed]


def _shown(model: Model, name: str, stated: bool) -> Shown:
    value = getattr(model, name)
    value = list(value) if isinstance(value, tuple) else value
    source = model.overridden.get(name) or ("row" if stated else "default")
    return Shown(field=name, value=value or None if isinstance(value, str | dict) else value, source=source)


def _said(name: str, value: Any, stated: bool) -> Shown:
    return Shown(field=name, value=value, source="row" if stated else "default")


def _health(state: states.State, row: Row | None) -> str:
    row = row or {}
    counts = f"{row.get('success_count') or 0} ok, {row.get('failure_count') or 0} failed"
    error = (
        f"; last error {row['last_failure_at']}: {row['last_error_message']}" if row.get("last_error_message") else ""
    )
    return plain(f"{state.status}, circuit {state.circuit}, {counts}{error}")


def _draw(
    console: "Console",
    model: Model,
    fields: Sequence[Shown],
    found: Sequence[Sequence[trees.Link]],
    may: callers.Callers,
    health: str,
) -> None:
    from rich.text import Text

    console.print(Text(f"{model.code}  {model.name}", style="bold"))
    table = drawn.table("field", "value", "from", keep=["field", "from"])
    for one in fields:
        table.add_row(one.field, drawn.value(one.value), one.source, style="dim" if one.source == "default" else None)
    console.print(table)
    console.print(Text("\nChain", style="bold"))
    trees.draw(console, found)
    console.print(Text("\nHealth", style="bold"))
    console.print(health)
    console.print(Text("\nKeys that may call it", style="bold"))
    console.print(", ".join(name for name, allowed in may.names.items() if allowed) or "none")
    if may.lacks:
        console.print(Text(may.lacks, style="yellow"))
