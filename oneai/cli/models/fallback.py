"""`oneai models fallback`: wire a whole chain, end one, or draw them."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated

import typer

from oneai.cli import stores
from oneai.cli.frame import DONE, Desk, DryRun, Json, run
from oneai.cli.models import applying, inventory, rows, states, trees
from oneai.cli.models.applying import Applied
from oneai.cli.models.inventory import Inventory
from oneai.core import chain
from oneai.errors import BadField
from oneai.types import Row

Links = dict[str, str | None]


def fallback(
    context: typer.Context,
    codes: Annotated[list[str] | None, typer.Argument(metavar="[CODE]...", help="The chain, first to last.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Draw the chain of CODE, or every chain.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="End the chain at each CODE: it falls back to none.")] = False,
    end: Annotated[bool, typer.Option("--end", help="End the chain at the last CODE, whatever was behind it.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Wire a chain: `oneai models fallback op1 op2 op3 os1`. What the last one falls back to stays.

    With one CODE or none, the chains are drawn.
    """
    asked = list(codes or ())
    if show or (len(asked) < 2 and not clear and not end):
        run(context, json, lambda desk: _show(desk, asked))
        return
    if clear and not asked:
        raise BadField(field="CODE", found="none", accepted="the models that are to fall back to none")
    links = _cleared(asked) if clear else _linked(asked, end)
    run(context, json, lambda desk: _wire(desk, links, dry_run=dry_run))


def _cleared(codes: list[str]) -> Links:
    return dict.fromkeys(codes)


def _linked(codes: list[str], end: bool) -> Links:
    """Each to the next. Raises BadField where one stands twice: only one of its links could hold."""
    if twice := next((code for code in codes if codes.count(code) > 1), None):
        rows.refuse_faults([f"{twice} stands twice in {' → '.join(codes)}: a chain may not come back to itself"])
    links: Links = dict(pairwise(codes))
    return links | ({codes[-1]: None} if end else {})


async def _wire(desk: Desk, links: Links, *, dry_run: bool) -> int:
    async with stores.writing(desk, dry_run=dry_run) as store:
        known = await inventory.read(desk, store)
        olds = [rows.writable(known.row(code)) for code in _named(links)]
        rows.refuse_faults(chain.wiring_faults(known.registry, links))
        pairs = [(old, _relinked(old, links)) for old in olds if old["model_code"] in links]
        applied = [Applied(code=new["model_code"], changes=rows.differences(old, new)) for old, new in pairs]
        live = await applying.apply(
            desk, applied, lambda: store.put_models([new for _old, new in pairs]), dry_run=dry_run
        )
        after = _after(desk, known, [new for _old, new in pairs])
        found = trees.chains(after.registry, [next(iter(links))], await states.read(desk, store))
    more = {"chains": trees.document(found)}
    applying.tell(desk, applied, live, did="wired", same="wired so", dry_run=dry_run, more=more)
    desk.out.draw(lambda console: trees.draw(console, found))
    return applying.mute(desk, applied)


def _named(links: Links) -> Iterable[str]:
    return dict.fromkeys([*links, *(code for code in links.values() if code)])


def _relinked(old: Row, links: Links) -> Row:
    return old | {"fallback_model_code": links[old["model_code"]]}


def _after(desk: Desk, known: Inventory, news: list[Row]) -> Inventory:
    return inventory.of(desk, known.others(news))


async def _show(desk: Desk, codes: list[str]) -> int:
    async with stores.reading(desk) as store:
        known = await inventory.read(desk, store)
        for code in codes:
            known.model(code)
        now = await states.read(desk, store)
    found = trees.chains(known.registry, codes or trees.heads(known.registry), now)
    document = {"chains": trees.document(found), "circuits_from": now.source}
    desk.out.give(document, lambda console: trees.draw(console, found))
    if now.footnote and found:
        desk.out.say(now.footnote)
    return DONE
