"""`oneai db check`: is the store there, does it have what is needed, and what works without it."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from oneai.cli import stores
from oneai.cli.frame import DONE, FAILED, WITHOUT_EFFECT, Desk, Json, run
from oneai.store import Finding
from oneai.store.journal import refused

if TYPE_CHECKING:
    from rich.console import Console


def check(context: typer.Context, json: Json = False) -> None:
    """Look at the store's schema. Exit 7 when something is missing that one can work without, 1 when it cannot."""
    run(context, json, _check)


async def _check(desk: Desk) -> int:
    findings = [*await of_store(desk), *of_refused(desk.settings.home)]
    document = {
        "store": desk.settings.store_url,
        "ok": all(finding.ok for finding in findings),
        "findings": [asdict(finding) for finding in findings],
    }
    desk.out.give(document, lambda console: _draw(console, desk.settings.store_url, findings))
    return exit_code(findings)


async def of_store(desk: Desk) -> list[Finding]:
    """What the store says of itself. Raises StoreAway. A SQLite file is not made for the asking."""
    if absent := _absent(desk.settings.store_url):
        return [absent]
    async with stores.reading(desk) as store:
        return await store.check()


def _absent(store_url: str) -> Finding | None:
    kind, _, path = store_url.partition(":")
    if kind != "sqlite" or Path(path).exists():
        return None
    remedy = "`oneai serve` or `oneai db migrate` makes it"
    return Finding(name="file", ok=False, detail=f"{path} is not there yet", remedy=remedy)


def of_refused(home: Path) -> list[Finding]:
    """The usage rows that the store will never take; nothing where that is not ours to read."""
    path = home / "journal" / "refused.jsonl"
    try:
        count = refused.tally(path)
    except OSError:
        return []
    detail = f"{count:,} set aside in {path}" if count else "none"
    remedy = "read why in each line's `reason`, and delete the file when you have seen it" if count else ""
    return [Finding(name="refused usage rows", ok=not count, detail=detail, remedy=remedy)]


def exit_code(findings: Sequence[Finding]) -> int:
    """DONE, WITHOUT_EFFECT or FAILED, by the worst of them."""
    bad = [finding for finding in findings if not finding.ok]
    if not bad:
        return DONE
    return FAILED if any(finding.fatal for finding in bad) else WITHOUT_EFFECT


def _draw(console: "Console", store: str, findings: Sequence[Finding]) -> None:
    from rich.text import Text

    from oneai.cli.models import drawn

    console.print(store)
    table = drawn.table("", "what", "found", keep=[""])
    for finding in findings:
        sign = Text("✓", style="green") if finding.ok else Text("✗", style="red" if finding.fatal else "yellow")
        table.add_row(sign, finding.name, finding.detail)
        if finding.remedy:
            table.add_row("", "", Text(f"→ {finding.remedy}", style="bold"))
    console.print(table)
