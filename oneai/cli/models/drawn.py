"""How models are drawn: a circuit, a chain in one cell, a change, a figure."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from oneai.cli.models.rows import Change
from oneai.cli.output import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_CIRCUITS = {
    "closed": ("●", "green"),
    "half_open": ("◐", "yellow"),
    "open": ("○", "red"),
    "off": ("–", "dim"),
    "unknown": ("·", "dim"),
}
_STATUSES = {"healthy": "green", "degraded": "yellow", "unhealthy": "red", "unknown": "dim"}


def table(*columns: str, right: Iterable[str] = (), keep: Iterable[str] = ()) -> "Table":
    """A table without a frame; columns of `right` are figures, those of `keep` are never cut or wrapped."""
    from rich import box
    from rich.table import Table

    found = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    figures, kept = set(right), set(keep)
    for name in columns:
        whole = name in kept or name in figures
        found.add_column(name, justify="right" if name in figures else "left", no_wrap=whole, overflow="fold")
    return found


def circuit(state: str) -> "Text":
    from rich.text import Text

    sign, style = _CIRCUITS.get(state, ("?", "yellow"))
    return Text(f"{sign} {state}", style=style)


def status(word: str) -> "Text":
    from rich.text import Text

    return Text(word, style=_STATUSES.get(word, "yellow"))


def chain(codes: Sequence[str], most: int) -> str:
    """`op2 → op3 → …+2`: those behind a model, so many at most."""
    if len(codes) <= most:
        return " → ".join(codes)
    return " → ".join([*codes[:most], f"…+{len(codes) - most}"])


def figure(number: float | None) -> str:
    return "–" if number is None else f"{number:,}"


def value(found: Any) -> str:
    """A field's value as one would write it."""
    if found is None:
        return "–"
    return plain(found if isinstance(found, str) else orjson.dumps(found).decode())


def changes(console: "Console", found: Sequence[Change]) -> None:
    """Field, old and new, one a line."""
    from rich.text import Text

    shown = table("field", "old", "new", keep=["field"])
    for change in found:
        shown.add_row(change.field, Text(value(change.old), style="dim"), Text(value(change.new), style="bold"))
    console.print(shown)
