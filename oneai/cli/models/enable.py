"""`oneai models enable` and `disable`: let calls go to models, or past them."""

from typing import Annotated

import typer

from oneai.cli import stores
from oneai.cli.frame import DONE, Desk, DryRun, Json, run
from oneai.cli.models import applying, inventory, rows
from oneai.cli.models.applying import Applied
from oneai.errors import UnknownModel
from oneai.types import Row

Codes = Annotated[list[str], typer.Argument(metavar="CODE...", help="Which models.")]


def enable(context: typer.Context, codes: Codes, dry_run: DryRun = False, json: Json = False) -> None:
    """Let calls go to these models; a removed one is brought back."""
    run(context, json, lambda desk: _switch(desk, codes, active=True, dry_run=dry_run))


def disable(context: typer.Context, codes: Codes, dry_run: DryRun = False, json: Json = False) -> None:
    """Let no call go to these models; chains pass them over."""
    run(context, json, lambda desk: _switch(desk, codes, active=False, dry_run=dry_run))


async def _switch(desk: Desk, codes: list[str], *, active: bool, dry_run: bool) -> int:
    async with stores.writing(desk, dry_run=dry_run) as store:
        known = await inventory.read(desk, store)
        olds = [_found(known, code, active) for code in dict.fromkeys(codes)]
        news = [_switched(old, active) for old in olds]
        pairs = zip(olds, news, strict=True)
        applied = [Applied(code=new["model_code"], changes=rows.differences(old, new)) for old, new in pairs]
        live = await applying.apply(desk, applied, lambda: store.put_models(news), dry_run=dry_run)
    word = "enabled" if active else "disabled"
    applying.tell(desk, applied, live, did=word, same=word, dry_run=dry_run, hints=_hints(olds, active))
    return DONE


def _found(known: inventory.Inventory, code: str, active: bool) -> Row:
    """Raises UnknownModel; RemovedModel only for a model to be disabled."""
    if active and code not in known.rows:
        raise UnknownModel(model=code)
    return rows.writable(known.rows[code] if active else known.row(code))


def _switched(old: Row, active: bool) -> Row:
    meta = {name: found for name, found in inventory.meta(old).items() if name != "removed_at"}
    return old | {"active": active, "meta": meta}


def _hints(olds: list[Row], active: bool) -> list[str]:
    back = [old["model_code"] for old in olds if active and inventory.is_removed(old)]
    if not back:
        return []
    return [f"{', '.join(back)} had been removed from its chain: `oneai models fallback` wires it again."]
