"""`oneai keys show`: one key, and what was done with it in the last 24 hours."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from oneai.cli import stores, times
from oneai.cli.frame import DONE, Desk, Json, run
from oneai.cli.keys import held
from oneai.cli.keys.held import Held
from oneai.core.usage import timestamp
from oneai.store import UsageLine, UsageQuery

if TYPE_CHECKING:
    from rich.console import Console

_DAY_S = 86_400


def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The key's name, or the beginning of its hash.")],
    json: Json = False,
) -> None:
    """One key: what it may call, how long, and its calls of the last 24 hours."""
    run(context, json, lambda desk: _show(desk, name))


async def _show(desk: Desk, name: str) -> int:
    now = time.time()
    async with stores.reading(desk) as store:
        known = await held.read(desk, store)
        key = known.find(name)
        lines = await store.usage(UsageQuery(since=timestamp(now - _DAY_S), by="key"))
    used = next((line for line in lines if line.group == key.name), None)
    document = key.document(now) | {"usage_24h": _usage(used)}
    desk.out.give(document, lambda console: _draw(console, key, used, now))
    if known.lacks:
        desk.out.warn(known.lacks)
    return DONE


def _usage(line: UsageLine | None) -> dict[str, object]:
    found = line or UsageLine(
        group="", calls=0, errors=0, tokens_in=0, tokens_out=0, cost_usd=0.0, p50_ms=None, p95_ms=None
    )
    return {name: value for name, value in asdict(found).items() if name != "group"}


def _draw(console: "Console", key: Held, used: UsageLine | None, now: float) -> None:
    from rich.table import Table

    from oneai.cli.keys.list_ import state
    from oneai.cli.models import drawn

    sources = {
        "store": "the store",
        "environment": "API_KEYS or ADMIN_API_KEYS of the environment",
        "local": "local.key in ONEAI_HOME",
    }
    table = Table.grid(padding=(0, 2))
    table.add_row("name", key.name)
    table.add_row("state", state(key.standing(now)))
    table.add_row("may call", key.reach)
    table.add_row("admin", "yes" if key.admin else "no")
    table.add_row("calls at once", drawn.figure(key.max_in_flight) if key.max_in_flight else "no limit of its own")
    table.add_row("expires", times.shown(key.expires_at) if key.expires_at else "never")
    if key.revoked_at:
        table.add_row("revoked", times.shown(key.revoked_at))
    if key.created_at:
        table.add_row("made", times.shown(key.created_at))
    table.add_row("comes from", sources[key.source])
    table.add_row("hash", f"{key.hash[:8]}…")
    table.add_row("last 24 h", _sentence(used))
    console.print(table)


def _sentence(line: UsageLine | None) -> str:
    if line is None:
        return "no attempts"
    tokens = f"{line.tokens_in:,} tokens in, {line.tokens_out:,} out"
    return f"{line.calls:,} attempts, {line.errors:,} of them failed; {tokens}; ${line.cost_usd:,.4f}"
