"""`oneai models keys`: which keys may call a model; grants and withdraws."""

from typing import TYPE_CHECKING, Annotated

import typer

from oneai.cli import stores, writes
from oneai.cli.frame import DONE, Desk, DryRun, Json, run
from oneai.cli.models import callers, drawn, inventory
from oneai.cli.models.callers import Callers
from oneai.cli.writes import Live
from oneai.errors import Conflict, StoreLacks, UnknownKey
from oneai.store import Store
from oneai.types import Row

if TYPE_CHECKING:
    from rich.console import Console


def keys(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="Which model.")],
    grant: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Let this key call it; repeat for more.")
    ] = None,
    withdraw: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Let this key no longer call it; repeat for more.")
    ] = None,
    restrict: Annotated[
        bool, typer.Option("--restrict", help="With --withdraw: make a list of today's other models of a key for all.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Which keys may call a model; with --grant and --withdraw, change that."""
    grants, withdrawals = list(grant or ()), list(withdraw or ())
    if both := set(grants) & set(withdrawals):
        raise Conflict(what=f"{', '.join(sorted(both))}: to be granted and withdrawn at once.")
    if not grants and not withdrawals:
        run(context, json, lambda desk: _show(desk, code))
        return
    run(context, json, lambda desk: _change(desk, code, grants, withdrawals, restrict=restrict, dry_run=dry_run))


async def _show(desk: Desk, code: str) -> int:
    async with stores.reading(desk) as store:
        known = await inventory.read(desk, store)
        may = await callers.read(desk, store, known.model(code))
    _tell(desk, code, may, [], None)
    return DONE


async def _change(
    desk: Desk, code: str, grants: list[str], withdrawals: list[str], *, restrict: bool, dry_run: bool
) -> int:
    async with stores.writing(desk, dry_run=dry_run) as store:
        known = await inventory.read(desk, store)
        model, models = known.model(code), list(known.registry.models.values())
        before = await callers.read(desk, store, model)
        if before.lacks:
            raise StoreLacks(what="table of API keys")
        news = [callers.granted(_stored(before, name), model) for name in grants]
        news += [callers.withdrawn(_stored(before, name), model, models, restrict=restrict) for name in withdrawals]
        changed = [row for row in news if row["allow"] != before.rows[row["name"]].get("allow")]
        live = Live(live=False, note="This was a dry run: nothing was written.")
        if not dry_run:
            live = await _write(desk, store, changed)
        after = await callers.read(desk, store, model)
    _tell(desk, code, after, [(before.rows[row["name"]], row) for row in changed], live, dry_run=dry_run)
    return DONE


async def _write(desk: Desk, store: Store, changed: list[Row]) -> Live:
    for row in changed:
        await store.put_key(row)
    return await writes.announce(desk)


def _stored(may: Callers, name: str) -> Row:
    """Raises UnknownKey; Conflict for one that no row of the store can change."""
    if name in may.rows:
        return may.rows[name]
    if name in may.names:
        what = f"Key {name} is the local one, or listed in API_KEYS or ADMIN_API_KEYS: it may call every model, always."
        raise Conflict(what=what)
    raise UnknownKey(name=name)


def _tell(
    desk: Desk, code: str, may: Callers, changes: list[tuple[Row, Row]], live: Live | None, *, dry_run: bool = False
) -> None:
    document = {
        "code": code,
        "keys": [{"name": name, "may_call": allowed} for name, allowed in may.names.items()],
        "changes": [{"name": new["name"], "old": old.get("allow"), "new": new["allow"]} for old, new in changes],
        "dry_run": dry_run,
    }
    outcome = {"live": live.live, "note": live.note, "changed": bool(changes)} if live else {}

    desk.out.give(document | outcome, lambda console: _draw(console, may, changes, asked=live is not None))
    if may.lacks:
        desk.out.warn(may.lacks)
    if live:
        desk.out.say(live.note)


def _draw(console: "Console", may: Callers, changes: list[tuple[Row, Row]], *, asked: bool) -> None:
    if asked and not changes:
        console.print("It is so already: nothing changes.")
    for old, new in changes:
        console.print(f"{new['name']}: {_reach(old.get('allow'))} → {_reach(new['allow'])}")
    if not may.names:
        console.print("No keys yet: `oneai keys create NAME` makes one.")
        return
    table = drawn.table("key", "may call it", keep=["key"])
    for name, allowed in sorted(may.names.items()):
        table.add_row(name, "yes" if allowed else "no")
    console.print(table)


def _reach(allow: list[str] | None) -> str:
    return "all" if allow is None else ", ".join(allow) or "none"
