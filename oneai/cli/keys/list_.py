"""`oneai keys list`: every key, and never a key itself."""

import time
from typing import TYPE_CHECKING

import typer

from oneai.cli import stores, times
from oneai.cli.frame import DONE, Desk, Json, run
from oneai.cli.keys import held
from oneai.cli.keys.held import Keys

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_STYLES = {"live": "green", "expired": "yellow", "revoked": "dim"}
_WIDE = 100


def list_keys(context: typer.Context, json: Json = False) -> None:
    """Every key: who it is for, what it may call, and whether it still may. The keys themselves are kept nowhere."""
    run(context, json, _list)


async def _list(desk: Desk) -> int:
    async with stores.reading(desk) as store:
        known = await held.read(desk, store)
    now = time.time()
    document = {"keys": [key.document(now) for key in known.held]}
    desk.out.give(document, lambda console: _draw(console, known, now))
    if known.lacks:
        desk.out.warn(known.lacks)
    return DONE


def _draw(console: "Console", known: Keys, now: float) -> None:
    from oneai.cli.models import drawn

    if not known.held:
        console.print("No keys yet. `oneai keys create NAME` makes one; `oneai serve` makes a first one by itself.")
        return
    wide = console.width >= _WIDE
    more = ("hash", "limit") if wide else ()
    table = drawn.table("name", "may call", "admin", "state", "expires", "source", *more, keep=["state", "source"])
    for key in known.held:
        rest = (key.hash[:8], drawn.figure(key.max_in_flight)) if wide else ()
        expires = times.shown(key.expires_at) if wide else times.shown(key.expires_at)[:10]
        word = state(key.standing(now))
        table.add_row(key.name, key.reach, "yes" if key.admin else "–", word, expires, key.source, *rest)
    console.print(table)


def state(word: str) -> "Text":
    """`live`, `expired` or `revoked`, in its colour."""
    from rich.text import Text

    return Text(word, style=_STYLES[word])
