"""Draws a call's story: what was asked, each attempt, and what to do about those that failed."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oneai.cli.output import plain
from oneai.cli.why.advice import Advice

if TYPE_CHECKING:
    from rich.console import Console

_INDENT = 5


def story(console: "Console", told: Mapping[str, Any], advised: Sequence[Advice]) -> None:
    """All of it; the advice is in the order of the attempts that it is about."""
    _head(console, told)
    left = list(advised)
    attempts = told.get("attempts") or []
    width = max((len(str(attempt.get("outcome"))) for attempt in attempts), default=0)
    for number, attempt in enumerate(attempts, start=1):
        console.print()
        _attempt(console, number, attempt, width)
        if attempt.get("outcome") != "ok" and left:
            _advice(console, left.pop(0))
    if not attempts:
        console.print("\nIt was refused before any attempt.")
        for one in left:
            _advice(console, one)


def trail(attempts: Sequence[Mapping[str, Any]]) -> str:
    """`op1=unreachable → os1=ok`."""
    words = (f"{one.get('model')}={one.get('outcome') or one.get('error') or 'ok'}" for one in attempts)
    return plain(" → ".join(words))


def tokens(found: Mapping[str, Any]) -> list[str]:
    """`12 tokens in, 3 out`, of which a server may have said only one, or none."""
    tokens_in, tokens_out = found.get("tokens_in"), found.get("tokens_out")
    told = [f"{tokens_in:,} tokens in"] if tokens_in is not None else []
    if tokens_out is not None:
        told.append(f"{tokens_out:,} out" if told else f"{tokens_out:,} tokens out")
    return [", ".join(told)] if told else []


def _head(console: "Console", told: Mapping[str, Any]) -> None:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    asked = told.get("requested") or f"the chain of {told.get('task')}"
    rows = {
        "call": told.get("id"),
        "request": told.get("request_id") if told.get("request_id") != told.get("id") else None,
        "when": told.get("at"),
        "task": told.get("task"),
        "asked for": asked if told.get("task") else None,
        "key": told.get("key"),
        "ended": _ending(told),
        "attempts": trail(told.get("attempts") or []) or None,
    }
    for name, found in rows.items():
        if found is not None:
            table.add_row(name, plain(str(found)))
    console.print(table)


def _ending(told: Mapping[str, Any]) -> str | None:
    status, code = told.get("status"), told.get("code")
    if status is None:
        return None
    return f"{status} {code}" if code else str(status)


def _attempt(console: "Console", number: int, attempt: Mapping[str, Any], width: int) -> None:
    from rich.padding import Padding
    from rich.table import Column, Table
    from rich.text import Text

    outcome = str(attempt.get("outcome"))
    ok = outcome == "ok"
    style = "green" if ok else "yellow" if attempt.get("tried") is False else "red"
    facts = [f"{attempt.get('latency_ms') or 0:,} ms" if attempt.get("tried", True) else "not tried"]
    facts += [f"first word after {attempt['ttft_ms']:,} ms"] if attempt.get("ttft_ms") is not None else []
    facts += [f"status {attempt['status']}"] if attempt.get("status") else []
    facts += [f"circuit {attempt['circuit']}"] if attempt.get("circuit") else []
    facts += tokens(attempt) if ok or attempt.get("ttft_ms") is not None else []
    line = Table.grid(Column(no_wrap=True), Column(), padding=(0, 2, 0, 0))
    made = Text(f"{number:>3}  {attempt.get('model')}  ", style="bold")
    line.add_row(made.append(outcome.ljust(width), style=style), " · ".join(facts))
    console.print(line)
    if message := attempt.get("message"):
        console.print(Padding(Text(plain(str(message))), (0, 0, 0, _INDENT), expand=False))


def _advice(console: "Console", advice: Advice) -> None:
    from rich.padding import Padding
    from rich.text import Text

    console.print(Padding(Text(plain(advice.what), style="italic"), (0, 0, 0, _INDENT), expand=False))
    for command in advice.commands:
        # Unwrapped: what is to be copied must stay one line.
        console.print(Text(" " * _INDENT + f"→ {plain(command)}", style="bold"), soft_wrap=True)
