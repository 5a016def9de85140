"""`oneai doctor`: everything that can be wrong, looked at once; each finding ends with the command that mends it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from oneai.cli.doctor.remark import Level, Remark, counted
from oneai.cli.frame import DONE, FAILED, WITHOUT_EFFECT, Desk, Json, run

if TYPE_CHECKING:
    from rich.console import Console

    from oneai.cli.doctor.facts import Facts

_SIGNS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.PROBLEM: ("✗", "red")}


def doctor(context: typer.Context, json: Json = False) -> None:
    """Look for what is wrong: settings, home, store, gateway, journal, keys, chains and every model's server.

    Exit 0 when all is well, 7 for warnings and problems, 1 where a gateway could not serve at all: its store is away
    and it keeps no snapshot.
    """
    run(context, json, _doctor)


async def _doctor(desk: Desk) -> int:
    from oneai.cli.doctor import gather, judging

    facts = await gather.everything(desk)
    remarks = judging.all_of(facts)
    counts = {level: sum(remark.level is level for remark in remarks) for level in Level}
    document = {
        "ok": counts[Level.OK] == len(remarks),
        "problems": counts[Level.PROBLEM],
        "warnings": counts[Level.WARNING],
        "checks": [asdict(remark) for remark in remarks],
    }
    desk.out.give(document, lambda console: _draw(console, remarks, counts))
    return exit_code(facts, remarks)


def exit_code(facts: "Facts", remarks: Sequence[Remark]) -> int:
    """FAILED where nothing can be served, WITHOUT_EFFECT where anything is wrong, DONE else."""
    if facts.store.away and not facts.store.has_snapshot:
        return FAILED
    return DONE if all(remark.level is Level.OK for remark in remarks) else WITHOUT_EFFECT


def _draw(console: "Console", remarks: Sequence[Remark], counts: dict[Level, int]) -> None:
    from rich.table import Table
    from rich.text import Text

    from oneai.cli.output import plain

    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, width=max(len(remark.topic) for remark in remarks))
    table.add_column(no_wrap=True)
    # Folded and never cut: what is to be copied stands here too.
    table.add_column(overflow="fold")
    before = ""
    for remark in remarks:
        sign, style = _SIGNS[remark.level]
        topic = Text(remark.topic if remark.topic != before else "", style="bold")
        table.add_row(topic, Text(sign, style=style), plain(remark.what))
        if remark.mend:
            table.add_row("", "", Text(f"→ {plain(remark.mend)}", style="bold"))
        before = remark.topic
    console.print(table)
    bad = ", ".join(counted(counts[level], level.value) for level in (Level.PROBLEM, Level.WARNING))
    console.print(f"\n{bad}, {counts[Level.OK]} well.")
