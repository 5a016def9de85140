"""`oneai models list`: the models in one table, as wide as there is room."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oneai.cli import stores
from oneai.cli.frame import DONE, Desk, Json, run
from oneai.cli.models import drawn, inventory, states, trees
from oneai.cli.models.inventory import Inventory
from oneai.cli.models.states import States
from oneai.core import endpoint
from oneai.core.usage import timestamp
from oneai.errors import StoreLacks
from oneai.store import Store, UsageLine, UsageQuery
from oneai.types import Domain, Model

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_DAY_S = 86_400
_EMPTY = """No models yet.
Add one:  oneai models add --domain llm --role primary --provider meta --endpoint http://gpu.example:8000
or five:  oneai models import examples/ocr-chain.json"""
_SPARE = ("provider", "p50", "node", "name")
"""The columns that go, in this order, until a table fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model as it is listed; latencies in ms, None where nothing is known."""

    code: str
    name: str
    description: str
    domain: str
    role: str | None
    provider: str
    node: str
    endpoint: str
    active: bool
    fallback: str | None
    chain: list[str]
    """The codes behind it, in order."""
    circuit: str
    status: str
    p50_ms: int | None
    p95_ms: int | None
    calls_24h: int | None
    errors_24h: int | None


def list_models(
    context: typer.Context,
    domain: Annotated[Domain | None, typer.Option(help="Only these.")] = None,
    every: Annotated[bool, typer.Option("--all", help="The inactive too.")] = False,
    json: Json = False,
) -> None:
    """The models: node, chain, circuit, latency and calls of the last 24 hours."""
    run(context, json, lambda desk: _list(desk, domain, every))


async def _list(desk: Desk, domain: Domain | None, every: bool) -> int:
    async with stores.reading(desk) as store:
        known = await inventory.read(desk, store)
        now = await states.read(desk, store)
        used = await _usage(store)
    found = [_entry(known, model, now, used) for model in known.registry.models.values()]
    asked = [entry for entry in found if domain is None or entry.domain == domain]
    shown = [entry for entry in asked if entry.active or every]
    warnings = [asdict(warning) for warning in known.registry.warnings]
    document = {"models": [asdict(entry) for entry in shown], "circuits_from": now.source, "warnings": warnings}
    desk.out.give(document, lambda console: _draw(console, shown))
    _footnotes(desk, known, now, hidden=len(asked) - len(shown), shown=len(shown))
    return DONE


async def _usage(store: Store) -> dict[str, UsageLine] | None:
    """The last day's totals by code; None where the store keeps none."""
    try:
        lines = await store.usage(UsageQuery(since=timestamp(time.time() - _DAY_S)))
    except StoreLacks:
        return None
    return {line.group: line for line in lines}


def _entry(known: Inventory, model: Model, now: States, used: dict[str, UsageLine] | None) -> Entry:
    state, line = now.of(model.code), (used or {}).get(model.code)
    nothing = None if used is None else 0
    return Entry(
        code=model.code,
        name=model.name,
        description=model.description,
        domain=model.domain.value,
        role=model.role.value if model.role else None,
        provider=model.provider,
        node=endpoint.node_of(model.endpoint),
        endpoint=model.endpoint,
        active=model.active,
        fallback=model.fallback,
        chain=[behind.code for behind in trees.walk(known.registry, model.code)[1:]],
        circuit=state.circuit if model.active else "off",
        status=state.status,
        p50_ms=state.p50_ms if state.p50_ms is not None or line is None else line.p50_ms,
        p95_ms=state.p95_ms if state.p95_ms is not None or line is None else line.p95_ms,
        calls_24h=line.calls if line else nothing,
        errors_24h=line.errors if line else nothing,
    )


def _draw(console: "Console", shown: Sequence[Entry]) -> None:
    if not shown:
        return
    names = ["code", "name", "provider", "node", "chain", "circuit", "p50", "p95", "24 h"]
    for links in (9, 3, 2, 1):
        spare = list(_SPARE)
        columns = list(names)
        while not _fits(console, table := _table(shown, columns, links)) and spare and (links == 1 or len(spare) > 2):
            columns.remove(spare.pop(0))
        if _fits(console, table):
            break
    console.print(table)


def _fits(console: "Console", table: "Table") -> bool:
    return console.measure(table, options=console.options.update(max_width=10_000)).maximum <= console.width


def _table(shown: Sequence[Entry], columns: Sequence[str], links: int) -> "Table":
    table = drawn.table(*columns, right=["p50", "p95", "24 h"], keep=["code", "circuit", "chain"])
    for entry in shown:
        cells = _cells(entry, links)
        table.add_row(*(cells[name] for name in columns), style=None if entry.active else "dim")
    return table


def _cells(entry: Entry, links: int) -> dict[str, Any]:
    calls = drawn.figure(entry.calls_24h)
    return {
        "code": entry.code,
        "name": entry.name or "–",
        "provider": entry.provider,
        "node": entry.node,
        "chain": drawn.chain(entry.chain, links) or "–",
        "circuit": drawn.circuit(entry.circuit),
        "p50": drawn.figure(entry.p50_ms),
        "p95": drawn.figure(entry.p95_ms),
        "24 h": f"{calls} ({entry.errors_24h} err)" if entry.errors_24h else calls,
    }


def _footnotes(desk: Desk, known: Inventory, now: States, *, hidden: int, shown: int) -> None:
    if not known.registry.models:
        desk.out.say(_EMPTY)
        return
    if not shown:
        desk.out.say("No active model here.")
    if hidden:
        desk.out.say(f"{hidden} inactive: --all shows them.")
    if now.footnote:
        desk.out.say(now.footnote)
    for warning in known.registry.warnings:
        desk.out.warn(f"{warning.model}: {warning.field}: {warning.what}" if warning.model else warning.what)
