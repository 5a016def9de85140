"""`oneai usage`: what was asked of which model, by which key, and what it took."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oneai.cli import stores, times
from oneai.cli.frame import DONE, Desk, Json, run
from oneai.core.usage import timestamp
from oneai.errors import OneAIError
from oneai.store import UsageLine, UsageQuery

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 100
_PATIENCE_S = 1.0
"""For a footnote; a gateway that is away is no reason to wait."""


class By(StrEnum):
    """What the totals go by."""

    MODEL = "model"
    KEY = "key"
    TASK = "task"


def usage(
    context: typer.Context,
    since: Annotated[str, typer.Option(metavar="24h|7d|2026-11-01", help="How far back.")] = "24h",
    by: Annotated[By, typer.Option(help="What the totals go by.")] = By.MODEL,
    exact: Annotated[
        bool, typer.Option("--exact", help="Count every row, to the second, instead of the hourly roll-ups.")
    ] = False,
    json: Json = False,
) -> None:
    """Attempts, failures, tokens, cost and latency, by model, key or task. Each attempt of a call counts as one."""
    run(context, json, lambda desk: _usage(desk, since, by, exact=exact))


async def _usage(desk: Desk, since: str, by: By, *, exact: bool) -> int:
    start = timestamp(times.since("--since", since, time.time()))
    start = start if exact else f"{start[:13]}:00:00.000Z"
    waiting = await _on_the_way(desk)  # before the store is read: what arrives between is said rather than missed
    async with stores.reading(desk) as store:
        lines = await store.usage(UsageQuery(since=start, by=by.value, exact=exact))
    lines = sorted(lines, key=lambda line: (-line.calls, line.group))
    found = {"since": start, "by": by.value, "exact": exact, "lines": [asdict(line) for line in lines]}
    document = found | {"total": _total(lines), "on_the_way": waiting}
    desk.out.give(document, lambda console: _draw(console, lines, by, start))
    if waiting:
        rows, ask = f"{waiting:,} usage row{'s' if waiting > 1 else ''}", "ask again in a few seconds"
        desk.out.say(f"{rows} on the way from the gateway to the store may be missing here: {ask}.")
    return DONE


async def _on_the_way(desk: Desk) -> int | None:
    """Usage rows that the gateway's journal holds; None where no gateway says so."""
    try:
        async with asyncio.timeout(_PATIENCE_S), desk.gateway() as gateway:
            journal = (await gateway.health()).get("journal")
    except (OneAIError, TimeoutError):
        return None
    rows = journal.get("rows") if isinstance(journal, dict) else None
    return rows if isinstance(rows, int) else None


def _total(lines: Sequence[UsageLine]) -> dict[str, Any]:
    """Sums; percentiles of groups do not add up to one of all."""
    names = ("calls", "errors", "tokens_in", "tokens_out", "cost_usd")
    return {name: sum(getattr(line, name) for line in lines) for name in names}


def _draw(console: "Console", lines: Sequence[UsageLine], by: By, start: str) -> None:
    from oneai.cli.models import drawn

    if not lines:
        console.print(f"No attempts since {times.shown(start)}. `oneai run FILE` makes a call, --since 30d looks back.")
        return
    wide = console.width >= _WIDE
    names = _names(wide)
    table = drawn.table(by.value, *names, right=names)
    for line in lines:
        table.add_row(_group(line.group, by), *_cells(asdict(line), wide))
    table.add_section()
    table.add_row("total", *_cells(_total(lines), wide), style="bold")
    console.print(table)
    console.print(f"Since {times.shown(start)}. p50 and p95 are of those that succeeded.")


def _names(wide: bool) -> list[str]:
    if wide:
        return ["calls", "errors", "error %", "tokens in", "tokens out", "cost $", "p50 ms", "p95 ms"]
    return ["calls", "errors", "%", "in", "out", "$", "p50 ms", "p95 ms"]


def _cells(found: dict[str, Any], wide: bool) -> list[str]:
    from oneai.cli.models import drawn

    short = drawn.figure if wide else compact
    calls, errors = found["calls"], found["errors"]
    share = f"{100 * errors / calls:.1f}" if calls else "–"
    counts = [short(calls), short(errors), share, short(found["tokens_in"]), short(found["tokens_out"])]
    cost = f"{found['cost_usd']:,.4f}" if wide else f"{found['cost_usd']:,.2f}"
    return [*counts, cost, drawn.figure(found.get("p50_ms")), drawn.figure(found.get("p95_ms"))]


def _group(name: str, by: By) -> str:
    return name or ("(no key)" if by is By.KEY else "–")


def compact(number: int) -> str:
    """12345 as `12.3k`: for narrow terminals."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if number >= size:
            return f"{number / (1000 if unit == 'k' else size):.1f}{unit}"
    return f"{number:,}"
